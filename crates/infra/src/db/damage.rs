//! Damage that SQLite would not call so: what it takes for an empty database or an empty log, and would begin anew.
//!
//! Damaged pages, and a last one that is cut off, are found by [`super::integrity`] at the start. The file is not opened
//! here: to close it again would give up the locks of every connection that this process has.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::connection::log_of;
use super::error::OpenError;

/// The length of a database's header, which this program writes before the file gets its name.
const HEADER: u64 = 100;
/// How a log begins (<https://sqlite.org/fileformat2.html#the_write_ahead_log>), and what a power cut may leave of it.
const LOG_BEGINNINGS: [[u8; 4]; 3] = [[0x37, 0x7f, 0x06, 0x82], [0x37, 0x7f, 0x06, 0x83], [0; 4]];

/// Refuses a file that is cut off, and a log that is none: acknowledged changes were in what is missing.
pub(super) fn refuse(path: &Path) -> Result<(), OpenError> {
    let damaged = |what: &str| Err(OpenError::Damaged(path.to_owned(), what.to_owned()));
    // The log first: one that another process begins meanwhile belongs to a file that has its header.
    let beginning = log_beginning(path)?;
    let length = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(_) => return Ok(()), // whoever opens it says why
    };
    match beginning {
        _ if length == 0 => damaged("it is empty"),
        _ if length < HEADER => damaged("it is cut off"),
        Some(other) if !LOG_BEGINNINGS.contains(&other) => {
            damaged("the log of its newest changes, the file that ends in -wal, is none")
        }
        _ => Ok(()),
    }
}

fn log_beginning(path: &Path) -> Result<Option<[u8; 4]>, OpenError> {
    let log = log_of(path);
    let mut beginning = [0; 4];
    match File::open(&log).and_then(|mut file| file.read_exact(&mut beginning)) {
        Ok(()) => Ok(Some(beginning)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
            Ok(None)
        }
        Err(error) => Err(OpenError::File(format!(
            "cannot read {}: {error}",
            log.display()
        ))),
    }
}
