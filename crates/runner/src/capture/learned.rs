//! What a recording learns by capture, for the description of its set.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use retake_model::{DependencyInfo, SetInfo};
use retake_store::WriteMode;

use super::{RecordDirector, reachable};
use crate::record::RecordOptions;

/// What a recording learns by capture.
pub(crate) struct Learned {
    director: Arc<RecordDirector>,
    /// The captured dependencies of the set that is added to.
    before: Vec<DependencyInfo>,
    /// How much was told already.
    told: AtomicUsize,
}

/// The captured dependencies of the set that is added to.
pub(crate) fn captured_before(options: &RecordOptions) -> Vec<DependencyInfo> {
    if options.mode == WriteMode::Replace {
        return Vec::new();
    }
    let before = options.store.load(&options.set).map(|set| set.info);
    let dependencies = before.map(|info| info.dependencies).unwrap_or_default();
    let captured = |d: &DependencyInfo| !(d.hosts.is_empty() && d.addresses.is_empty());
    dependencies.into_iter().filter(captured).collect()
}

impl Learned {
    pub(crate) fn new(director: Arc<RecordDirector>, before: Vec<DependencyInfo>) -> Self {
        Learned {
            director,
            before,
            told: AtomicUsize::new(0),
        }
    }

    /// Where the service listens, in the order in which it began to.
    pub(crate) fn listening(&self) -> Vec<SocketAddr> {
        self.director.listening()
    }

    /// What went past, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.director.notes()
    }

    /// The description with what was learned, where that is more than the last time.
    pub(crate) fn news(&self, info: &SetInfo) -> Option<SetInfo> {
        let mut info = info.clone();
        self.complete(&mut info, true);
        let size = |d: &DependencyInfo| 1 + d.hosts.len() + d.addresses.len();
        let all = info.dependencies.iter().map(size).sum::<usize>();
        let all = all + usize::from(info.upstream.is_some());
        (self.told.swap(all, Ordering::Relaxed) != all).then_some(info)
    }

    /// Puts what was learned into the set's description.
    pub(crate) fn complete(&self, info: &mut SetInfo, has_tests: bool) {
        let new = self.director.dependencies(&info.dependencies);
        for mut old in self.before.iter().cloned() {
            if let Some(new) = new.iter().find(|new| new.name == old.name) {
                old.hosts.extend(new.hosts.iter().cloned());
                old.addresses.extend(new.addresses.iter().cloned());
                for list in [&mut old.hosts, &mut old.addresses] {
                    list.sort();
                    list.dedup();
                }
                old.fails = old.fails.filter(|_| new.fails.is_some());
            }
            if !info.dependencies.iter().any(|known| known.name == old.name) {
                info.dependencies.push(old);
            }
        }
        for new in new {
            if !info.dependencies.iter().any(|old| old.name == new.name) {
                info.dependencies.push(new);
            }
        }
        if info.upstream.is_none() && has_tests {
            info.upstream = self.director.serves().map(reachable);
        }
    }
}
