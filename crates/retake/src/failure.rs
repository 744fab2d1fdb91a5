//! Errors on their way to the terminal: what failed, and the next step.

use std::fmt;

use retake_store::StoreError;

/// Wrong usage or settings.
pub const USAGE: u8 = 2;

/// Nothing failed, and there is no test: the recording cannot answer, or has nothing to replay.
pub const GAP: u8 = 3;

/// The surroundings failed: a port was taken, the disk is full, the service did not start.
pub const SURROUNDINGS: u8 = 4;

/// An error with its exit code and, where there is one, the next step.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// An error that ends with that exit code. Where files were refused, what to do about that is
    /// its hint.
    pub fn new(code: u8, error: anyhow::Error) -> Self {
        let refused = error.chain().find_map(|cause| cause.downcast_ref());
        let hint = refused.and_then(StoreError::hint).map(str::to_owned);
        Failure { code, error, hint }
    }

    /// Wrong usage, in one sentence.
    pub fn usage(what: impl fmt::Display) -> Self {
        Failure::new(USAGE, anyhow::anyhow!("{what}"))
    }

    /// The same with the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        write!(f, "{red}error{red:#}: {}", self.error)?;
        for cause in self.error.chain().skip(1) {
            write!(f, ": {cause}")?;
        }
        if let Some(hint) = &self.hint {
            let cyan = anstyle::AnsiColor::Cyan.on_default();
            write!(f, "\n{cyan}hint{cyan:#}: {hint}")?;
        }
        Ok(())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::new(SURROUNDINGS, error.into())
    }
}
