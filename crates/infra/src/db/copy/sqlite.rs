//! How rows are read from SQLite and written to it.

use std::collections::BTreeSet;

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::prelude::*;
use diesel::row::{Field, NamedRow};
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};

use super::Number;
use super::row::{Row, Value};
use super::side::{Halt, Side};
use super::tables::Table;
use crate::db::connection;
use crate::db::integrity::PATIENCE;

/// The values in one statement; SQLite takes no more than 32,766.
const VALUES: usize = 2_000;

impl QueryableByName<Sqlite> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let values = (0..row.field_count()).map(|at| {
            let field = diesel::row::Row::get(row, at);
            let raw = field.as_ref().and_then(Field::value);
            raw.map_or(Ok(Value::Null), value)
        });
        values.collect::<deserialize::Result<_>>().map(Row)
    }
}

fn value(raw: SqliteValue<'_, '_, '_>) -> deserialize::Result<Value> {
    use SqliteType::{Binary as Blob, Double as Real, Float, Integer, Long, SmallInt};
    Ok(match raw.value_type() {
        None => Value::Null,
        Some(Integer | Long | SmallInt) => {
            Value::Integer(FromSql::<BigInt, Sqlite>::from_sql(raw)?)
        }
        Some(Real | Float) => Value::Real(FromSql::<Double, Sqlite>::from_sql(raw)?),
        Some(SqliteType::Text) => Value::Text(FromSql::<Text, Sqlite>::from_sql(raw)?),
        Some(Blob) => Value::Bytes(FromSql::<Binary, Sqlite>::from_sql(raw)?),
    })
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Side for SqliteConnection {
    fn hold(&mut self, _: &[Table]) -> QueryResult<()> {
        connection::begin_write(self, PATIENCE)
    }

    fn columns(&mut self, table: &Table) -> QueryResult<BTreeSet<String>> {
        let found: Vec<Name> =
            diesel::sql_query("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0")
                .bind::<Text, _>(&table.name)
                .load(self)?;
        Ok(found.into_iter().map(|column| column.name).collect())
    }

    fn each_row(
        &mut self,
        table: &Table,
        take: &mut dyn FnMut(Row) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let query = diesel::sql_query(table.select(|_| ""));
        for row in query.load_iter::<Row, DefaultLoadingMode>(self)? {
            take(row?)?;
        }
        Ok(())
    }

    fn insert(&mut self, table: &Table, rows: &[Row]) -> QueryResult<()> {
        let places = vec!["?"; table.columns.len()].join(", ");
        for rows in rows.chunks((VALUES / table.columns.len()).max(1)) {
            let places = vec![format!("({places})"); rows.len()].join(", ");
            let statement = format!("{} VALUES {places}", table.insert());
            let mut statement = diesel::sql_query(statement).into_boxed::<Sqlite>();
            for value in rows.iter().flat_map(|row| &row.0) {
                statement = match value {
                    Value::Null => statement.bind::<Nullable<Text>, _>(None::<String>),
                    Value::Integer(integer) => statement.bind::<BigInt, _>(*integer),
                    Value::Real(real) => statement.bind::<Double, _>(*real),
                    Value::Text(text) => statement.bind::<Text, _>(text),
                    Value::Bytes(bytes) => statement.bind::<Binary, _>(bytes),
                };
            }
            statement.execute(self)?;
        }
        Ok(())
    }

    fn counter(&mut self, table: &Table, id: &str) -> QueryResult<i64> {
        let query = format!(
            "SELECT max(coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = ?), 0),
                        coalesce((SELECT max(\"{id}\") FROM {}), 0)) AS number",
            table.quoted()
        );
        let answer: Number = diesel::sql_query(query)
            .bind::<Text, _>(&table.name)
            .get_result(self)?;
        Ok(answer.number)
    }

    fn set_counter(&mut self, table: &Table, _: &str, last: i64) -> QueryResult<()> {
        let name = &table.name;
        self.batch_execute(&format!(
            "DELETE FROM sqlite_sequence WHERE name = '{name}';
             INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {last})"
        ))
    }
}
