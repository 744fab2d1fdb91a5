//! Prepared statements and portals by their names.

use std::collections::{HashMap, VecDeque};

use super::MAX_NAMES;

/// What names stand for; the oldest are forgotten when there are too many.
#[derive(Debug)]
pub(super) struct Names<T> {
    /// The one with the empty name, which is never forgotten.
    unnamed: Option<T>,
    named: HashMap<Box<[u8]>, (u64, T)>,
    /// Names in the order in which they were given, with numbers that tell a name that was given
    /// again from its earlier self.
    order: VecDeque<(u64, Box<[u8]>)>,
    next: u64,
}

impl<T> Names<T> {
    pub(super) fn new() -> Self {
        Names {
            unnamed: None,
            named: HashMap::new(),
            order: VecDeque::new(),
            next: 0,
        }
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        if name.is_empty() {
            return self.unnamed.as_ref();
        }
        self.named.get(name).map(|(_, found)| found)
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut T> {
        if name.is_empty() {
            return self.unnamed.as_mut();
        }
        self.named.get_mut(name).map(|(_, found)| found)
    }

    /// Gives a name; returns what it stood for, or else what was forgotten for it.
    pub(super) fn set(&mut self, name: &[u8], value: T) -> Option<T> {
        if name.is_empty() {
            return self.unnamed.replace(value);
        }
        self.next += 1;
        self.order.push_back((self.next, name.into()));
        let before = self.named.insert(name.into(), (self.next, value));
        if before.is_some() {
            // Names that are given again and again must not pile up.
            if self.order.len() > 2 * self.named.len() + 16 {
                let named = &self.named;
                self.order
                    .retain(|(n, name)| named.get(name).is_some_and(|(now, _)| now == n));
            }
            return before.map(|(_, value)| value);
        }
        if self.named.len() <= MAX_NAMES {
            return None;
        }
        while let Some((number, name)) = self.order.pop_front() {
            if self.named.get(&name).is_some_and(|(n, _)| *n == number) {
                return self.named.remove(&name).map(|(_, value)| value);
            }
        }
        None
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<T> {
        if name.is_empty() {
            return self.unnamed.take();
        }
        let (_, value) = self.named.remove(name)?;
        if self.named.is_empty() {
            self.order.clear();
        }
        Some(value)
    }

    /// Forgets all of them, and gives them in the order in which they were named.
    pub(super) fn clear(&mut self) -> Vec<T> {
        let mut all: Vec<T> = Vec::new();
        if !self.named.is_empty() {
            let mut named: Vec<(u64, T)> = self.named.drain().map(|(_, entry)| entry).collect();
            named.sort_by_key(|(number, _)| *number);
            all.extend(named.into_iter().map(|(_, value)| value));
        }
        self.order.clear();
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
        assert_eq!(names.set(b"", 0), None);
        for n in 1..=MAX_NAMES {
            assert_eq!(names.set(n.to_string().as_bytes(), n), None);
        }
        // Given again, `1` is no longer the oldest.
        assert_eq!(names.set(b"1", 1), Some(1));
        assert_eq!(names.set(b"more", 7), Some(2));
        assert_eq!(names.get(b"2"), None);
        assert_eq!((names.get(b"1"), names.get(b"")), (Some(&1), Some(&0)));
    }

    #[test]
    fn a_name_given_again_and_again_does_not_pile_up() {
        let mut names = Names::new();
        for n in 0..1000 {
            names.set(b"s", n);
        }
        assert!(names.order.len() < 20);
        assert_eq!(names.clear(), [999]);
    }
}
