//! Reaching a host, directly or through a company's own proxy.

use std::io;
use std::time::Duration;

use retake_wire::http1::forward::{Authority, HEAD_LIMIT};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Refusal;
use super::chain::{Chain, Chained};

/// How long one address may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a proxy may take to reach a host.
const TUNNEL_TIMEOUT: Duration = Duration::from_secs(60);

/// Connects to a host, through a proxy where the chain says so.
pub(super) async fn dial(to: &Authority, chain: &Chain) -> Result<TcpStream, Refusal> {
    let Some(proxy) = chain.of(to) else {
        return connect(to).await.map_err(|error| refusal(to, &error));
    };
    let refused = |error: &io::Error| {
        let mut refusal = refusal(&proxy.at, error);
        refusal.why.push_str(", the proxy behind this one");
        refusal
    };
    let mut stream = connect(&proxy.at).await.map_err(|error| refused(&error))?;
    match tokio::time::timeout(TUNNEL_TIMEOUT, tunnel(&mut stream, to, proxy)).await {
        Ok(Ok(Answer {
            status: 200..300, ..
        })) => Ok(stream),
        Ok(Ok(answer)) => Err(Refusal {
            // 407 and what it asks for is for whoever has the credentials.
            status: answer.status,
            why: format!("the proxy {} answers {} for {to}", proxy.at, answer.status),
            headers: answer.challenge,
        }),
        Ok(Err(error)) => Err(refused(&error)),
        Err(_) => Err(refused(&io::ErrorKind::TimedOut.into())),
    }
}

fn refusal(to: &Authority, error: &io::Error) -> Refusal {
    let status = match error.kind() {
        io::ErrorKind::TimedOut => 504,
        _ => 502,
    };
    Refusal::new(status, format!("cannot connect to {to}: {error}"))
}

async fn connect(to: &Authority) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in tokio::net::lookup_host((to.host.as_str(), to.port)).await? {
        match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// What a proxy answered to CONNECT.
struct Answer {
    status: u16,
    /// The lines that say which credentials it wants.
    challenge: String,
}

async fn tunnel(stream: &mut TcpStream, to: &Authority, proxy: &Chained) -> io::Result<Answer> {
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to whoever is behind the proxy.
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() >= HEAD_LIMIT {
            return Err(io::Error::other("its answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| {
        let (version, rest) = line.split_once(' ')?;
        version.starts_with("HTTP/1.").then_some(())?;
        rest.get(..3)?.parse().ok()
    });
    let challenge = lines
        .filter(|line| line.to_ascii_lowercase().starts_with("proxy-authenticate:"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    Ok(Answer {
        status: status.ok_or_else(|| io::Error::other("it speaks no HTTP"))?,
        challenge,
    })
}
