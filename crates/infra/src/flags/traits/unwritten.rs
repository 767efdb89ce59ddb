//! Changes that are not stored yet. They take no more room than what is in memory, however long nothing can be stored.

use std::collections::HashMap;

use flagstaff_domain::flags::Traits;

use super::{Key, units};

#[derive(Default)]
pub(super) struct Unwritten {
    changes: HashMap<Key, Traits>,
    /// What they take together, in units.
    taken: usize,
}

impl Unwritten {
    /// Adds changes; returns whether there was room for them.
    pub(super) fn add(&mut self, key: &Key, changes: &Traits, room: usize) -> bool {
        let mut all = self.get(key).cloned().unwrap_or_default();
        let before = self.get(key).map_or(0, |known| units(key, known));
        all.extend(changes.clone());
        let taken = self.taken - before + units(key, &all);
        if taken > room.max(self.taken) {
            return false;
        }
        self.changes.insert(key.clone(), all);
        self.taken = taken;
        true
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Traits> {
        self.changes.get(key)
    }

    /// Takes out some.
    pub(super) fn take(&mut self, limit: usize) -> Vec<(Key, Traits)> {
        let keys: Vec<Key> = self.changes.keys().take(limit).cloned().collect();
        let taken = keys.into_iter().filter_map(|key| {
            let changes = self.changes.remove(&key)?;
            self.taken -= units(&key, &changes);
            Some((key, changes))
        });
        taken.collect()
    }

    /// Puts back what was taken out; what was changed since goes before it.
    pub(super) fn put_back(&mut self, taken: Vec<(Key, Traits)>) {
        for (key, mut changes) in taken {
            if let Some(newer) = self.changes.remove(&key) {
                self.taken -= units(&key, &newer);
                changes.extend(newer);
            }
            self.taken += units(&key, &changes);
            self.changes.insert(key, changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use flagstaff_domain::flags::evaluation::TraitValue;
    use flagstaff_domain::ids::EnvironmentId;

    use super::*;

    fn key(identifier: &str) -> Key {
        Key {
            environment: EnvironmentId(1),
            identifier: identifier.into(),
        }
    }

    fn told(name: &str, kibibytes: usize) -> Traits {
        let text = "x".repeat(kibibytes * 1_024);
        Traits::from([(name.to_owned(), TraitValue::Text(text))])
    }

    #[test]
    fn large_ones_take_the_room_of_several() {
        let mut unwritten = Unwritten::default();
        assert!(unwritten.add(&key("a"), &told("plan", 2), 5));
        assert!(unwritten.add(&key("b"), &told("plan", 0), 5));
        assert!(!unwritten.add(&key("c"), &told("plan", 2), 5));
        assert!(!unwritten.add(&key("b"), &told("other", 3), 5));
        assert!(unwritten.add(&key("a"), &told("plan", 0), 5));
        assert!(unwritten.add(&key("c"), &told("plan", 2), 5));
    }

    #[test]
    fn what_is_put_back_takes_its_room_again_and_newer_changes_stay() {
        let mut unwritten = Unwritten::default();
        assert!(unwritten.add(&key("a"), &told("plan", 2), 4));
        let taken = unwritten.take(10);
        assert_eq!((taken.len(), unwritten.taken), (1, 0));
        assert!(unwritten.add(&key("a"), &told("plan", 0), 4));
        unwritten.put_back(taken);
        assert_eq!(unwritten.get(&key("a")), Some(&told("plan", 0)));
        assert_eq!(unwritten.take(10), [(key("a"), told("plan", 0))]);
        assert_eq!(unwritten.taken, 0);
    }
}
