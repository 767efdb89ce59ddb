//! A TCP connection that notes on its watch what passes.

use std::io::Result;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Watch;

/// A watched connection.
#[derive(Debug)]
pub(crate) struct Stream {
    io: TcpStream,
    watch: Rc<Watch>,
}

impl Stream {
    pub(crate) fn new(io: TcpStream, watch: Rc<Watch>) -> Self {
        Self { io, watch }
    }

    /// What notes what passes.
    pub(crate) fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let known = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        let new = &buffer.filled()[known..];
        if !new.is_empty() {
            self.watch.received(new);
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.watch.sent(written.is_ready());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
