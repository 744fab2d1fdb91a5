//! TLS with a client of a mock server.

use std::io;

use retake_wire::{Preface, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::session::Session;
use crate::Said;
use crate::tls::{self, ALPN_READ, Alpn, Issue, Names, Parsed, Refused, Stream, Tls};

impl Session {
    /// Reads what the client says before anything else, and shakes hands where that is TLS, or
    /// asks for it and was agreed to. What was read and not answered is left in `first`.
    pub(super) async fn shake_hands(
        &mut self,
        tls: &Tls,
        protocol: &dyn Protocol,
        first: &mut Vec<u8>,
    ) -> io::Result<()> {
        loop {
            if first.is_empty() && self.stream.read_buf(first).await? == 0 {
                return Ok(());
            }
            if self.begins_tls(first).await? {
                return self.accept(tls, first).await;
            }
            match protocol.preface(first) {
                Preface::NeedMore => {
                    if self.stream.read_buf(first).await? == 0 {
                        return Ok(());
                    }
                }
                Preface::Decline {
                    bytes,
                    agreed: Some(agreed),
                    ..
                } if self.agrees_to_tls && (first.len() == bytes || agreed.is_empty()) => {
                    self.stream.write_all(agreed).await?;
                    first.drain(..bytes.min(first.len()));
                }
                // The server of the protocol declines in its own words.
                Preface::Decline { .. } | Preface::Pass => return Ok(()),
            }
        }
    }

    /// Whether the client begins TLS; reads on where one byte does not tell.
    pub(super) async fn begins_tls(&mut self, first: &mut Vec<u8>) -> io::Result<bool> {
        if matches!(self.stream, Stream::Client(_)) {
            return Ok(false);
        }
        loop {
            match tls::begins_tls(first) {
                Some(begins) => return Ok(begins),
                None if self.stream.read_buf(first).await? == 0 => return Ok(false),
                None => {}
            }
        }
    }

    /// Shakes hands with a client that began with `first`, as the server that it asked for.
    pub(super) async fn accept(&mut self, tls: &Tls, first: &mut Vec<u8>) -> io::Result<()> {
        let hello = loop {
            match tls::parse(first) {
                Parsed::Hello(hello) => break hello,
                Parsed::Strange(why) => {
                    self.note(&format!("the client's TLS is not understood: {why}"));
                    return Err(io::Error::other(why));
                }
                Parsed::NeedMore => {
                    if self.stream.read_buf(first).await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        };
        if let Some(name) = &hello.name {
            self.rename(Said::Tls(name));
        }
        if let Alpn::Unread(names) = &hello.alpn {
            self.unread(&format!(
                "the client speaks only {names} within TLS, which is not served yet"
            ));
        }
        // Of what can be served the client's first choice, but no other version than 1.1 where
        // it has that.
        let alpn = ALPN_READ
            .iter()
            .find(|name| hello.alpn.offer().iter().any(|offered| offered == *name))
            .map(|name| name.to_vec());
        let here = match self.stream.socket() {
            Some(socket) => socket.local_addr()?.ip().to_canonical().to_string(),
            None => String::new(),
        };
        let target = self.info.target.as_deref().and_then(|t| t.rsplit_once(':'));
        let host = target.map(|(host, _)| host.trim_matches(['[', ']']).to_owned());
        let names = hello
            .name
            .into_iter()
            .chain([here, "localhost".to_owned()])
            .chain(host);
        let leaf = tls.authority().issue(&Issue {
            names: Names::of(names),
            fault: None,
        })?;
        let shaking = std::mem::replace(&mut self.stream, Stream::Shaking);
        let Stream::Plain(mut socket) = shaking else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        socket.put_back(std::mem::take(first));
        match tls::accept(socket, leaf, alpn.into_iter().collect()).await {
            Ok(stream) => {
                self.stream = Stream::Client(Box::new(stream));
                self.stream.acknowledge();
                Ok(())
            }
            Err(error) => {
                if tls::refused(&error) != Refused::Silently {
                    self.note(&format!(
                        "the client refused the certificate that retake showed it ({error}; \
                         hint: let the service trust the file that `retake ca --bundle` prints)"
                    ));
                }
                Err(error)
            }
        }
    }
}
