//! When a service is ready for requests.

use std::time::{Duration, Instant};

use retake_model::Value;
use retake_proxy::replay::ReplayClient;
use tokio::net::TcpStream;

use crate::service::Service;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// How long an answer to a health path may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a service is known to be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Its port accepts connections, or the one that is named.
    Port(Option<u16>),
    /// A GET of this path is answered with a status below 500.
    Path(String),
    /// This text stands in its output.
    Log(String),
}

/// Why a service is not ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It ended before.
    #[error("the service {0} before it was ready")]
    Ended(String),
    /// It took too long.
    #[error("the service was not ready after {0:?}: {1}")]
    TimedOut(Duration, String),
}

/// Waits until the service at `address` is ready; says how long that took.
///
/// # Errors
/// [`NotReady`] where it ended before, or took longer than `timeout`.
pub async fn wait(
    address: &str,
    ready: &Ready,
    timeout: Duration,
    service: &mut Option<Service>,
) -> Result<Duration, NotReady> {
    let began = Instant::now();
    loop {
        let missing = match look(address, ready, service.as_ref()).await {
            Ok(()) => return Ok(began.elapsed()),
            Err(missing) => missing,
        };
        if let Some(how) = service.as_mut().and_then(Service::has_ended) {
            return Err(NotReady::Ended(how));
        }
        if began.elapsed() >= timeout {
            return Err(NotReady::TimedOut(timeout, missing));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(address: &str, ready: &Ready, service: Option<&Service>) -> Result<(), String> {
    match ready {
        Ready::Log(line) => match service {
            Some(service) if service.output().contains(line) => Ok(()),
            Some(_) => Err(format!("its output has no {line:?}")),
            None => Err("a log line can be waited for only with a command".to_owned()),
        },
        Ready::Port(None) => connect(address).await.map(drop),
        Ready::Port(Some(port)) => {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            connect(&format!("{host}:{port}")).await.map(drop)
        }
        Ready::Path(path) => match status(address, path).await? {
            status if status < 500 => Ok(()),
            status => Err(format!("GET {path} gave status {status}")),
        },
    }
}

async fn connect(address: &str) -> Result<TcpStream, String> {
    let socket = address.strip_prefix("https://").unwrap_or(address);
    TcpStream::connect(socket)
        .await
        .map_err(|e| format!("{address} does not accept connections: {e}"))
}

/// The status code of `GET path`.
async fn status(address: &str, path: &str) -> Result<u16, String> {
    let host = address.strip_prefix("https://").unwrap_or(address);
    let header = |name, value: &str| Value::map([(name, value.into())]);
    let request = Value::map([
        ("method", "GET".into()),
        ("path", path.into()),
        (
            "headers",
            Value::List(vec![header("host", host), header("connection", "close")]),
        ),
    ]);
    let sent = ReplayClient::new(address)
        .send(&request, &[], PATIENCE)
        .await
        .map_err(|error| with_causes(&error))?;
    let status = sent.response.get("status").and_then(Value::as_i64);
    status
        .and_then(|status| u16::try_from(status).ok())
        .ok_or_else(|| format!("GET {path} gave no status"))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::service::OutputTo;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn an_open_port_is_ready() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        wait(&address, &Ready::Port(None), SHORT, &mut None)
            .await
            .expect("ready");
    }

    #[tokio::test]
    async fn another_port_may_tell() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let ready = Ready::Port(Some(port));
        wait("127.0.0.1:1", &ready, SHORT, &mut None)
            .await
            .expect("ready");
    }

    #[tokio::test]
    async fn a_closed_port_is_said_after_the_timeout() {
        let error = wait("127.0.0.1:1", &Ready::Port(None), SHORT, &mut None)
            .await
            .expect_err("closed");
        assert!(
            error
                .to_string()
                .contains("127.0.0.1:1 does not accept connections"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_health_path_must_not_fail() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        tokio::spawn(async move {
            for status in ["503 Busy", "204 No Content"] {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = [0; 512];
                let _ = stream.read(&mut request).await;
                let _ = stream
                    .write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes())
                    .await;
            }
        });
        let health = Ready::Path("/health".to_owned());
        wait(&address, &health, Duration::from_secs(5), &mut None)
            .await
            .expect("ready at the second look");
    }

    #[tokio::test]
    async fn scenario_29_a_service_that_ends_is_not_waited_for() {
        let command = ["sh", "-c", "exit 7"].map(str::to_owned);
        let mut service = Some(Service::start(&command, &[], OutputTo::Kept, None).expect("sh"));
        let error = wait(
            "127.0.0.1:1",
            &Ready::Port(None),
            Duration::from_secs(30),
            &mut service,
        )
        .await
        .expect_err("ended");
        assert_eq!(error, NotReady::Ended("ended with exit code 7".to_owned()));
    }

    #[tokio::test]
    async fn a_log_line_makes_it_ready() {
        let command = ["sh", "-c", "echo listening; sleep 60"].map(str::to_owned);
        let mut service = Some(Service::start(&command, &[], OutputTo::Kept, None).expect("sh"));
        wait(
            "127.0.0.1:1",
            &Ready::Log("listening".to_owned()),
            Duration::from_secs(30),
            &mut service,
        )
        .await
        .expect("ready");
    }
}
