//! A record session and a replay run.

pub mod installation;
pub mod ready;
pub mod record;
pub mod replay;
pub mod service;
