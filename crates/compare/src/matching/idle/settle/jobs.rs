//! What jobs of the service do beside its requests: told by when it is done, and by the requests that
//! lack it.
//!
//! A call of a test is taken for a job's only where other requests of the same route contradict that it
//! is the request's: most of them do not make it. Beside that its like was seen while no test was open,
//! or it comes right after a poll was told something new each time (more often than chance would have
//! it), or it was seen once or twice and has nothing of its request in it, and is a read, what was
//! gathered of other requests, or what tidies up by the clock. A read needs less: left out or repeated it
//! is no more than a softer verdict.

use super::kinds::Kinds;
use super::*;

mod frames;
mod news;
mod seen;

use news::News;
use seen::{Place, Said, Seen};

/// In how many tests a call may be seen to be taken for a job's because nothing of its request is in it.
const RARELY: usize = 2;

/// How many times the windows behind news are grown by what was found in them.
const ROUNDS: usize = 6;

/// The least number of tests of a route that lack what a job does.
const LACK: usize = 1;

/// What the jobs did in tests, with the transactions around it.
pub(super) fn found(set: &TestSet, rules: RulesOf<'_>) -> Vec<Place> {
    if !set.shared.iter().any(is_background) {
        return Vec::new();
    }
    let jobs = Jobs {
        seen: Seen::of(set, rules),
        said: Said::of(set, rules),
        kinds: Kinds::of(set, rules),
        found: HashSet::new(),
        reads: HashSet::new(),
    };
    let jobs = jobs.find(set, rules);
    let begin = jobs.seen.that_begin(set, &jobs.found);
    frames::with_frames(set, &jobs.found, &begin, &jobs.reads)
}

struct Jobs<'s> {
    seen: Seen<'s>,
    said: Said,
    kinds: Kinds,
    /// What is a job's.
    found: HashSet<Place>,
    /// Of that the reads of which no more is known than when they were made.
    reads: HashSet<Place>,
}

impl Jobs<'_> {
    fn find(mut self, set: &TestSet, rules: RulesOf<'_>) -> Self {
        let by_kind = self.seen.by_kind();
        for (key, places) in &by_kind {
            let owners: HashSet<usize> = places.iter().map(|place| place.0).collect();
            let idle = self.seen.is_idle(key) && self.kinds.contradict(&owners);
            if idle || self.is_rare(set, places, &owners, rules) {
                self.found.extend(places);
            }
        }
        for _ in 0..ROUNDS {
            let news = News::of(set, &self.seen, &self.found);
            let before = self.found.len();
            let shares = news.shares(&self.seen, &self.found);
            for places in by_kind.values() {
                self.after_news(&news, places, shares);
            }
            if self.found.len() == before {
                break;
            }
        }
        self
    }

    /// What is done right after news, each time or, of reads, in tests of routes that do not
    /// do it otherwise.
    fn after_news(&mut self, news: &News, places: &[Place], shares: (usize, usize)) {
        let (inside, outside): (Vec<Place>, Vec<Place>) = places
            .iter()
            .filter(|place| !self.found.contains(place))
            .partition(|place| news.are_before(self.seen.began(**place)));
        let owners: HashSet<usize> = inside.iter().map(|place| place.0).collect();
        let reads = inside.iter().all(|place| self.seen.reads(*place));
        let no_chance = by_chance((inside.len(), inside.len() + outside.len()), shares) < BY_CHANCE;
        let all: HashSet<usize> = places.iter().map(|place| place.0).collect();
        let mostly = outside.len() * 4 <= inside.len();
        if mostly && no_chance && self.kinds.contradict(&all) {
            self.found.extend(places);
        } else if reads {
            let asks = |test: &usize| outside.iter().any(|place| place.0 == *test);
            let of_route = |place: &Place| self.kinds.beside(place.0).iter().any(asks);
            let found: Vec<Place> = inside.into_iter().filter(|p| !of_route(p)).collect();
            let rarely = |place: &&Place| {
                let all = self.kinds.beside(place.0).len();
                all == 1 && outside.is_empty() || self.kinds.lack_it(place.0, &owners) >= LACK
            };
            let found: Vec<Place> = found.iter().filter(rarely).copied().collect();
            self.reads.extend(&found);
            self.found.extend(&found);
        }
    }

    /// Whether it was seen once or twice, other tests of those routes lack it, it has nothing that is
    /// of one of these tests alone, and it is of a kind that jobs do.
    fn is_rare(
        &self,
        set: &TestSet,
        places: &[Place],
        owners: &HashSet<usize>,
        rules: RulesOf<'_>,
    ) -> bool {
        owners.len() <= RARELY
            && places.iter().all(|place| {
                let lack = self.kinds.lack_it(place.0, owners);
                let reads = self.seen.reads(*place);
                let nobodys = self.seen.may_be_nobodys(*place);
                let gathered = self.seen.is_of_others(&self.said, *place);
                // A write that a branch of the request makes may have no value of it, either.
                let enough = match lack {
                    0 => false,
                    1..LACK_OF_A_WRITE => reads || gathered || self.seen.tidies(*place),
                    LACK_OF_A_WRITE.. => reads || gathered || nobodys || self.seen.tidies(*place),
                };
                let beside = self.kinds.beside(place.0);
                let alone = beside.len() == 1 && nobodys && reads;
                let of_request = alone || gathered;
                (enough || alone)
                    && !self
                        .seen
                        .has_of_its_test(set, *place, beside, of_request, rules)
            })
    }
}

/// How likely it is that so many of its calls follow news, where as many of the others do.
fn by_chance((inside, own): (usize, usize), (all_inside, all): (usize, usize)) -> f64 {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let others = count(all_inside.saturating_sub(inside) + 1) / count(all.saturating_sub(own) + 1);
    others.powi(i32::try_from(inside).unwrap_or(i32::MAX))
}

/// How likely it may be that what follows news does so by chance.
const BY_CHANCE: f64 = 0.001;

/// The least number of tests of a route that lack a write, where it was seen once or twice.
const LACK_OF_A_WRITE: usize = 3;

#[cfg(test)]
mod tests;
