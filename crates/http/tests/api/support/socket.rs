//! A real server on a free port, and a client that writes bytes to it and reads answers off the same connection.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::rt;
use flagstaff_http::{HttpSettings, Stop};
use futures_util::stream;
use tokio::sync::mpsc;

use super::{Backend, settings};

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) backend: Backend,
    address: SocketAddr,
    stops: mpsc::UnboundedSender<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// With an administrator and nothing else.
    pub(crate) fn start() -> Self {
        Self::with(settings())
    }

    /// With an administrator, nothing else, and settings of its own.
    pub(crate) fn with(settings: HttpSettings) -> Self {
        let backend = Backend::start(settings);
        backend.serving.refresh().unwrap();
        let server = flagstaff_http::Server::bind(backend.services.clone(), None).unwrap();
        let address = server.address();
        let (stops, mut told) = mpsc::unbounded_channel();
        let stopped = stream::poll_fn(move |context| told.poll_recv(context));
        let thread = thread::spawn(|| rt::System::new().block_on(server.run(stopped)).unwrap());
        Self {
            backend,
            address,
            stops,
            thread: Some(thread),
        }
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&self, stop: Stop) {
        self.stops.send(stop).unwrap();
    }

    /// Waits until the server has stopped.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// A new connection. Whoever waits for an answer that never comes fails instead of hanging.
    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        stream.set_write_timeout(patience).unwrap();
        Connection::over(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The second cuts off what is still in flight.
        for _ in 0..2 {
            let _ = self.stops.send(Stop::Interrupted);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One connection, used for one request after the other.
pub(crate) struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

/// An answer as it came over the connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_lowercase()).map(String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Connection {
    fn over(stream: TcpStream) -> Self {
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    /// The same connection once more, for reading while the other writes.
    pub(crate) fn try_clone(&self) -> Self {
        Self::over(self.stream.try_clone().unwrap())
    }

    /// Writes bytes; an error when the server has closed.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Reads the answer to a request of this method; `None` when the server has closed instead.
    pub(crate) fn read(&mut self, method: &str) -> io::Result<Option<Reply>> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HashMap::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let empty = method == "HEAD" || status == 304 || status == 204;
        let mut body = vec![0; if empty { 0 } else { length }];
        self.reader.read_exact(&mut body)?;
        Ok(Some(Reply {
            status,
            headers,
            body,
        }))
    }

    /// Waits until the server has closed. Answers on the way are passed over.
    pub(crate) fn closes_within(&mut self, patience: Duration) {
        let started = Instant::now();
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let mut bytes = [0; 1024];
        loop {
            match self.reader.read(&mut bytes) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return;
                }
                Err(error) => panic!("the connection is still open: {error}"),
            }
            assert!(started.elapsed() < patience, "the connection is still open");
        }
    }

    /// Whether the server has closed by now.
    pub(crate) fn is_closed(&mut self) -> bool {
        let patience = self.stream.read_timeout().unwrap();
        self.stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let read = self.reader.read(&mut [0; 1024]);
        self.stream.set_read_timeout(patience).unwrap();
        match read {
            Ok(bytes) => bytes == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// Sends a request without a body and reads its answer.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str) -> Reply {
        self.write(format!(
            "{method} {target} HTTP/1.1\r\nHost: flags.example\r\n{headers}\r\n"
        ))
        .unwrap();
        self.read(method).unwrap().unwrap()
    }

    /// Sends a request with a JSON body and reads its answer.
    pub(crate) fn send(&mut self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        let head =
            format!("{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n");
        self.write(format!(
            "{method} {target} HTTP/1.1\r\nHost: flags.example\r\n{head}\r\n{body}"
        ))
        .unwrap();
        self.read(method).unwrap().unwrap()
    }
}
