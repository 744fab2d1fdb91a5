//! One file a command: arguments and settings to options, and results to the terminal.

mod home;
mod lint;
mod record;

pub use home::{Home, store};
pub use lint::lint;
pub use record::{print_ledger, record, state_folder};
