//! A real server on a free port, and a client that writes bytes to it and reads answers off the same connection.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, rt, web};
use flagstaff_http::app::application;

use super::{Backend, panics, settings};

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) backend: Backend,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// With an administrator and nothing else.
    pub(crate) fn start() -> Self {
        let backend = Backend::start(settings());
        backend.serving.refresh().unwrap();
        let services = backend.services.clone();
        let (tell, told) = mpsc::channel();
        let run = move || async move {
            let factory =
                move || application(services.clone()).route("/panic", web::get().to(panics));
            let server = HttpServer::new(factory).workers(1).disable_signals();
            let server = server.bind(("127.0.0.1", 0)).unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            tell.send((address, server.handle())).unwrap();
            server.await.unwrap();
        };
        let thread = thread::spawn(|| rt::System::new().block_on(run()));
        let (address, handle) = told.recv().unwrap();
        Self {
            backend,
            address,
            handle,
            thread: Some(thread),
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
        drop(self.handle.stop(false));
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
