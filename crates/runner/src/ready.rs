//! When a service is ready for requests.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::service::Service;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// How a service is known to be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Its port accepts connections.
    Port,
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
        Ready::Port => connect(address).await.map(drop),
        Ready::Path(path) => {
            let mut stream = connect(address).await?;
            match tokio::time::timeout(Duration::from_secs(2), status(&mut stream, address, path))
                .await
            {
                Ok(Some(status)) if status < 500 => Ok(()),
                Ok(Some(status)) => Err(format!("GET {path} gave status {status}")),
                Ok(None) => Err(format!("GET {path} gave no HTTP response")),
                Err(_) => Err(format!("GET {path} was not answered")),
            }
        }
    }
}

async fn connect(address: &str) -> Result<TcpStream, String> {
    TcpStream::connect(address)
        .await
        .map_err(|e| format!("{address} does not accept connections: {e}"))
}

/// The status code of `GET path`, where one comes back.
async fn status(stream: &mut TcpStream, host: &str, path: &str) -> Option<u16> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.ok()?;
    std::str::from_utf8(line.strip_prefix(b"HTTP/1.")?.get(2..)?)
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::OutputTo;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn an_open_port_is_ready() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        wait(&address, &Ready::Port, SHORT, &mut None)
            .await
            .expect("ready");
    }

    #[tokio::test]
    async fn a_closed_port_is_said_after_the_timeout() {
        let error = wait("127.0.0.1:1", &Ready::Port, SHORT, &mut None)
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
        let mut service = Some(Service::start(&command, &[], OutputTo::Kept).expect("sh"));
        let error = wait(
            "127.0.0.1:1",
            &Ready::Port,
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
        let mut service = Some(Service::start(&command, &[], OutputTo::Kept).expect("sh"));
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
