//! Which tests are of one route, and which of the very same request: what most tests of a route lack
//! is not what its requests do.

use super::*;

use crate::matching::kind_of;

/// A route: the method, the path with a mark in the place of each value, and the status.
type Route = (Key, Option<i64>);

/// How many requests of a route must have been seen, to say what most of them do.
const SEEN: usize = 4;

/// A kind of tests: those that have the call, and all.
type Share = (usize, usize);

/// Which tests are of one route (with its status), and which of the very same request.
#[derive(Default)]
pub(super) struct Kinds {
    /// The number of each test's route.
    route_of: Vec<usize>,
    /// The tests of each route.
    routes: Vec<Vec<usize>>,
    /// The number of each test's request.
    request_of: Vec<usize>,
    /// How many tests there are of each request.
    requests: Vec<usize>,
}

impl Kinds {
    pub(super) fn of(set: &TestSet, rules_of: RulesOf<'_>) -> Self {
        let status = |test: &TestCase| test.response.get("status").and_then(Value::as_i64);
        let mut statements = Statements::default();
        let (mut routes, mut requests) = (HashMap::new(), HashMap::new());
        let mut kinds = Kinds {
            route_of: Vec::new(),
            routes: Vec::new(),
            request_of: Vec::new(),
            requests: Vec::new(),
        };
        for (number, test) in set.tests.iter().enumerate() {
            let rules = rules_of(test.protocol);
            let asked = route(test, rules_of, &mut statements);
            let route: Route = (kind_of(&asked, rules, &mut statements), status(test));
            let next = routes.len();
            let route = *routes.entry(route).or_insert(next);
            if route == kinds.routes.len() {
                kinds.routes.push(Vec::new());
            }
            if let Some(tests) = kinds.routes.get_mut(route) {
                tests.push(number);
            }
            kinds.route_of.push(route);
            let next = requests.len();
            let request = request_key_by(&test.request, rules, &mut statements);
            let request = *requests.entry(request).or_insert(next);
            kinds.request_of.push(request);
            kinds
                .requests
                .resize(kinds.requests.len().max(request + 1), 0);
            if let Some(tests) = kinds.requests.get_mut(request) {
                *tests += 1;
            }
        }
        kinds
    }

    /// Whether these tests are of several routes, of each of which most tests are not among them, and
    /// whether neither are most of those with one request.
    pub(super) fn contradict(&self, owners: &HashSet<usize>) -> bool {
        let routes = shares(owners, &self.route_of, |route| {
            self.routes.get(route).map_or(0, Vec::len)
        });
        let requests = shares(owners, &self.request_of, |request| {
            self.requests.get(request).copied().unwrap_or_default()
        });
        let known = || routes.iter().filter(|(_, all)| *all >= SEEN);
        let rarely = |(have, all): &Share| have * 2 <= *all;
        known().count() > 1
            && known().all(rarely)
            && requests
                .iter()
                .all(|(have, all)| *all < SEEN - 1 || have * 3 < *all * 2)
    }

    /// Whether of a route that was seen often enough more than half of the tests are among these: their
    /// requests do it.
    pub(super) fn is_habit(&self, owners: &HashSet<usize>) -> bool {
        let routes = shares(owners, &self.route_of, |route| {
            self.routes.get(route).map_or(0, Vec::len)
        });
        let mut known = routes.iter().filter(|(_, all)| *all >= SEEN);
        known.any(|(have, all)| have * 2 > *all)
    }

    /// The tests of the route of that test, itself among them.
    pub(super) fn beside(&self, test: usize) -> &[usize] {
        let route = self.route_of.get(test);
        let tests = route.and_then(|route| self.routes.get(*route));
        tests.map_or(&[], Vec::as_slice)
    }

    /// How many tests of the route of that test are not among these; none where most are among them.
    pub(super) fn lack_it(&self, test: usize, these: &HashSet<usize>) -> usize {
        let all = self.beside(test);
        let have = all.iter().filter(|test| these.contains(test)).count();
        match have * 2 > all.len() {
            true => 0,
            false => all.len() - have,
        }
    }
}

/// The request of a test with a number in the place of each segment of its path that is a value: names of
/// things (`/flags/new-basket`) are known by the calls that ask for them.
fn route(test: &TestCase, rules: RulesOf<'_>, statements: &mut Statements) -> Value {
    let mut request = test.request.clone();
    let Some(path) = request.get_mut("path") else {
        return request;
    };
    let Some(text) = path.as_str() else {
        return request;
    };
    let values: HashSet<String> = (test.calls.iter())
        .flat_map(|call| values_of(&call.request, rules(call.protocol), statements))
        .collect();
    let text = text.split('?').next().unwrap_or_default();
    let segments = text
        .split('/')
        .map(|segment| match values.contains(segment) {
            true => "0",
            false => segment,
        });
    *path = Value::from(segments.collect::<Vec<_>>().join("/"));
    request
}

/// Of each kind that has one of these tests, how many of them it has, and how many tests.
fn shares(owners: &HashSet<usize>, kind_of: &[usize], all: impl Fn(usize) -> usize) -> Vec<Share> {
    let mut have: HashMap<usize, usize> = HashMap::new();
    for owner in owners {
        if let Some(kind) = kind_of.get(*owner) {
            *have.entry(*kind).or_default() += 1;
        }
    }
    have.into_iter()
        .map(|(kind, have)| (have, all(kind)))
        .collect()
}
