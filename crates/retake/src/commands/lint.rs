//! `retake lint`.

use retake_store::lint as lint_files;

use super::Home;
use crate::cli::LintArgs;
use crate::failure::{Failure, USAGE};
use crate::output;

/// Checks files; gives 2 where there are errors.
///
/// # Errors
/// Stdout cannot be written; what cannot be read is part of the report.
pub fn lint(home: &Home, args: &LintArgs) -> Result<u8, Failure> {
    let report = lint_files(&args.paths, &home.store);
    if args.json {
        output::line(report.to_json())?;
    } else if !report.diagnostics.is_empty() {
        output::print(report.to_text())?;
    }
    Ok(if report.errors() == 0 { 0 } else { USAGE })
}
