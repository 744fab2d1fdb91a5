//! The little of a PostgreSQL client that the demo service needs.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The longest message that the demo reads, in bytes.
const MAX_MESSAGE: usize = 1 << 20;

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// Rows of text values.
pub type Rows = Vec<Vec<Option<String>>>;

impl Client {
    /// Connects and starts a session (PostgreSQL documentation, 53.2.1).
    pub async fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut client = Client {
            stream: BufReader::new(stream),
        };
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        for text in ["user", "shop", "database", "shop", ""] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        let length = i32::try_from(body.len() + 4).map_err(io::Error::other)?;
        let mut message = length.to_be_bytes().to_vec();
        message.extend_from_slice(&body);
        client.stream.write_all(&message).await?;
        client.until_ready().await?;
        Ok(client)
    }

    /// Runs one statement by the extended query protocol, unnamed, with text values.
    pub async fn query(&mut self, sql: &str, params: &[&str]) -> io::Result<Rows> {
        let mut out = Vec::new();
        message(&mut out, b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat())?;
        let mut bind = b"\0\0\0\0".to_vec();
        bind.extend_from_slice(
            &u16::try_from(params.len())
                .map_err(io::Error::other)?
                .to_be_bytes(),
        );
        for param in params {
            bind.extend_from_slice(
                &i32::try_from(param.len())
                    .map_err(io::Error::other)?
                    .to_be_bytes(),
            );
            bind.extend_from_slice(param.as_bytes());
        }
        bind.extend_from_slice(b"\0\0");
        message(&mut out, b'B', &bind)?;
        message(&mut out, b'D', b"P\0")?;
        message(&mut out, b'E', b"\0\0\0\0\0")?;
        message(&mut out, b'S', b"")?;
        self.stream.write_all(&out).await?;
        self.until_ready().await
    }

    /// Reads to ReadyForQuery; gives the rows, or the server's error.
    async fn until_ready(&mut self) -> io::Result<Rows> {
        let (mut rows, mut failure) = (Vec::new(), None);
        loop {
            let tag = self.stream.read_u8().await?;
            let length =
                usize::try_from(self.stream.read_i32().await?).map_err(io::Error::other)?;
            if !(4..=MAX_MESSAGE).contains(&length) {
                return Err(io::Error::other(format!("a message of {length} bytes")));
            }
            let mut body = vec![0; length - 4];
            self.stream.read_exact(&mut body).await?;
            match tag {
                b'D' => rows.push(row(&body).ok_or_else(|| io::Error::other("a broken row"))?),
                b'E' => failure = Some(error_text(&body)),
                b'R' if !body.starts_with(&[0, 0, 0, 0]) => {
                    return Err(io::Error::other("the demo's database asks for a password"));
                }
                b'Z' => return failure.map_or(Ok(rows), |text| Err(io::Error::other(text))),
                _ => {}
            }
        }
    }
}

fn message(out: &mut Vec<u8>, tag: u8, body: &[u8]) -> io::Result<()> {
    out.push(tag);
    out.extend_from_slice(
        &i32::try_from(body.len() + 4)
            .map_err(io::Error::other)?
            .to_be_bytes(),
    );
    out.extend_from_slice(body);
    Ok(())
}

/// DataRow (PostgreSQL documentation, 53.7).
fn row(body: &[u8]) -> Option<Vec<Option<String>>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        row.push(match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => {
                let (value, after) = rest.split_at_checked(length)?;
                rest = after;
                Some(String::from_utf8_lossy(value).into_owned())
            }
            Err(_) => None,
        });
    }
    Some(row)
}

/// The message field of ErrorResponse (PostgreSQL documentation, 53.8).
fn error_text(body: &[u8]) -> String {
    body.split(|b| *b == 0)
        .find_map(|field| field.strip_prefix(b"M"))
        .map_or_else(
            || "unknown error".to_owned(),
            |text| String::from_utf8_lossy(text).into_owned(),
        )
}
