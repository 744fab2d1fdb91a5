//! What is said on stdout and stderr.

use std::fmt::Display;
use std::io::{self, Write};

use crate::failure::Failure;

/// Stdout. A reader that has seen enough (`| head`) is no error: the rest goes nowhere.
pub fn stdout() -> Box<dyn Write + Send> {
    Box::new(Patient(anstream::stdout()))
}

/// Writes to stdout.
///
/// # Errors
/// Stdout cannot be written, its disk is full for one.
pub fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = stdout();
    let written = write!(out, "{text}").and_then(|()| out.flush());
    written.map_err(|error| {
        anyhow::Error::new(error)
            .context("failed to write to stdout")
            .into()
    })
}

/// The same, as a line.
///
/// # Errors
/// As [`print`].
pub fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// Says something on the way. Nobody is left to be told where stderr cannot be written.
pub fn tell(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Goes on where its reader is gone.
struct Patient<W>(W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_gone(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        or_gone(self.0.flush(), ())
    }
}

fn or_gone<T>(done: io::Result<T>, gone: T) -> io::Result<T> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(gone),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_no_error_and_a_full_disk_is() {
        let mut gone = Patient(Failing(io::ErrorKind::BrokenPipe));
        assert!(gone.write_all(b"a report").is_ok());
        assert!(gone.flush().is_ok());
        let mut full = Patient(Failing(io::ErrorKind::StorageFull));
        assert!(full.write_all(b"a report").is_err());
        assert!(full.flush().is_err());
    }
}
