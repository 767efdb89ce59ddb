//! A row of any table on its way from one database to another, and the digest by which both are compared.

use sha2::{Digest as _, Sha256};

/// A field, as SQLite keeps it: on PostgreSQL false and true are 0 and 1 here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Integer(_) | Self::Real(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A row: the fields in the order of the table's columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(Value::bytes).sum()
    }
}

/// How many rows there were, and which, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest {
    rows: u64,
    hash: Sha256,
}

impl Digest {
    /// Every field goes in with its type and its length, so that no two rows look alike.
    pub(super) fn add(&mut self, row: &Row) {
        self.rows += 1;
        for value in &row.0 {
            let number;
            let (kind, content): (u8, &[u8]) = match value {
                Value::Null => (0, &[]),
                Value::Integer(integer) => {
                    number = integer.to_be_bytes();
                    (1, &number)
                }
                Value::Real(real) => {
                    number = real.to_be_bytes();
                    (2, &number)
                }
                Value::Text(text) => (3, text.as_bytes()),
                Value::Bytes(bytes) => (4, bytes),
            };
            self.hash.update([kind]);
            self.hash.update((content.len() as u64).to_be_bytes());
            self.hash.update(content);
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.hash.clone().finalize() == other.hash.clone().finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> Digest {
        let mut digest = Digest::default();
        for row in rows {
            digest.add(&Row(row.to_vec()));
        }
        digest
    }

    #[test]
    fn no_two_tables_look_alike() {
        let text = |text: &str| Value::Text(text.to_owned());
        let tables = [
            digest(&[]),
            digest(&[&[]]),
            digest(&[&[Value::Null]]),
            digest(&[&[Value::Integer(0)]]),
            digest(&[&[Value::Real(0.0)]]),
            digest(&[&[text("")]]),
            digest(&[&[Value::Bytes(vec![])]]),
            digest(&[&[text("ab"), text("c")]]),
            digest(&[&[text("a"), text("bc")]]),
            digest(&[&[text("ab")], &[text("c")]]),
            digest(&[&[text("c")], &[text("ab")]]),
        ];
        for (at, one) in tables.iter().enumerate() {
            for (other_at, other) in tables.iter().enumerate() {
                assert_eq!(one == other, at == other_at, "{at} {other_at}");
            }
        }
    }
}
