//! Why nothing answers a request.

use std::sync::Arc;

use retake_model::{Call, Miss, Nearest, Rules, TestId, TestSet};

use super::canon::Canon;
use super::mock_set::mock;
use super::nearest::{self, LOOK};
use super::pool::{Origin, Pool};
use super::running::Running;
use super::search::Owners;
use super::shared::Shared;
use super::summary;
use crate::made::ValueMap;

/// Why nothing answers a request: the recorded one that is most like it, among those of its tests
/// and those outside of tests. The first one recorded of those that are equally near.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a mock set, which is borrowed apart"
)]
pub(super) fn miss(
    call: &Call,
    rules: &Rules,
    canon: &Canon,
    owners: &Owners,
    running: &[Running],
    shared: &Shared,
    sets: &[Arc<TestSet>],
    values: &ValueMap,
) -> Miss {
    let asked = values.put_back(&call.request);
    let tests = owners.all().filter_map(|at| running.get(at));
    let set = owners.first().and_then(|at| running.get(at)).map(|r| r.set);
    let crowd = set.and_then(|set| shared.crowds.get(set));
    let pools: Vec<&Pool> = tests
        .map(|running| &running.pool)
        .chain(crowd)
        .chain([&shared.session, &shared.startup, &shared.background])
        .collect();
    let nearest = candidates(&pools, canon)
        .into_iter()
        .filter_map(|origin| Some((origin, mock(sets, origin)?)))
        .filter(|(_, mock)| mock.to == call.to && mock.protocol == call.protocol)
        .min_by_key(|(_, mock)| nearest::distance(&mock.request, &asked, rules));
    Miss {
        test: owners
            .first()
            .and_then(|at| running.get(at))
            .map(|r| r.id.clone()),
        to: call.to.clone(),
        summary: summary(&call.request, rules),
        nearest: nearest.map(|(origin, mock)| Nearest {
            test: test_id(sets, origin),
            summary: summary(&mock.request, rules),
            differs: nearest::differs(&mock.request, &asked, rules),
        }),
    }
}

/// The mocks that ask alike, or where there is none, any.
fn candidates(pools: &[&Pool], canon: &Canon) -> Vec<Origin> {
    let found: Vec<(bool, Vec<Origin>)> = pools.iter().map(|pool| pool.like(canon, LOOK)).collect();
    let any_alike = found.iter().any(|(alike, _)| *alike);
    let kept = found.into_iter().filter(|(alike, _)| *alike == any_alike);
    kept.flat_map(|(_, origins)| origins).take(LOOK).collect()
}

fn test_id(sets: &[Arc<TestSet>], origin: Origin) -> Option<TestId> {
    let set = sets.get(origin.set)?;
    let test = set.tests.get(origin.test?)?;
    Some(TestId {
        set: set.name.clone(),
        name: test.name.as_str().into(),
    })
}
