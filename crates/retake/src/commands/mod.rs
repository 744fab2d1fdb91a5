//! One file a command: arguments and settings to options, and results to the terminal.

mod again;
mod capture;
mod doctor;
mod forward;
mod home;
mod instead;
mod lint;
mod nothing;
mod record;
mod replay;
mod report;
mod tls;

pub use again::retake;
pub use doctor::doctor;
pub use home::Home;
pub use lint::lint;
pub use record::{print_ledger, record, state_folder};
pub use replay::{replay, replay_with};
pub use report::report;
pub use tls::ca;
