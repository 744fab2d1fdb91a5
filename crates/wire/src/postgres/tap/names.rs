//! Prepared statements and portals by their names.

use std::collections::{HashMap, VecDeque};

use super::{MAX_NAMED, MAX_NAMES};

/// What names stand for. Where there are too many, or they hold too much, the oldest are
/// forgotten.
#[derive(Debug)]
pub(super) struct Names<T> {
    /// The one with the empty name, which is never forgotten.
    unnamed: Option<T>,
    named: HashMap<Box<[u8]>, Named<T>>,
    /// Names in the order in which they were given, with numbers that tell a name that was given
    /// again from its earlier self.
    order: VecDeque<(u64, Box<[u8]>)>,
    next: u64,
    /// What those with names hold, in bytes.
    held: usize,
}

#[derive(Debug)]
struct Named<T> {
    number: u64,
    cost: usize,
    value: T,
}

impl<T> Names<T> {
    pub(super) fn new() -> Self {
        Names {
            unnamed: None,
            named: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
            held: 0,
        }
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        if name.is_empty() {
            return self.unnamed.as_ref();
        }
        self.named.get(name).map(|named| &named.value)
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut T> {
        if name.is_empty() {
            return self.unnamed.as_mut();
        }
        self.named.get_mut(name).map(|named| &mut named.value)
    }

    /// Gives a name to something that holds `cost` bytes; returns what it stood for, and what was
    /// forgotten for it.
    pub(super) fn set(&mut self, name: &[u8], value: T, cost: usize) -> Vec<T> {
        if name.is_empty() {
            return Vec::from_iter(self.unnamed.replace(value));
        }
        let mut gone = Vec::from_iter(self.remove(name));
        self.next += 1;
        let number = self.next;
        self.order.push_back((number, name.into()));
        self.held = self.held.saturating_add(cost);
        let named = Named {
            number,
            cost,
            value,
        };
        self.named.insert(name.into(), named);
        while self.named.len() > MAX_NAMES || self.held > MAX_NAMED && self.named.len() > 1 {
            let Some((number, name)) = self.order.pop_front() else {
                break;
            };
            if self.named.get(&name).is_some_and(|n| n.number == number) {
                gone.extend(self.remove(&name));
            }
        }
        // Names that are given again and again must not pile up.
        if self.order.len() > 2 * self.named.len() + 16 {
            let named = &self.named;
            self.order
                .retain(|(number, name)| named.get(name).is_some_and(|n| n.number == *number));
        }
        gone
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<T> {
        if name.is_empty() {
            return self.unnamed.take();
        }
        let named = self.named.remove(name)?;
        self.held = self.held.saturating_sub(named.cost);
        Some(named.value)
    }

    /// Forgets all of them, and gives them in the order in which they were named.
    pub(super) fn clear(&mut self) -> Vec<T> {
        let mut all: Vec<T> = Vec::new();
        if !self.named.is_empty() {
            let mut named: Vec<Named<T>> = self.named.drain().map(|(_, named)| named).collect();
            named.sort_by_key(|named| named.number);
            all.extend(named.into_iter().map(|named| named.value));
        }
        self.order.clear();
        self.held = 0;
        all.extend(self.unnamed.take());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_name_is_forgotten_when_there_are_too_many() {
        let mut names = Names::new();
        assert_eq!(names.set(b"", 0, 9), []);
        for n in 1..=MAX_NAMES {
            assert_eq!(names.set(n.to_string().as_bytes(), n, 1), []);
        }
        // Given again, `1` is no longer the oldest.
        assert_eq!(names.set(b"1", 1, 1), [1]);
        assert_eq!(names.set(b"more", 7, 1), [2]);
        assert_eq!(names.get(b"2"), None);
        assert_eq!((names.get(b"1"), names.get(b"")), (Some(&1), Some(&0)));
    }

    #[test]
    fn the_oldest_are_forgotten_when_they_hold_too_much() {
        let mut names = Names::new();
        for (n, name) in [b"a", b"b", b"c"].into_iter().enumerate() {
            assert_eq!(names.set(name, n, MAX_NAMED / 3), []);
        }
        assert_eq!(names.set(b"d", 3, MAX_NAMED / 2), [0, 1]);
        assert_eq!(names.set(b"huge", 4, 2 * MAX_NAMED), [2, 3]);
        assert_eq!(names.get(b"huge"), Some(&4));
    }

    #[test]
    fn a_name_given_again_and_again_does_not_pile_up() {
        let mut names = Names::new();
        for n in 0..1000 {
            names.set(b"s", n, 1);
        }
        assert!(names.order.len() < 20);
        assert_eq!((names.held, names.clear()), (1, vec![999]));
    }
}
