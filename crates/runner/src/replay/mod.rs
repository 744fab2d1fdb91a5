//! A replay run: every test of every set against a build, with its dependencies mocked.

mod desk;
mod forward;
mod listeners;
mod needs;
mod options;
mod patience;
mod run;
mod secrets;
mod set;
mod stage;
mod tests;
mod time;
mod watch;
mod work;

pub use options::{ReplayError, ReplayOptions};
pub use run::replay;
