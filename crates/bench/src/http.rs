//! One request on a connection of its own, for what is not sent by the thousand: that is `load.rs`.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The administrator's password in servers that are started here.
pub const PASSWORD: &str = "bench-bench-bench";

const PATIENCE: Duration = Duration::from_secs(30);

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .into_iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The body as JSON; null where there is none.
    ///
    /// # Errors
    /// When it is something else.
    pub fn json(&self) -> Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// An error that shows the answer.
    #[must_use]
    pub fn unexpected(&self, what: &str) -> Error {
        let body = String::from_utf8_lossy(&self.body);
        Error::other(format!("{what}: {}{body}", self.head))
    }

    /// `None` where the bytes end before the answer does.
    fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let body = bytes.split_off(end + 4);
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let status = head.get(9..12)?.parse().ok()?;
        let answer = Self { status, head, body };
        let length = answer.header("content-length").map(str::parse);
        match length {
            Some(Ok(length)) if answer.body.len() < length => None,
            _ => Some(answer),
        }
    }
}

/// The headers of a request to management: the administrator's, and those of a JSON body.
#[must_use]
pub fn administrator() -> String {
    let credentials = STANDARD.encode(format!("admin:{PASSWORD}"));
    format!("Authorization: Basic {credentials}\r\nContent-Type: application/json\r\n")
}

/// A GET with these headers.
///
/// # Errors
/// When there is no whole answer.
pub fn get(address: SocketAddr, path: &str, headers: &str) -> Result<Answer> {
    call(address, "GET", path, headers, "")
}

/// A request with these headers.
///
/// # Errors
/// When there is no whole answer.
pub fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Result<Answer> {
    let headers = format!("Connection: close\r\n{headers}");
    let mut stream = connect(address)?;
    stream.write_all(request(address, method, path, &headers, body).as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Answer::parse(bytes).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn request(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// A connection that is kept, so that what is measured is the request.
#[derive(Debug)]
pub struct Kept {
    address: SocketAddr,
    stream: TcpStream,
}

impl Kept {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            stream: connect(address)?,
        })
    }

    /// A request with these headers. Its answer must say how long it is.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn call(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer> {
        let request = request(self.address, method, path, headers, body);
        self.stream.write_all(request.as_bytes())?;
        let (mut bytes, mut some) = (Vec::new(), [0; 16 * 1024]);
        loop {
            match self.stream.read(&mut some)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => bytes.extend_from_slice(&some[..read]),
            }
            if let Some(answer) = Answer::parse(bytes.clone()) {
                return Ok(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_was_cut_off_is_none() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec();
        let answer = Answer::parse(whole.clone()).unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, b"{}".as_slice())
        );
        assert_eq!(answer.header("content-length"), Some("2"));
        for cut in 0..whole.len() {
            assert!(Answer::parse(whole[..cut].to_vec()).is_none(), "{cut}");
        }
    }
}
