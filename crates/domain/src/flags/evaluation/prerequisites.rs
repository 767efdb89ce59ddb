//! What features serve to conditions that ask for it, and the circles in which they would ask for ever.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use foldhash::HashMap;

use super::program::Answer;

/// The most features that are asked for in a row; one more counts as in a circle. What is saved here ends long before
/// (`targeting::prerequisites`): this is for contexts that nobody has checked.
const ROW_MAX: usize = 100;

/// What features serve, where conditions of segments ask for it; guards against asking in circles.
#[derive(Default)]
pub(super) struct Prerequisites<'a> {
    known: RefCell<HashMap<usize, Answer<'a>>>,
    /// The features being resolved, each because the one before asked.
    asking: RefCell<Vec<usize>>,
    cyclic: RefCell<BTreeSet<usize>>,
    cuts: Cell<usize>,
}

impl<'a> Prerequisites<'a> {
    /// Whether it is in a circle.
    pub(super) fn is_cyclic(&self, feature: usize) -> bool {
        self.cyclic.borrow().contains(&feature)
    }

    /// What was told of it, if anybody asked.
    pub(super) fn answer(&self, feature: usize) -> Option<Answer<'a>> {
        self.known.borrow().get(&feature).copied()
    }

    /// How often a circle was cut.
    pub(super) fn cuts(&self) -> usize {
        self.cuts.get()
    }

    /// What the feature serves, worked out once; `None` where it is asked for in a circle.
    pub(super) fn resolve(
        &self,
        feature: usize,
        answer: impl FnOnce() -> Option<Answer<'a>>,
    ) -> Option<Answer<'a>> {
        if let Some(known) = self.answer(feature) {
            return Some(known);
        }
        if self.asking.borrow().len() >= ROW_MAX {
            self.cyclic.borrow_mut().insert(feature);
        }
        let circle = self.asking.borrow().iter().position(|one| *one == feature);
        if let Some(from) = circle {
            let members = self.asking.borrow();
            self.cyclic.borrow_mut().extend(&members[from..]);
        }
        if self.is_cyclic(feature) {
            self.cuts.set(self.cuts.get() + 1);
            return None;
        }
        self.asking.borrow_mut().push(feature);
        let answer = answer();
        self.asking.borrow_mut().pop();
        if self.is_cyclic(feature) {
            return None;
        }
        self.known.borrow_mut().insert(feature, answer?);
        answer
    }
}
