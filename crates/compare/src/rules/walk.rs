//! All rules, followed down a tree at once.

use retake_model::PatternState;

use super::{Action, Rule};

/// Where a walk down a tree stands, as the rules see it. Each step costs as much as there are
/// rules that may still match below it.
#[derive(Debug)]
pub(crate) struct Walk<'r> {
    rules: &'r [Rule],
    /// One state per rule for each level, root first.
    states: Vec<PatternState>,
    levels: Vec<Level>,
}

/// What holds for a whole subtree.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    ignored: Option<usize>,
    typed: Option<usize>,
    /// Whether any rule may match here or below.
    alive: bool,
}

impl<'r> Walk<'r> {
    /// A walk that stands at the root.
    pub(crate) fn new(rules: &'r [Rule]) -> Self {
        let mut walk = Walk {
            rules,
            states: rules.iter().map(|rule| rule.pattern.start()).collect(),
            levels: Vec::new(),
        };
        walk.settle(Level::default());
        walk
    }

    /// Goes into the field of that name.
    pub(crate) fn enter_key(&mut self, name: &str) {
        self.enter(|rule, state| rule.pattern.enter_key(state, name));
    }

    /// Goes into the element of that number.
    pub(crate) fn enter_index(&mut self, number: usize) {
        self.enter(|rule, state| rule.pattern.enter_index(state, number));
    }

    /// Goes back up one step.
    pub(crate) fn leave(&mut self) {
        self.levels.pop();
        self.states
            .truncate(self.levels.len().saturating_mul(self.rules.len()));
    }

    /// The rule that hides everything here.
    pub(crate) fn ignored(&self) -> Option<usize> {
        self.levels.last().and_then(|level| level.ignored)
    }

    /// The rule that hides values here, and no types.
    pub(crate) fn typed(&self) -> Option<usize> {
        self.levels.last().and_then(|level| level.typed)
    }

    /// Whether any rule has a say here or below.
    pub(crate) fn is_alive(&self) -> bool {
        self.levels.last().is_some_and(|level| level.alive)
    }

    /// The rules that stand for exactly this place.
    pub(crate) fn here(&self) -> impl Iterator<Item = (usize, &'r Action)> + '_ {
        self.rules
            .iter()
            .zip(self.top())
            .enumerate()
            .filter(|(_, (rule, state))| rule.pattern.accepts(**state))
            .map(|(i, (rule, _))| (i, &rule.action))
    }

    /// The rule that says that the order of this list does not count.
    pub(crate) fn unordered(&self) -> Option<usize> {
        self.here()
            .find(|(_, action)| matches!(action, Action::Unordered))
            .map(|(i, _)| i)
    }

    fn enter(&mut self, step: impl Fn(&Rule, PatternState) -> PatternState) {
        let above = self.levels.last().copied().unwrap_or_default();
        let from = self.states.len().saturating_sub(self.rules.len());
        for (i, rule) in self.rules.iter().enumerate() {
            let state = self.states.get(from + i).copied().unwrap_or_default();
            let next = if state.is_dead() {
                state
            } else {
                step(rule, state)
            };
            self.states.push(next);
        }
        self.settle(above);
    }

    /// Adds the level of the states on top.
    fn settle(&mut self, above: Level) {
        let mut level = Level {
            alive: above.ignored.is_some() || above.typed.is_some(),
            ..above
        };
        for (i, (rule, state)) in self.rules.iter().zip(self.top()).enumerate() {
            level.alive |= !state.is_dead();
            if rule.pattern.accepts(*state) {
                match rule.action {
                    Action::Ignore => level.ignored = level.ignored.or(Some(i)),
                    Action::Type => level.typed = level.typed.or(Some(i)),
                    _ => {}
                }
            }
        }
        self.levels.push(level);
    }

    fn top(&self) -> &[PatternState] {
        let from = self.states.len().saturating_sub(self.rules.len());
        self.states.get(from..).unwrap_or_default()
    }
}
