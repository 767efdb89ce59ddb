//! A client of one server that keeps its connection, as applications do.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::server::{Answer, request};

/// How long an answer may take; whoever waits this long has none.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client. Its connection is opened when first needed, and again after one that was closed.
#[derive(Debug)]
pub(crate) struct Client {
    server: SocketAddr,
    kept: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn of(server: SocketAddr) -> Self {
        Self { server, kept: None }
    }

    /// The server that is asked.
    pub(crate) fn server(&self) -> SocketAddr {
        self.server
    }

    /// Asks once. After an error the connection is given up.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        header: (&str, &str),
        body: &str,
    ) -> io::Result<Answer> {
        let mut connection = match self.kept.take() {
            Some(connection) => connection,
            None => BufReader::new(connect(self.server)?),
        };
        let request = request(method, path, &[header], body);
        connection.get_mut().write_all(request.as_bytes())?;
        let answer = read(&mut connection)?;
        if answer.header("Connection") != Some("close") {
            self.kept = Some(connection);
        }
        Ok(answer)
    }
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn read(connection: &mut impl BufRead) -> io::Result<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let no_http = || io::Error::new(io::ErrorKind::InvalidData, head.clone());
    let answer = Answer::new(&head, String::new()).ok_or_else(no_http)?;
    let length = answer.header("Content-Length").unwrap_or("0");
    let mut body = vec![0; length.parse().map_err(|_| no_http())?];
    connection.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(|_| no_http())?;
    Answer::new(&head, body).ok_or_else(no_http)
}
