//! A stub of the Fixer API on a port of its own: it answers what the test says, byte by byte where that is the question,
//! and remembers what it was asked.

#![allow(dead_code, reason = "each test crate uses its own part of the stub")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the stub does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// This status, these further header lines, this body.
    Whole(u16, &'static str, String),
    /// The same as 200, a byte at a time with a pause before each.
    Slow(Duration, String),
    /// Nothing, for as long as the client waits.
    Never,
    /// A 200 whose body never ends.
    Endless,
    /// The connection is closed in the midst of the body.
    CutOff,
}

/// Answers a day (`2024-02-29`), being asked for the nth time in all.
type Answers = dyn Fn(&str, usize) -> Reply + Send + Sync;

pub(crate) struct Stub {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
}

impl Stub {
    pub(crate) fn start(answers: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let ended = Arc::<AtomicBool>::default();
        let answers: Arc<Answers> = Arc::new(answers);
        let (seen, end) = (Arc::clone(&asked), Arc::clone(&ended));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (seen, end) = (Arc::clone(&seen), Arc::clone(&end));
                let answers = Arc::clone(&answers);
                // Whoever goes away in the midst of an answer is what some tests are about.
                thread::spawn(move || serve(&stream.unwrap(), &seen, &end, answers.as_ref()));
            }
        });
        Self {
            address,
            asked,
            ended,
        }
    }

    /// That answers every day with these rates, as JSON.
    pub(crate) fn of(rates: &'static str) -> Self {
        Self::start(move |date, _| good(date, rates))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The targets of the requests, in their order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// What the API answers when all is well.
pub(crate) fn good(date: &str, rates: &str) -> Reply {
    Reply::Whole(200, "", body(date, rates))
}

pub(crate) fn body(date: &str, rates: &str) -> String {
    format!(
        r#"{{"success":true,"timestamp":1387929599,"historical":true,"base":"EUR","date":"{date}","rates":{rates}}}"#
    )
}

/// What the API answers, with 200, when it does not want to.
pub(crate) fn refused(code: i64) -> Reply {
    let body = format!(
        r#"{{"success":false,"error":{{"code":{code},"type":"a_type","info":"Some info."}}}}"#
    );
    Reply::Whole(200, "", body)
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Vec<String>>,
    ended: &AtomicBool,
    answers: &Answers,
) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    lines
        .find(|line| line.as_ref().is_ok_and(String::is_empty))?
        .ok()?;
    let target = first.split(' ').nth(1)?.to_owned();
    let path = target.split('?').next()?;
    let date = path.rsplit('/').next()?.to_owned();
    let nth = {
        let mut seen = seen.lock().unwrap();
        seen.push(target.clone());
        seen.len()
    };
    let mut out = stream;
    match answers(&date, nth) {
        Reply::Whole(status, headers, body) => {
            let length = body.len();
            write!(
                out,
                "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n{headers}\r\n{body}"
            )
            .ok()
        }
        Reply::Slow(pause, body) => {
            let length = body.len();
            write!(
                out,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )
            .ok()?;
            for byte in body.bytes() {
                thread::sleep(pause);
                out.write_all(&[byte]).ok()?;
            }
            Some(())
        }
        Reply::Never => {
            // Until the client closes, or the test is over.
            stream
                .set_read_timeout(Some(Duration::from_millis(50)))
                .ok()?;
            while !ended.load(Ordering::SeqCst) {
                if stream.peek(&mut [0]).is_ok_and(|read| read == 0) {
                    break;
                }
            }
            Some(())
        }
        Reply::Endless => {
            write!(
                out,
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{{\"success\":true,\"x\":\""
            )
            .ok()?;
            loop {
                out.write_all(&[b'x'; 8192]).ok()?;
            }
        }
        Reply::CutOff => write!(
            out,
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{{\"success\":"
        )
        .ok(),
    }
}
