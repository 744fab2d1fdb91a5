//! A plain client: sends the requests one by one and checks status and body.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use retake_model::Value;
use retake_proxy::replay::ReplayClient;

use crate::document;

/// Sends the requests over one connection; prints how many a second.
pub fn drive(address: &str, count: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let took = runtime.block_on(async {
        let client = ReplayClient::new(address);
        let host = Value::map([("Host", Value::from(address))]);
        let accept = Value::map([("Accept", Value::from("*/*"))]);
        let headers = Value::List(vec![host, accept]);
        let began = Instant::now();
        for number in 0..count {
            let request = Value::map([
                ("method", Value::from("GET")),
                ("path", Value::from(document::path(number).as_str())),
                ("headers", headers.clone()),
            ]);
            let answer = client.send(&request, &[], Duration::from_secs(30)).await?;
            let status = answer.response.get("status").and_then(Value::as_i64);
            ensure!(status == Some(200), "request {number}: status {status:?}");
            let body = answer
                .response
                .get("body")
                .and_then(|body| body.get("json"));
            let expected = retake_model::json::parse(document::body(number).as_bytes())?.0;
            ensure!(body == Some(&expected), "request {number}: {body:?}");
        }
        Ok(began.elapsed())
    })?;
    println!("{:.6}", took.as_secs_f64());
    Ok(())
}
