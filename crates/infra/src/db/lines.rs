//! The connections of an open database. Where a server holds on to one of them and never answers, all are given up and
//! others take their place: whoever waits on an old one is left behind, with what it held.

use std::sync::Arc;
use std::time::Duration;

use super::connection::Anchor;
use super::error::OpenError;
use super::pool::{self, Pool};
use super::silence::Statements;
use super::writer::{Shared, Writer};
use super::{DbConnection, DbOptions};

/// Connections that read, that follow the log, and the one that writes.
pub(super) struct Lines {
    pub(super) readers: Pool,
    /// Apart from the readers, so that they never delay what is served.
    pub(super) followers: Pool,
    pub(super) writer: Arc<Writer>,
    statements: Statements,
    patience: Duration,
}

impl Lines {
    pub(super) fn open(
        options: &DbOptions,
        first: Option<DbConnection>,
        anchor: Option<Anchor>,
        shared: Arc<Shared>,
    ) -> Result<Self, OpenError> {
        let statements = Statements::default();
        let first = first.map(|mut connection| {
            if options.location.is_server() {
                statements.watch(&mut connection);
            }
            connection
        });
        Ok(Self {
            readers: pool::pool(options, options.readers, &statements),
            followers: pool::pool(options, 2, &statements),
            writer: Arc::new(Writer::start(options, first, anchor, shared, &statements)?),
            statements,
            // A server ends a statement by itself after half of that.
            patience: 3 * options.busy,
        })
    }

    /// Whether a server has not answered for so long that it never will.
    pub(super) fn are_silent(&self) -> bool {
        self.statements.wait_longer_than(self.patience)
    }

    /// Lines that take the place of these, which nobody waits for any more.
    pub(super) fn anew(&self, options: &DbOptions) -> Result<Self, OpenError> {
        let lines = Self::open(options, None, None, self.writer.shared())?;
        self.writer.abandon();
        Ok(lines)
    }
}
