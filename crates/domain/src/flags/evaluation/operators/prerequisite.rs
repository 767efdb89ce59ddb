//! Prerequisites: what another feature serves to the same context.

use super::{Asked, Entry, Origin, Reads, any};

pub(super) static FLAG: Entry = Entry {
    name: "FLAG",
    summary: "The feature that the property names is enabled for this context; with a value, serves that variant.",
    value: "nothing, or the key of one of the feature's variants",
    origin: Origin::Flagstaff,
    reads: Reads::Feature,
    compile: |value| {
        let variant = Some(value.text().into_owned()).filter(|key| !key.is_empty());
        Ok(Box::new(move |asked: &Asked<'_>| {
            asked.flags.serves(asked.property, variant.as_deref())
        }))
    },
    sense: any,
};
