//! Sends requests over a connection and reads what comes back, up to the first fault.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::time::Duration;

use crate::answer::Answer;
use crate::request::Request;

/// More of an answer than this is not taken by the system at once: the description of the API is.
const LONG: usize = 64 * 1024;

/// Whoever waits longer than this for an answer will not get one: the server waits 10 seconds at most itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a connection: the statuses, and the fault at which it ended, if it did.
pub(crate) struct Outcome {
    pub(crate) answered: Vec<u16>,
    pub(crate) end: ControlFlow<String>,
}

/// Sends requests one after the other, on one connection as far as the server keeps it.
pub(crate) fn exchange(server: SocketAddr, requests: &[Request]) -> Outcome {
    let mut answered = Vec::new();
    let mut connection = None;
    for request in requests {
        let ran = match request.sound {
            true => one(server, &mut connection, request),
            false => some(server, connection.take(), request),
        };
        let answers = match ran {
            Ok(answers) => answers,
            Err(fault) => {
                return Outcome {
                    answered,
                    end: ControlFlow::Break(fault),
                };
            }
        };
        for answer in answers {
            answered.push(answer.status);
            if let Err(fault) = answer.judge(request) {
                return Outcome {
                    answered,
                    end: ControlFlow::Break(fault),
                };
            }
        }
    }
    Outcome {
        answered,
        end: ControlFlow::Continue(()),
    }
}

/// The one answer to a sound request. An answer before it that did not say that the connection closes was a promise.
fn one(
    server: SocketAddr,
    kept: &mut Option<Connection>,
    request: &Request,
) -> Result<Vec<Answer>, String> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(server)?,
    };
    connection.write(&request.bytes);
    let answer = connection.read(request.head)?;
    let answer = answer.ok_or("the connection was closed without an answer to a sound request")?;
    *kept = (!answer.closes()).then_some(connection);
    Ok(vec![answer])
}

/// The answers to what is not sound: some or none, and then the connection ends, since nothing more is sent.
fn some(
    server: SocketAddr,
    kept: Option<Connection>,
    request: &Request,
) -> Result<Vec<Answer>, String> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => Connection::open(server)?,
    };
    connection.write(&request.bytes);
    let _ = connection.stream.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    while let Some(answer) = connection.read(false)? {
        answers.push(answer);
    }
    Ok(answers)
}

struct Connection {
    stream: TcpStream,
    /// What was read and not looked at yet.
    read: Vec<u8>,
}

impl Connection {
    fn open(server: SocketAddr) -> Result<Self, String> {
        let open = || -> io::Result<TcpStream> {
            let stream = TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream =
            open().map_err(|error| format!("the server accepts no connection: {error}"))?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    /// A server that has seen enough may close before all is written; it has answered then.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next answer, or `None` when the server has closed.
    fn read(&mut self, head: bool) -> Result<Option<Answer>, String> {
        loop {
            if let Some((answer, length)) = Answer::parse(&self.read, head)? {
                self.read.drain(..length);
                match answer.status {
                    100..200 => continue,
                    _ => return Ok(Some(answer)),
                }
            }
            let mut bytes = [0; 16 * 1024];
            match self.stream.read(&mut bytes) {
                // A body that turns out to be none ends the connection, and what the system had not yet taken of the answer.
                Ok(0) if self.read.is_empty() || self.read.len() > LONG => return Ok(None),
                Ok(0) => {
                    return Err(format!(
                        "an answer is cut off: {}",
                        self.read.escape_ascii()
                    ));
                }
                Ok(length) => self.read.extend(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What was unread of the request lets the server's end reset the connection.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => {
                    return Err(format!("no answer and no end of the connection: {error}"));
                }
            }
        }
    }
}
