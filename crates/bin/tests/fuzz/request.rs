//! Random requests as bytes: put together from their parts, most of them as they should be, and then damaged.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;

use crate::body::{Body, blank, body, bomb};
use crate::head::{Piece, headers, method, version};
use crate::operations::{Operation, Operations};
use crate::server::{BASIC, KEY};
use crate::target::target;

/// One request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) bytes: Vec<u8>,
    /// Whether its end is beyond doubt: it has exactly one answer, and others may follow it.
    pub(crate) sound: bool,
    /// Whether it asks for an answer without a body.
    pub(crate) head: bool,
}

impl Request {
    /// Whether it has what lets into management.
    pub(crate) fn signs_in(&self) -> bool {
        self.holds(&BASIC[6..])
    }

    /// Whether it has the key of an environment.
    pub(crate) fn has_key(&self) -> bool {
        self.holds(KEY)
    }

    /// Whether a text is in it somewhere, in whatever case.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let mut windows = self.bytes.windows(text.len());
        windows.any(|bytes| bytes.eq_ignore_ascii_case(text.as_bytes()))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.bytes.escape_ascii())
    }
}

/// Any request.
pub(crate) fn request(operations: &Operations) -> BoxedStrategy<Request> {
    // What deletes is rare, so that there is something to find.
    let weight = |operation: &Operation| if operation.method == "DELETE" { 1 } else { 16 };
    let all = operations.all.iter();
    let all = all.map(|operation| (weight(operation), of(operations, operation)));
    let whole = Union::new_weighted(all.collect());
    prop_oneof![
        60 => whole.clone(),
        2 => (whole, any::<Index>(), vec(any::<u8>(), 0..6), 0..3_usize).prop_map(|(request, at, bytes, less)| {
            let mut damaged = request.bytes;
            let at = at.index(damaged.len());
            let end = (at + less).min(damaged.len());
            damaged.splice(at..end, bytes);
            unsound(damaged)
        }),
        1 => vec(any::<u8>(), 0..200).prop_map(unsound),
    ]
    .boxed()
}

/// Bytes that might be any number of requests. None of them asks for an answer without a body, which nobody could tell
/// from one that is cut off.
fn unsound(bytes: Vec<u8>) -> Request {
    let bytes = match bytes.strip_prefix(b"HEAD") {
        Some(rest) => [b"GET", rest].concat(),
        None => bytes,
    };
    Request {
        bytes,
        sound: false,
        head: false,
    }
}

/// A request for this operation.
fn of(operations: &Operations, operation: &Operation) -> BoxedStrategy<Request> {
    let none = Just(None).boxed();
    let body = match &operation.body {
        Some(schema) => prop_oneof![
            200 => body(operations, schema).prop_map(Some),
            20 => none,
            1 => bomb().prop_map(Some),
        ]
        .boxed(),
        None => prop_oneof![
            20 => none,
            1 => body(operations, &serde_json::Value::Null).prop_map(Some),
            1 => blank().prop_map(Some),
        ]
        .boxed(),
    };
    let framed = (body, framing()).prop_map(|(body, framing)| framing.of(body.as_ref()));
    (
        method(&operation.method),
        target(operation),
        version(),
        headers(),
        framed,
    )
        .prop_map(|(method, target, version, headers, framed)| {
            let sound =
                method.sound && plain(&target) && version.sound && headers.sound && framed.sound;
            let head = method.bytes == b"HEAD";
            let line = [method.bytes, target, version.bytes].join(&b' ');
            let bytes = [&line, &b"\r\n"[..], &headers.bytes, &framed.bytes].concat();
            match sound {
                true => Request { bytes, sound, head },
                false => unsound(bytes),
            }
        })
        .boxed()
}

/// Whether a target is one to every parser, and no longer than any takes.
fn plain(target: &[u8]) -> bool {
    let common = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?".contains(byte);
    let beginning = target.starts_with(b"/") || target.starts_with(b"http://");
    beginning && target.len() < 4_000 && target.iter().all(common)
}

/// How a body's end is told.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunks(usize),
    /// A length that is off by so much.
    WrongLength(isize),
    TwoLengths,
    LengthAndChunks,
    /// Chunks of which one is written like this.
    WrongChunk(&'static str),
    /// Behind the end stands another request.
    Smuggled(&'static str),
}

fn framing() -> impl Strategy<Value = Framing> {
    let wrong = vec![
        "x\r\n",
        "-1\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "7fffffffffffffff\r\n",
        "5\n",
        "5;\u{0}\r\n",
        "\r\n",
        "0x5\r\n",
        "5 \r\n",
        "",
        "0\r\nTrailer: x\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n",
    ];
    let smuggled = vec![
        "GET /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n\r\n",
        "DELETE /api/admin/environments/kept?force=true HTTP/1.1\r\nHost: flags.example\r\n\r\n",
        "GET /api/v1/flags/ HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ];
    prop_oneof![
        60 => Just(Framing::Length),
        20 => (1..2_000_usize).prop_map(Framing::Chunks),
        1 => (-20..20_isize).prop_map(Framing::WrongLength),
        1 => Just(Framing::TwoLengths),
        1 => Just(Framing::LengthAndChunks),
        1 => select(wrong).prop_map(Framing::WrongChunk),
        1 => select(smuggled).prop_map(Framing::Smuggled),
    ]
}

impl Framing {
    /// The headers that are the body's, the end of the head, and the body.
    fn of(self, body: Option<&Body>) -> Piece {
        let Some(Body {
            bytes,
            kind,
            coding,
        }) = body
        else {
            return Piece::sound("\r\n");
        };
        let mut head = String::new();
        for (name, value) in [("Content-Type", kind), ("Content-Encoding", coding)] {
            if let Some(value) = value {
                head += &format!("{name}: {value}\r\n");
            }
        }
        let length = |length: usize| format!("Content-Length: {length}\r\n");
        let chunks = "Transfer-Encoding: chunked\r\n";
        let (framing, body, sound) = match self {
            Self::Length => (length(bytes.len()), bytes.clone(), true),
            Self::Chunks(size) => (chunks.to_owned(), chunked(bytes, size), true),
            Self::WrongLength(off) => (
                length(bytes.len().saturating_add_signed(off)),
                bytes.clone(),
                false,
            ),
            Self::TwoLengths => {
                let two = length(bytes.len()) + &length(bytes.len() + 1);
                (two, bytes.clone(), false)
            }
            Self::LengthAndChunks => (length(bytes.len()) + chunks, chunked(bytes, 100), false),
            Self::WrongChunk(chunk) => {
                (chunks.to_owned(), [chunk.as_bytes(), bytes].concat(), false)
            }
            Self::Smuggled(request) => (
                length(bytes.len()),
                [bytes, request.as_bytes()].concat(),
                false,
            ),
        };
        let head = format!("{head}{framing}\r\n").into_bytes();
        Piece {
            bytes: [head, body].concat(),
            sound,
        }
    }
}

fn chunked(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut chunked = Vec::new();
    for chunk in bytes.chunks(size) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    chunked
}
