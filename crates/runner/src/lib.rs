//! A record session and a replay run.

mod build;
pub mod capture;
mod checks;
mod command;
pub mod doctor;
pub mod installation;
mod machine;
mod program;
pub mod ready;
pub mod record;
pub mod replay;
pub mod service;

pub use checks::store;
