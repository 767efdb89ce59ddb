//! PostgreSQL as a backend under test.

use diesel::connection::SimpleConnection;
use flagstaff_infra::db::Db;

use super::{Backstage, LOG_ROWS, Store, over};
use crate::scratch::{number, texts};
use crate::server::Database;

/// A PostgreSQL database of its own.
pub(crate) fn postgres() -> Store {
    let database = Database::migrated();
    let db: Db = database.open();
    over(&db, Postgres { database })
}

struct Postgres {
    database: Database,
}

impl Backstage for Postgres {
    fn log_rows(&self) -> Vec<String> {
        texts(&mut self.database.raw(), LOG_ROWS)
    }

    fn holds(&self, text: &str) -> bool {
        let mut connection = self.database.raw();
        let tables = texts(
            &mut connection,
            "SELECT tablename AS answer FROM pg_tables WHERE schemaname = 'public'",
        );
        assert!(tables.len() > 5, "{tables:?}");
        tables.iter().any(|table| {
            let query = format!(
                "SELECT count(*) AS answer FROM {table} WHERE {table}::text LIKE '%{text}%'"
            );
            number(&mut connection, &query) > 0
        })
    }

    fn execute(&self, sql: &str) -> Result<(), String> {
        self.database
            .raw()
            .batch_execute(sql)
            .map_err(|error| error.to_string())
    }

    fn out_of_reach(&self) -> Store {
        let database = Database::migrated();
        let db = database.open();
        database.close();
        over(&db, Self { database })
    }

    fn another(&self) -> Store {
        postgres()
    }
}
