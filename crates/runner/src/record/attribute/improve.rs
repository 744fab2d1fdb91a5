//! Looks again at what was decided: calls that were taken one after the other may stand better when
//! all of them are known. A request that has more of a kind than those of its route ask gives one to
//! the one that lacks it, and two change what each of them has of the other's.

use std::collections::{HashMap, HashSet};

use retake_compare::matching::Key;

use super::evidence::Request;
use super::known::Known;
use super::unit::{Best, Unit};

/// How often all of it is looked at again at most.
pub(super) const ROUNDS: usize = 6;

/// How many calls of one kind of a request are tried for one of another.
const HELD: usize = 4;

/// How many calls are looked at for a way from one that is too many to where one lacks.
const FAR: usize = 1_000;

/// Which units each request has of each kind.
type Held = HashMap<(Request, Key), Vec<usize>>;

/// Moves units to where they stand better. Whether any was.
pub(super) fn improve(units: &mut [Unit], known: &mut Known<'_>) -> bool {
    let mut held = Held::default();
    for (at, unit) in units.iter().enumerate() {
        if let (Some(owner), Some(kind)) = (unit.owner, unit.kind(known.cases)) {
            held.entry((owner, kind)).or_default().push(at);
        }
    }
    let mut moved = false;
    for at in 0..units.len() {
        moved |= move_one(units, at, known, &mut held) || swap(units, at, known, &mut held);
    }
    for at in 0..units.len() {
        moved |= pass_on(units, at, known, &mut held);
    }
    moved
}

/// Moves a unit to the request that it fits best, as the others stand.
fn move_one(units: &mut [Unit], at: usize, known: &mut Known<'_>, held: &mut Held) -> bool {
    let Some(unit) = units.get_mut(at).filter(|unit| unit.may_move()) else {
        return false;
    };
    let Some(owner) = unit.owner else {
        return false;
    };
    unit.release(known);
    let own = unit.score_of(owner, known);
    let best = unit.best(known);
    // Of equal ones what stands there stays.
    let best = best.map(|best| match own {
        Some(score) if best.owner != owner && score >= best.score => Best {
            owner,
            score,
            above: 0,
        },
        _ => best,
    });
    unit.settle(best, known);
    let kind = unit.kind(known.cases);
    match (unit.owner, kind) {
        (Some(new), Some(kind)) if new != owner => {
            rehold(held, at, owner, new, kind);
            true
        }
        (new, _) => new != Some(owner),
    }
}

/// Changes a unit with one of its kind that another request has, where both stand better so.
fn swap(units: &mut [Unit], at: usize, known: &mut Known<'_>, held: &mut Held) -> bool {
    let Some(unit) = units.get_mut(at).filter(|unit| unit.may_move()) else {
        return false;
    };
    let (Some(owner), Some(kind)) = (unit.owner, unit.kind(known.cases)) else {
        return false;
    };
    let own = unit.told(owner, known);
    let candidates = unit.candidates.iter().map(|c| c.request);
    let better: Vec<Request> = candidates
        .filter(|other| *other != owner && unit.told(*other, known) > own)
        .collect();
    for other in better {
        let theirs = held.get(&(other, kind)).cloned().unwrap_or_default();
        for with in theirs.into_iter().take(HELD) {
            if with != at && try_swap(units, [at, with], [owner, other], known) {
                rehold(held, at, owner, other, kind);
                rehold(held, with, other, owner, kind);
                return true;
            }
        }
    }
    false
}

fn try_swap(
    units: &mut [Unit],
    [at, with]: [usize; 2],
    [owner, other]: [Request; 2],
    known: &mut Known<'_>,
) -> bool {
    let Ok([one, two]) = units.get_disjoint_mut([at, with]) else {
        return false;
    };
    if !two.may_move() {
        return false;
    }
    one.release(known);
    two.release(known);
    let sum = |a: Request, b: Request| {
        let a = one.score_of(a, known)?;
        Some((a, two.score_of(b, known)?))
    };
    let (stay, change) = (sum(owner, other), sum(other, owner));
    let by = match (stay, change) {
        (_, None) => 0,
        (None, Some(_)) => i64::MAX,
        (Some(stay), Some(change)) => change.0 + change.1 - stay.0 - stay.1,
    };
    let (to, scores) = match by > 0 {
        true => ([other, owner], change),
        false => ([owner, other], stay),
    };
    let (first, second) = scores.unwrap_or_default();
    for ((unit, owner), score) in [one, two].into_iter().zip(to).zip([first, second]) {
        let above = if by > 0 { by } else { unit.above };
        let best = Best {
            owner,
            score,
            above,
        };
        unit.settle(Some(best), known);
    }
    by > 0
}

/// Gives what a request has too often of a kind to one that lacks it, by others that each give what they
/// had for it: each of them has as much of what fits it as before.
fn pass_on(units: &mut [Unit], at: usize, known: &mut Known<'_>, held: &mut Held) -> bool {
    let Some(unit) = units.get(at).filter(|unit| unit.may_move()) else {
        return false;
    };
    let (Some(owner), Some(kind)) = (unit.owner, unit.kind(known.cases)) else {
        return false;
    };
    if !unit.is_surplus(owner, known) {
        return false;
    }
    let Some(path) = path(units, at, kind, known, held) else {
        return false;
    };
    for (at, to) in path {
        let Some(unit) = units.get_mut(at) else {
            continue;
        };
        let from = unit.owner;
        unit.release(known);
        let score = unit.score_of(to, known).unwrap_or_default();
        let best = Best {
            owner: to,
            score,
            above: 0,
        };
        unit.settle(Some(best), known);
        if let Some(from) = from {
            rehold(held, at, from, to, kind);
        }
    }
    true
}

/// The shortest way from a unit to a request that lacks one of its kind: which units go where.
fn path(
    units: &[Unit],
    first: usize,
    kind: Key,
    known: &Known<'_>,
    held: &Held,
) -> Option<Vec<(usize, Request)>> {
    // Each unit that was reached, and which one is to take its place.
    let mut seen: HashSet<Request> = units.get(first)?.owner.into_iter().collect();
    let mut steps: Vec<(usize, Option<usize>)> = vec![(first, None)];
    let mut next = 0;
    while let Some((at, _)) = steps.get(next).copied() {
        let unit = units.get(at)?;
        let own = unit.told(unit.owner?, known);
        for to in unit.candidates.iter().map(|candidate| candidate.request) {
            if seen.contains(&to) || unit.told(to, known) < own {
                continue;
            }
            if unit.is_lacked(to, known) {
                return Some(way(units, &steps, next, to));
            }
            seen.insert(to);
            let theirs = held.get(&(to, kind)).into_iter().flatten();
            let theirs = theirs.filter(|at| units.get(**at).is_some_and(Unit::may_move));
            steps.extend(theirs.take(HELD).map(|theirs| (*theirs, Some(next))));
        }
        next += 1;
        if steps.len() > FAR {
            return None;
        }
    }
    None
}

/// The moves from the last one back to the first.
fn way(
    units: &[Unit],
    steps: &[(usize, Option<usize>)],
    last: usize,
    to: Request,
) -> Vec<(usize, Request)> {
    let (mut moves, mut to, mut step) = (Vec::new(), to, Some(last));
    while let Some((at, before)) = step.and_then(|step| steps.get(step)).copied() {
        moves.push((at, to));
        let Some(owner) = units.get(at).and_then(|unit| unit.owner) else {
            break;
        };
        (to, step) = (owner, before);
    }
    moves
}

fn rehold(held: &mut Held, at: usize, from: Request, to: Request, kind: Key) {
    if let Some(all) = held.get_mut(&(from, kind)) {
        all.retain(|known| *known != at);
    }
    held.entry((to, kind)).or_default().push(at);
}
