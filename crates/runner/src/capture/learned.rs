//! What a recording learns by capture and by its forward proxy, for the description of its set.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use retake_model::{DependencyInfo, SetInfo};
use retake_proxy::forward::Recorded;
use retake_store::WriteMode;

use super::{RecordDirector, reachable};
use crate::record::{RecordOptions, Served, add_led};

/// What a recording learns by capture and by its forward proxy.
pub(crate) struct Learned {
    director: Option<Arc<RecordDirector>>,
    led: Option<Arc<Recorded>>,
    /// The captured dependencies of the set that is added to.
    before: Vec<DependencyInfo>,
    /// The names that it has beside theirs.
    names_before: Vec<String>,
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

/// Where the service of the set that is added to was asked: its `upstream`, then the others.
pub(crate) fn served_before(options: &RecordOptions) -> Vec<String> {
    if options.mode == WriteMode::Replace {
        return Vec::new();
    }
    let before = options.store.load(&options.set).map(|set| set.info);
    let before = before.unwrap_or_default();
    before.upstream.into_iter().chain(before.listens).collect()
}

/// The names that the set that is added to has beside those of its dependencies.
pub(crate) fn names_before(options: &RecordOptions) -> Vec<String> {
    if options.mode == WriteMode::Replace {
        return Vec::new();
    }
    let before = options.store.load(&options.set);
    before.map(|set| set.info.names).unwrap_or_default()
}

impl Learned {
    pub(crate) fn new(
        director: Option<Arc<RecordDirector>>,
        led: Option<Arc<Recorded>>,
        before: Vec<DependencyInfo>,
        names_before: Vec<String>,
    ) -> Self {
        Learned {
            director,
            led,
            before,
            names_before,
            told: AtomicUsize::new(0),
        }
    }

    /// Where the service listens, in the order in which it began to.
    pub(crate) fn listening(&self) -> Vec<SocketAddr> {
        let director = self.director.as_ref();
        director
            .map(|director| director.listening())
            .unwrap_or_default()
    }

    /// Whether the service listens somewhere.
    pub(crate) fn serves(&self) -> bool {
        let director = self.director.as_ref();
        director.is_some_and(|director| director.serves().is_some())
    }

    /// What went past, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let director = self.director.as_ref();
        director
            .map(|director| director.notes())
            .unwrap_or_default()
    }

    /// The description with what was learned, where that is more than the last time.
    pub(crate) fn news(&self, info: &SetInfo, served: &Served) -> Option<SetInfo> {
        let mut info = info.clone();
        self.complete(&mut info, true, served);
        let size = |d: &DependencyInfo| 1 + d.hosts.len() + d.addresses.len();
        let all = info.dependencies.iter().map(size).sum::<usize>();
        let all =
            all + usize::from(info.upstream.is_some()) + info.listens.len() + info.names.len();
        (self.told.swap(all, Ordering::Relaxed) != all).then_some(info)
    }

    /// Puts what was learned into the set's description. `served` is where requests came to.
    pub(crate) fn complete(&self, info: &mut SetInfo, has_tests: bool, served: &Served) {
        let director = self.director.as_ref();
        let new = director.map(|director| director.dependencies(&info.dependencies));
        let new = new.unwrap_or_default();
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
        if let Some(director) = director {
            let hosts = info.dependencies.iter().flat_map(|d| &d.hosts);
            let hosts = hosts.map(|host| host.rsplit_once(':').map_or(&**host, |(host, _)| host));
            let hosts = hosts.map(str::to_ascii_lowercase).collect();
            info.names = director.names_beside(&hosts);
            info.names.extend(self.names_before.iter().cloned());
            info.names.sort();
            info.names.dedup();
        }
        if let Some(led) = &self.led {
            add_led(led, &mut info.dependencies);
        }
        if let (None, true, Some(director)) = (&info.upstream, has_tests, director) {
            let main = served.main();
            let main = main.or_else(|| Some((director.serves()?, false)));
            info.upstream = main.map(|(addr, tls)| address(addr, tls));
            let before = served.listened_before().iter();
            info.listens = before.map(|(addr, tls)| address(*addr, *tls)).collect();
            let mut ports = BTreeSet::new();
            let all = director.listening().into_iter();
            let all = all.filter(|addr| ports.insert(addr.port()));
            let all = all.map(|addr| address(addr, served.speaks_tls(addr.port())));
            let all: Vec<String> = all.collect();
            if all.len() > 1 {
                info.listens = all;
            }
        }
    }
}

/// An address at which the service is asked, as a set tells it.
fn address(addr: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https://" } else { "" };
    format!("{scheme}{}", reachable(addr))
}
