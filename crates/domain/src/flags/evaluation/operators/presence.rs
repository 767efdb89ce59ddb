//! Whether a property is there.

use super::{Entry, Origin, Reads, any};

pub(super) static IS_SET: Entry = Entry {
    name: "IS_SET",
    summary: "The property is there and not null.",
    value: "nothing; it is ignored",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile: |_| Ok(Box::new(|asked| asked.value.is_some())),
    sense: any,
};

pub(super) static IS_NOT_SET: Entry = Entry {
    name: "IS_NOT_SET",
    summary: "The property is missing or null.",
    value: "nothing; it is ignored",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile: |_| Ok(Box::new(|asked| asked.value.is_none())),
    sense: any,
};

#[cfg(test)]
mod tests {
    use super::super::tests::table;

    #[test]
    fn presence() {
        table(
            "IS_SET",
            &[("\"\"", "", true), ("false", "", true), ("-", "", false)],
        );
        table(
            "IS_NOT_SET",
            &[("\"\"", "", false), ("0", "", false), ("-", "", true)],
        );
    }
}
