//! How rows are read from PostgreSQL and written to it.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgConnection, PgRowByRowLoadingMode, PgValue};
use diesel::prelude::*;
use diesel::row::{Field, NamedRow};
use diesel::sql_types::{BigInt, Binary, Bool, Double, Integer, Text};
use serde_json::{Map, Value as Json};

use super::Number;
use super::row::{Row, Value};
use super::side::{Halt, Side};
use super::tables::Table;

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let values = (0..row.field_count()).map(|at| {
            let field = diesel::row::Row::get(row, at);
            let raw = field.as_ref().and_then(Field::value);
            raw.map_or(Ok(Value::Null), value)
        });
        values.collect::<deserialize::Result<_>>().map(Row)
    }
}

/// By the type's number (<https://www.postgresql.org/docs/current/catalog-pg-type.html>), which never changes.
fn value(raw: PgValue<'_>) -> deserialize::Result<Value> {
    Ok(match raw.get_oid().get() {
        16 => Value::Integer(<bool as FromSql<Bool, Pg>>::from_sql(raw)?.into()),
        17 => Value::Bytes(FromSql::<Binary, Pg>::from_sql(raw)?),
        20 => Value::Integer(FromSql::<BigInt, Pg>::from_sql(raw)?),
        23 => Value::Integer(<i32 as FromSql<Integer, Pg>>::from_sql(raw)?.into()),
        25 => Value::Text(FromSql::<Text, Pg>::from_sql(raw)?),
        701 => Value::Real(FromSql::<Double, Pg>::from_sql(raw)?),
        other => {
            return Err(format!("a column has the type {other}, which is not portable").into());
        }
    })
}

/// A field as the text of its type reads it; JSON's numbers could not be infinite.
fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(integer) => Json::from(*integer),
        Value::Real(real) => Json::from(real.to_string()),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Json::from(format!("\\x{hex}"))
        }
    }
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(connection: &mut PgConnection, query: &str, table: &str) -> QueryResult<BTreeSet<String>> {
    let found: Vec<Name> = diesel::sql_query(query)
        .bind::<Text, _>(table)
        .load(connection)?;
    Ok(found.into_iter().map(|column| column.name).collect())
}

impl Side for PgConnection {
    /// The lock comes before the first look, so that what is seen is what it holds. Reading goes on beside it.
    fn hold(&mut self, tables: &[Table]) -> QueryResult<()> {
        let tables: Vec<String> = tables.iter().map(Table::quoted).collect();
        self.batch_execute(&format!(
            "SET statement_timeout = 0;
             SET idle_in_transaction_session_timeout = 0;
             BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE;
             LOCK TABLE {} IN EXCLUSIVE MODE",
            tables.join(", ")
        ))
    }

    fn columns(&mut self, table: &Table) -> QueryResult<BTreeSet<String>> {
        let query = "SELECT column_name::text AS name FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'";
        names(self, query, &table.name)
    }

    fn each_row(
        &mut self,
        table: &Table,
        take: &mut dyn FnMut(Row) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let query = "SELECT column_name::text AS name FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1 AND data_type = 'text'";
        let texts = names(self, query, &table.name)?;
        let collation = |column: &str| match texts.contains(column) {
            true => " COLLATE \"C\"",
            false => "",
        };
        let query = diesel::sql_query(table.select(collation));
        for row in query.load_iter::<Row, PgRowByRowLoadingMode>(self)? {
            take(row?)?;
        }
        Ok(())
    }

    /// The table itself tells the types that the fields are read as.
    fn insert(&mut self, table: &Table, rows: &[Row]) -> QueryResult<()> {
        let object = |row: &Row| {
            let names = table.columns.iter().cloned();
            Json::Object(names.zip(row.0.iter().map(json)).collect::<Map<_, _>>())
        };
        let rows = Json::Array(rows.iter().map(object).collect());
        let statement = format!(
            "{} SELECT {} FROM json_populate_recordset(NULL::{}, $1::json)",
            table.insert(),
            table.quoted_columns(),
            table.quoted()
        );
        diesel::sql_query(statement)
            .bind::<Text, _>(rows.to_string())
            .execute(self)?;
        Ok(())
    }

    fn counter(&mut self, table: &Table, id: &str) -> QueryResult<i64> {
        let found: Name = diesel::sql_query("SELECT pg_get_serial_sequence($1, $2) AS name")
            .bind::<Text, _>(table.quoted())
            .bind::<Text, _>(id)
            .get_result(self)?;
        let answer: Number = diesel::sql_query(format!(
            "SELECT greatest(CASE WHEN is_called THEN last_value ELSE last_value - 1 END,
                             (SELECT coalesce(max(\"{id}\"), 0) FROM {})) AS number FROM {}",
            table.quoted(),
            found.name
        ))
        .get_result(self)?;
        Ok(answer.number)
    }

    /// Undone with the transaction, which `setval` would not be.
    fn set_counter(&mut self, table: &Table, id: &str, last: i64) -> QueryResult<()> {
        self.batch_execute(&format!(
            "ALTER TABLE {} ALTER COLUMN \"{id}\" RESTART WITH {}",
            table.quoted(),
            last.saturating_add(1)
        ))
    }
}
