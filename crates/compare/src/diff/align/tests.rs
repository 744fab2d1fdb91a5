use proptest::prelude::*;

use super::{Alignment, Budget, Pair, by_content, by_identity, out_of_order};

fn align(a: &[u64], b: &[u64]) -> (Alignment, Budget) {
    let mut budget = Budget::DEFAULT;
    let alignment = by_content(a, b, 1, &mut |_, _| 1, &mut budget);
    (alignment, budget)
}

/// What is not a pair of equals: `-3` the third was removed, `+3` added, `3~4` replaced.
fn edits(a: &[u64], b: &[u64]) -> Vec<String> {
    align(a, b)
        .0
        .pairs
        .into_iter()
        .filter_map(|pair| match pair {
            Pair::Both(i, j) if a[i] == b[j] => None,
            Pair::Both(i, j) => Some(format!("{i}~{j}")),
            Pair::Removed(i) => Some(format!("-{i}")),
            Pair::Added(j) => Some(format!("+{j}")),
        })
        .collect()
}

#[test]
fn finds_the_smallest_edit() {
    let check = |a: &[u64], b: &[u64], expected: &[&str]| assert_eq!(edits(a, b), expected);
    check(&[], &[], &[]);
    check(&[1], &[], &["-0"]);
    check(&[], &[1, 2], &["+0", "+1"]);
    check(&[1, 2, 3], &[2, 3], &["-0"]);
    check(&[1, 2, 3], &[1, 9, 3], &["1~1"]);
    check(&[1, 2, 3], &[1, 9, 8, 3], &["1~1", "+2"]);
    check(&[1, 1, 2, 1], &[1, 2, 1, 1], &[]);
    assert_eq!(align(&[1, 1, 2, 1], &[1, 2, 1, 1]).0.moved.len(), 1);
}

#[test]
fn an_element_removed_from_the_front_of_5000_is_one_edit() {
    let a: Vec<u64> = (0..5_000).collect();
    assert_eq!(edits(&a, &a[1..]), ["-0"]);
    let doubled: Vec<u64> = a.iter().map(|n| n % 7).collect();
    assert_eq!(edits(&doubled, &doubled[1..]), ["-0"]);
    let mut both_ends = doubled[1..].to_vec();
    both_ends.push(100);
    assert_eq!(edits(&doubled, &both_ends).len(), 2);
}

#[test]
fn moved_elements_are_the_fewest() {
    let (alignment, _) = align(&[1, 2, 3, 4, 5], &[2, 3, 4, 5, 1]);
    assert_eq!(alignment.moved, [(0, 4)]);
    assert!(
        alignment
            .pairs
            .iter()
            .all(|pair| matches!(pair, Pair::Both(..)))
    );
    let reversed: Vec<u64> = (0..2_000).rev().collect();
    let (alignment, _) = align(&(0..2_000).collect::<Vec<_>>(), &reversed);
    assert_eq!(alignment.moved.len(), 1_999);
}

#[test]
fn the_longest_rising_part_is_found() {
    let check = |sequence: &[usize], expected: &[usize]| {
        assert_eq!(out_of_order(sequence), expected, "{sequence:?}");
    };
    check(&[], &[]);
    check(&[0, 1, 2], &[]);
    check(&[2, 0, 1], &[0]);
    check(&[1, 2, 0], &[2]);
}

#[test]
fn hostile_lists_are_paired_by_position_within_the_budget_and_say_so() {
    // Two values in a pseudo-random order: no anchors, and far from each other.
    let noise = |seed: u64| -> Vec<u64> {
        let mut state = seed;
        (0..20_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                state >> 63
            })
            .collect()
    };
    let (alignment, budget) = align(&noise(1), &noise(2));
    assert!(alignment.by_position);
    assert_eq!(alignment.pairs.len(), 20_000);
    assert!(budget.spent() <= 1_000_000, "{}", budget.spent());
    let (alignment, budget) = align(
        &(0..20_000).collect::<Vec<_>>(),
        &(20_000..40_000).collect::<Vec<_>>(),
    );
    assert!(alignment.by_position && budget.spent() <= 1_000_000);
}

#[test]
fn a_spent_budget_pairs_by_position() {
    let mut budget = Budget { left: 10 };
    let alignment = by_content(&[1, 2, 3], &[3, 1, 1, 2], 1, &mut |_, _| 1, &mut budget);
    assert_eq!(alignment.pairs.len(), 4);
    let mut budget = Budget { left: 0 };
    let alignment = by_content(&[1, 1], &[2, 2], 1, &mut |_, _| 1, &mut budget);
    assert!(alignment.by_position);
}

#[test]
fn names_pair_elements_whatever_they_hold() {
    let names = |all: &[&str]| -> Vec<Option<String>> {
        all.iter().map(|name| Some((*name).to_owned())).collect()
    };
    let align = |a: &[&str], b: &[&str]| {
        let hashes: Vec<u64> = (0..20).collect();
        by_identity(
            &names(a),
            &names(b),
            (&hashes[..a.len()], &hashes[10..10 + b.len()]),
            &mut |_, _| 0,
            &mut Budget::DEFAULT.clone(),
        )
    };
    let found = align(&["a", "b", "c"], &["b", "c", "d"]).expect("names in common");
    assert_eq!(
        found.pairs,
        [
            Pair::Removed(0),
            Pair::Both(1, 0),
            Pair::Both(2, 1),
            Pair::Added(2)
        ]
    );
    assert!(found.moved.is_empty());
    assert_eq!(align(&["a", "a"], &["a", "b"]), None);
    assert_eq!(align(&["a"], &["b"]), None);
}

proptest! {
    #[test]
    fn every_element_is_told_once(
        a in prop::collection::vec(0_u64..6, 0..40),
        b in prop::collection::vec(0_u64..6, 0..40),
    ) {
        let (alignment, _) = align(&a, &b);
        let mut left: Vec<usize> = Vec::new();
        let mut right: Vec<usize> = Vec::new();
        for pair in &alignment.pairs {
            match pair {
                Pair::Both(i, j) => { left.push(*i); right.push(*j); }
                Pair::Removed(i) => left.push(*i),
                Pair::Added(j) => right.push(*j),
            }
        }
        prop_assert_eq!(left, (0..a.len()).collect::<Vec<_>>());
        right.sort_unstable();
        prop_assert_eq!(right, (0..b.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_shortest_edit_pairs_equals_in_order(
        a in prop::collection::vec(0_u64..4, 0..60),
        b in prop::collection::vec(0_u64..4, 0..60),
    ) {
        let pairs = super::myers::equal_pairs(&a, &b).expect("120 edits at most");
        for (i, j) in &pairs {
            prop_assert_eq!(a[*i], b[*j]);
        }
        for two in pairs.windows(2) {
            prop_assert!(two[0].0 < two[1].0 && two[0].1 < two[1].1);
        }
        prop_assert_eq!(pairs.len(), longest_common(&a, &b));
    }
}

/// The length of the longest common subsequence, the slow way.
fn longest_common(a: &[u64], b: &[u64]) -> usize {
    let mut best = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..a.len() {
        for j in 0..b.len() {
            best[i + 1][j + 1] = if a[i] == b[j] {
                best[i][j] + 1
            } else {
                best[i][j + 1].max(best[i + 1][j])
            };
        }
    }
    best[a.len()][b.len()]
}
