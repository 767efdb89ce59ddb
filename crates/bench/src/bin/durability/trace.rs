//! What strace has written: one line a system call, or two where another thread's came between its beginning and its end.
//! A line's number is its time: what one thread does because of another's call stands after that one's end.

use std::collections::HashMap;
use std::fs;
use std::io::{Error, Result};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A system call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Its name without `at`: some machines have `mkdir`, others `mkdirat`.
    pub(crate) name: String,
    pub(crate) arguments: String,
    /// What it returned; `None` where it never did.
    pub(crate) result: Option<i64>,
    /// The line on which it began.
    pub(crate) began: usize,
    /// The line on which it returned.
    pub(crate) ended: usize,
}

impl Call {
    /// The path of the file that its first argument stands for: `7</path>`.
    pub(crate) fn file(&self) -> Option<&str> {
        let first = self.arguments.split(", ").next()?;
        first.split_once('<')?.1.strip_suffix('>')
    }

    /// Its first text, byte for byte, and the arguments after that.
    pub(crate) fn text(&self) -> Option<(Vec<u8>, &str)> {
        let (_, rest) = self.arguments.split_once('"')?;
        let mut bytes = Vec::new();
        let mut at = 0;
        while let Some(byte) = rest.as_bytes().get(at) {
            at += 1;
            match byte {
                b'"' => return Some((bytes, &rest[at..])),
                b'\\' => {
                    let (byte, length) = escaped(&rest.as_bytes()[at..])?;
                    bytes.push(byte);
                    at += length;
                }
                other => bytes.push(*other),
            }
        }
        None
    }
}

/// The byte that is written as an escape, and how long that is: a letter, or up to three octal digits.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    let digits = text
        .iter()
        .take(3)
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .count();
    if digits > 0 {
        let digits = std::str::from_utf8(&text[..digits]).ok()?;
        return Some((u8::from_str_radix(digits, 8).ok()?, digits.len()));
    }
    let byte = match text.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'f' => 0x0c,
        other => *other,
    };
    Some((byte, 1))
}

/// The calls in the order in which they began.
pub(crate) fn read(trace: &Path) -> Result<Vec<Call>> {
    parse(&fs::read_to_string(trace)?)
}

fn parse(trace: &str) -> Result<Vec<Call>> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: HashMap<&str, usize> = HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let strange = || Error::other(format!("line {} of the trace: {line}", number + 1));
        let (thread, text) = line.split_once(' ').ok_or_else(strange)?;
        let text = text.trim_start();
        if text.starts_with("+++") || text.starts_with("---") {
            continue;
        }
        if let Some(rest) = text.strip_prefix("<... ") {
            let at = unfinished.remove(thread).ok_or_else(strange)?;
            let (_, rest) = rest.split_once(" resumed>").ok_or_else(strange)?;
            let (arguments, result) = returned(rest).ok_or_else(strange)?;
            calls[at].arguments.push_str(arguments);
            (calls[at].result, calls[at].ended) = (result, number);
            continue;
        }
        let (name, rest) = text.split_once('(').ok_or_else(strange)?;
        let begun = rest.strip_suffix("<unfinished ...>");
        if begun.is_some() {
            unfinished.insert(thread, calls.len());
        }
        let (arguments, result, ended) = match begun {
            Some(arguments) => (arguments.trim_end(), None, usize::MAX),
            None => {
                let (arguments, result) = returned(rest).ok_or_else(strange)?;
                (arguments, result, number)
            }
        };
        calls.push(Call {
            name: name.trim_end_matches("at").to_owned(),
            arguments: arguments.to_owned(),
            result,
            began: number,
            ended,
        });
    }
    Ok(calls)
}

/// Splits `arguments) = result`.
fn returned(text: &str) -> Option<(&str, Option<i64>)> {
    let (arguments, result) = text.rsplit_once(" = ")?;
    let digits = result.split([' ', '<']).next()?;
    Some((arguments.trim_end().strip_suffix(')')?, digits.parse().ok()))
}

/// Waits until strace has written that the process has ended.
pub(crate) fn await_end(trace: &Path, process: u32) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let text = fs::read_to_string(trace)?;
        let mut last_lines = text.lines().rev().take(3);
        if last_lines
            .any(|line| line.starts_with(&process.to_string()) && line.contains("+++ exited"))
        {
            return Ok(());
        }
        sleep(Duration::from_millis(20));
    }
    Err(Error::other("the trace has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_were_interrupted_by_others_are_whole() {
        let trace = r#"10 openat(AT_FDCWD</home>, "data/x.db-wal", O_RDWR|O_CREAT, 0600) = 4</home/data/x.db-wal>
10    pwrite64(4</home/data/x.db-wal>, "a\0\"\33\n1", 6, 32 <unfinished ...>
11 fsync(4</home/data/x.db-wal> <unfinished ...>
10 <... pwrite64 resumed>)           = 6
11 <... fsync resumed>)              = -1 EIO (Input/output error)
10 --- SIGTERM {si_signo=SIGTERM} ---
10 +++ exited with 0 +++
"#;
        let calls = parse(trace).unwrap();
        let [open, write, sync] = calls.as_slice() else {
            unreachable!("{calls:?}")
        };
        assert_eq!((open.result, open.file()), (Some(4), Some("/home")));
        assert_eq!(write.file(), Some("/home/data/x.db-wal"));
        assert_eq!(write.text(), Some((b"a\0\"\x1b\n1".to_vec(), ", 6, 32")));
        assert_eq!((write.began, write.ended, write.result), (1, 3, Some(6)));
        assert_eq!((sync.began, sync.ended, sync.result), (2, 4, Some(-1)));
    }
}
