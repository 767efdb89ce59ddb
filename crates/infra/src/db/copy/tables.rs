//! What there is to copy: the tables of the program, read off what its migrations make of an empty database.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::db::error::OpenError;
use crate::db::migrate;

/// The tables that tell of the schema itself: the migrations fill them, on either side.
const OF_THE_SCHEMA: [&str; 2] = ["__diesel_schema_migrations", "compatible_migrations"];

/// A table that holds records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// The columns of the primary key.
    pub(super) key: Vec<String>,
    /// The key, where a counter gives it.
    pub(super) counted: Option<String>,
    /// The other tables that rows refer to.
    refers_to: Vec<String>,
}

/// Names as both backends take them.
fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

impl Table {
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    pub(super) fn quoted_columns(&self) -> String {
        quoted(&self.columns)
    }

    /// The beginning of a statement that adds whole rows.
    pub(super) fn insert(&self) -> String {
        let (name, columns) = (self.quoted(), self.quoted_columns());
        format!("INSERT INTO {name} ({columns})")
    }

    /// Every row, in the order of the key. Texts are ordered by their bytes, for which `collation` asks where that is not
    /// what the database does.
    pub(super) fn select(&self, collation: impl Fn(&str) -> &'static str) -> String {
        let (name, columns) = (self.quoted(), self.quoted_columns());
        let order: Vec<String> = self
            .key
            .iter()
            .map(|key| format!("\"{key}\"{}", collation(key)))
            .collect();
        format!("SELECT {columns} FROM {name} ORDER BY {}", order.join(", "))
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    counts: bool,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    /// The place in the primary key, from 1; 0 for what is not part of it.
    #[diesel(sql_type = BigInt)]
    pk: i64,
}

#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    parent: String,
}

/// Every table, those before that others refer to.
pub(super) fn all() -> Result<Vec<Table>, OpenError> {
    let mut connection = migrate::in_memory()?;
    let found: Vec<Found> = diesel::sql_query(
        "SELECT name, sql LIKE '%AUTOINCREMENT%' AS counts FROM sqlite_master
             WHERE type = 'table' AND name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name",
    )
    .load(&mut connection)?;
    let tables = found
        .into_iter()
        .filter(|found| !OF_THE_SCHEMA.contains(&found.name.as_str()))
        .map(|found| describe(&mut connection, found))
        .collect::<QueryResult<_>>()?;
    Ok(in_order(tables))
}

fn describe(connection: &mut SqliteConnection, found: Found) -> QueryResult<Table> {
    let columns: Vec<Column> = diesel::sql_query(
        "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid",
    )
    .bind::<Text, _>(&found.name)
    .load(connection)?;
    let references: Vec<Reference> = diesel::sql_query(
        "SELECT DISTINCT \"table\" AS parent FROM pragma_foreign_key_list(?1) WHERE \"table\" <> ?1 ORDER BY 1",
    )
    .bind::<Text, _>(&found.name)
    .load(connection)?;
    let mut key: Vec<&Column> = columns.iter().filter(|one| one.pk > 0).collect();
    key.sort_by_key(|one| one.pk);
    let key: Vec<String> = key.into_iter().map(|one| one.name.clone()).collect();
    Ok(Table {
        counted: key.first().filter(|_| found.counts).cloned(),
        key,
        columns: columns.into_iter().map(|one| one.name).collect(),
        refers_to: references.into_iter().map(|one| one.parent).collect(),
        name: found.name,
    })
}

/// Sorts so that rows always find those that they refer to. Tables that refer to each other in a circle come last as they
/// are; the database then says which row it misses.
fn in_order(mut tables: Vec<Table>) -> Vec<Table> {
    let mut sorted: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let there = |name: &String| sorted.iter().any(|table| table.name == *name);
        let next = tables
            .iter()
            .position(|table| table.refers_to.iter().all(there));
        sorted.push(tables.remove(next.unwrap_or(0)));
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_key_and_follows_those_that_it_refers_to() {
        let tables = all().unwrap();
        let at = |name: &str| tables.iter().position(|table| table.name == name).unwrap();
        for table in &tables {
            assert!(!table.key.is_empty(), "{table:?}");
            for parent in &table.refers_to {
                assert!(at(parent) < at(&table.name), "{table:?}");
            }
        }
        assert_eq!(tables[at("flags")].refers_to, ["environments", "features"]);
        assert_eq!(tables[at("flags")].counted.as_deref(), Some("id"));
        assert_eq!(tables[at("changes")].counted, None);
        assert!(at("log_head") < tables.len());
    }
}
