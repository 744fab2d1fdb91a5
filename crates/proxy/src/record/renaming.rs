//! A connection gets another name once its client has said whom it means.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use retake_model::ConnInfo;

use super::RelayEvent;
use super::adopt::Accounts;
use super::counters::Live;
use crate::{Namer, Said};

/// What a connection needs to get another name.
#[derive(Clone)]
pub(super) struct Renaming {
    pub(super) namer: Arc<dyn Namer>,
    pub(super) accounts: Arc<Accounts>,
}

impl Renaming {
    /// Gives the connection the name by which what was said is known, and has it counted there,
    /// with the bytes that it passed on so far. None where it keeps its name.
    pub(super) fn apply(
        &self,
        info: &mut ConnInfo,
        counters: &mut Arc<Live>,
        said: Said<'_>,
        bytes: u64,
    ) -> Option<RelayEvent> {
        let name = self.namer.named(info, said)?;
        if info.dependency.as_ref() == Some(&name) {
            return None;
        }
        info.dependency = Some(name.clone());
        let new = self.accounts.of(&info.dependency);
        let old = std::mem::replace(counters, new);
        let pass = |from: &AtomicU64, to: &AtomicU64, n| {
            from.fetch_sub(n, Ordering::Relaxed);
            to.fetch_add(n, Ordering::Relaxed);
        };
        pass(&old.connections, &counters.connections, 1);
        pass(&old.open, &counters.open, 1);
        pass(&old.bytes, &counters.bytes, bytes);
        Some(RelayEvent::Named {
            conn: info.id,
            dependency: name,
        })
    }
}
