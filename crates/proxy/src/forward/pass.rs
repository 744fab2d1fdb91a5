//! One request in absolute-form, and its response, on their way.

use std::future::pending;
use std::io;

use retake_wire::http1::forward::{Answers, Following, ForwardRequest, Passing};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// Bytes that are read at once.
const BUFFER: usize = 32 << 10;

/// Bytes of later requests that are read while a response is on its way.
const AHEAD: usize = 64 << 10;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The response was passed on whole.
    Whole {
        /// Whether the server may be asked again.
        keeps_server: bool,
    },
    /// The server closed the connection before it answered anything.
    Unanswered,
    /// Nothing can follow on this connection.
    Over,
}

/// Passes a request and its response on. `held` is what the client has sent behind the head.
///
/// # Errors
/// The client went away.
pub(super) async fn pass(
    client: &mut TcpStream,
    held: &mut Vec<u8>,
    server: &mut TcpStream,
    request: &mut ForwardRequest,
) -> io::Result<Ended> {
    if server.write_all(&request.head).await.is_err() {
        return Ok(Ended::Unanswered);
    }
    let mut uploaded = false;
    let done = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let up = upload(
            &mut from_client,
            held,
            &mut to_server,
            &mut request.body,
            &mut uploaded,
        );
        let down = download(&mut from_server, &mut to_client, request.answers);
        tokio::select! {
            gone = up => return Err(gone),
            done = down => done?,
        }
    };
    Ok(match done {
        Down::Whole { closes } => Ended::Whole {
            keeps_server: uploaded && !closes,
        },
        Down::Unanswered => Ended::Unanswered,
        Down::Over => Ended::Over,
        Down::Switched(first) => {
            client.write_all(&first).await?;
            server.write_all(held).await?;
            held.clear();
            copy_bidirectional(client, server).await?;
            Ended::Over
        }
    })
}

/// What came of the server's side.
enum Down {
    Whole { closes: bool },
    Unanswered,
    Over,
    Switched(Vec<u8>),
}

/// Passes the body on, then looks whether the client goes away: only that ends it.
async fn upload(
    from: &mut ReadHalf<'_>,
    held: &mut Vec<u8>,
    to: &mut WriteHalf<'_>,
    body: &mut Passing,
    uploaded: &mut bool,
) -> io::Error {
    loop {
        if !*uploaded {
            let (count, whole) = match body.pass(held) {
                Ok(passed) => passed,
                Err(why) => return io::Error::other(why),
            };
            let bytes = held.get(..count).unwrap_or_default();
            // A server that answers early and closes takes no more: its answer is still read.
            if to.write_all(bytes).await.is_err() {
                return pending().await;
            }
            held.drain(..count);
            *uploaded = whole;
        }
        if *uploaded && held.len() >= AHEAD {
            return pending().await;
        }
        match from.read_buf(held).await {
            Ok(0) => {
                // As it would without us, the server sees that the client sends no more.
                let _ = to.shutdown().await;
                return pending().await;
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

async fn download(
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    answers: Answers,
) -> io::Result<Down> {
    let mut bytes = Vec::with_capacity(BUFFER);
    let mut is_first = true;
    let (mut body, closes) = loop {
        match answers.head(&bytes) {
            Ok(None) => match from.read_buf(&mut bytes).await {
                Ok(n) if n > 0 => {}
                _ if is_first && bytes.is_empty() => return Ok(Down::Unanswered),
                _ => return rest(&bytes, None, to).await,
            },
            Ok(Some((head, following))) => {
                is_first = false;
                pass_on(&mut bytes, head, to).await?;
                match following {
                    Following::Response => {}
                    Following::Body { body, closes } => break (body, closes),
                    Following::Anything => return Ok(Down::Switched(bytes)),
                }
            }
            // Where it ends cannot be told: up to the end of the connection.
            Err(_) => return rest(&bytes, Some(from), to).await,
        }
    };
    loop {
        let Ok((count, whole)) = body.pass(&bytes) else {
            return rest(&bytes, Some(from), to).await;
        };
        pass_on(&mut bytes, count, to).await?;
        if whole {
            // What a server sends unasked cannot be told from a later answer.
            let closes = closes || !bytes.is_empty();
            return Ok(Down::Whole { closes });
        }
        match from.read_buf(&mut bytes).await {
            Ok(n) if n > 0 => {}
            _ => return Ok(Down::Over),
        }
    }
}

async fn pass_on(bytes: &mut Vec<u8>, count: usize, to: &mut WriteHalf<'_>) -> io::Result<()> {
    to.write_all(bytes.get(..count).unwrap_or_default()).await?;
    bytes.drain(..count.min(bytes.len()));
    Ok(())
}

/// Passes on what is left, as it is.
async fn rest(
    bytes: &[u8],
    from: Option<&mut ReadHalf<'_>>,
    to: &mut WriteHalf<'_>,
) -> io::Result<Down> {
    to.write_all(bytes).await?;
    if let Some(from) = from {
        copy(from, to).await?;
    }
    Ok(Down::Over)
}
