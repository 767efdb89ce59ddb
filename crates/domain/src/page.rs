//! Lists in pages: up to [`PAGE_MAX`] records at once, each next page beginning after the last record of the one before.

use crate::text::Invalid;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<After> {
    /// The most records to return, 1 to [`PAGE_MAX`].
    pub limit: usize,
    /// Only what comes after this place in the list's order.
    pub after: Option<After>,
}

/// The most records of one page, and the default of every list but the change log's.
pub const PAGE_MAX: usize = 1_000;

impl<After> Page<After> {
    /// The first page, as long as a page may be.
    #[must_use]
    pub fn first() -> Self {
        Self {
            limit: PAGE_MAX,
            after: None,
        }
    }

    /// A page of `limit` records after a place.
    ///
    /// # Errors
    /// [`Invalid`] when `limit` is not 1 to [`PAGE_MAX`].
    pub fn new(limit: usize, after: Option<After>) -> Result<Self, Invalid> {
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Invalid::new(format!("must be 1 to {PAGE_MAX}")));
        }
        Ok(Self { limit, after })
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The records, in order.
    pub items: Vec<T>,
    /// Whether more follow.
    pub more: bool,
}

impl<T> Listing<T> {
    /// Cuts `items`, of which one more than `limit` was asked for, to a page.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_1_to_1000_records() {
        assert!(Page::<i64>::new(0, None).is_err());
        assert!(Page::<i64>::new(1_001, None).is_err());
        assert!(Page::<i64>::new(1_000, Some(3)).is_ok());
    }

    #[test]
    fn one_record_more_than_the_limit_means_that_more_follow() {
        let listing = Listing::cut(vec![1, 2, 3], 2);
        assert_eq!((listing.items, listing.more), (vec![1, 2], true));
        assert!(!Listing::cut(vec![1, 2], 2).more);
    }
}
