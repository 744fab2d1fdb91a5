use std::sync::Arc;

use retake_model::{Answer, Chunk, ConnId, ConnInfo, Direction, Miss, Side, Timestamp, Value};

use super::*;
use crate::postgres::message::{Backend, Format, Transaction};
use crate::{Reading, Responder, Step, WireError};

mod client;
mod extended;
mod robust;
mod simple;
