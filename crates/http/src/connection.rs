//! Connections: how long one may take, how many may be open, and who closes them.
//!
//! The library bounds the first request's head and nothing else: a later head, a client that does not read, a connection
//! that idles beside thousands. Here each connection has a [`Watch`]: its [`Stream`] notes what arrives and leaves,
//! [`crate::edge`] notes where a request begins and is answered, and a [`Worker`] looks at all of its connections four
//! times a second. So a request costs a few stores, where a timer would be set and cleared for each.

mod stream;
mod worker;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

pub(crate) use stream::Stream;
pub(crate) use worker::Worker;

/// The empty line that ends a head.
const HEAD_END: u32 = u32::from_be_bytes(*b"\r\n\r\n");

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing yet.
    New,
    /// A request's head has begun to arrive.
    Head,
    /// A request is being answered.
    Busy,
    /// Nothing since its last request.
    Idle,
    /// What it was last told is that it closes.
    Closing,
}

/// How the body of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none.
    None,
    /// By its length; its last bytes may be any.
    Sized,
    /// In chunks; behind the last stands an empty line, as behind a head.
    Chunked,
}

/// What is known of one connection. All of it stays on its worker's thread.
#[derive(Debug)]
pub(crate) struct Watch {
    worker: Rc<Worker>,
    phase: Cell<Phase>,
    /// When the phase began, in the worker's ticks.
    since: Cell<u32>,
    /// Since when the client has taken nothing of what there is to send.
    stalled: Cell<Option<u32>>,
    /// The last four bytes that were received.
    tail: Cell<u32>,
    /// The body of the request that is answered.
    body: Cell<Body>,
    /// Whether the connection is to be closed.
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Watch {
    fn new(worker: Rc<Worker>) -> Self {
        let since = Cell::new(worker.now());
        Self {
            worker,
            phase: Cell::new(Phase::New),
            since,
            stalled: Cell::new(None),
            tail: Cell::new(0),
            body: Cell::new(Body::None),
            over: Cell::new(false),
            waker: RefCell::new(None),
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(self.worker.now());
    }

    /// Bytes have arrived.
    fn received(&self, bytes: &[u8]) {
        if matches!(self.phase.get(), Phase::New | Phase::Idle) {
            self.enter(Phase::Head);
        }
        let last = &bytes[bytes.len().saturating_sub(4)..];
        let tail = |tail: u32, byte: &u8| tail << 8 | u32::from(*byte);
        self.tail.set(last.iter().fold(self.tail.get(), tail));
    }

    /// Whether what was received last ends a head, so that nothing stands behind it.
    fn ended(&self) -> bool {
        self.tail.get() == HEAD_END
    }

    /// The client takes what is sent, or does not.
    fn sent(&self, taken: bool) {
        match (taken, self.stalled.get()) {
            (false, None) => self.stalled.set(Some(self.worker.now())),
            (true, Some(_)) => self.stalled.set(None),
            _ => {}
        }
    }

    /// A request's head is whole.
    pub(crate) fn begin(&self, body: Body) {
        self.phase.set(Phase::Busy);
        self.body.set(body);
    }

    /// The request is answered, perhaps with the announcement that the connection closes.
    pub(crate) fn answered(&self, closing: bool) {
        if self.body.get() == Body::Chunked {
            // The library waits to be told that chunks are dropped, and nobody tells it.
            self.wake();
        }
        // What came behind this request, in the same bytes, is the beginning of another, or the rest of its chunks. Behind
        // a body of a known length nothing tells, and the connection counts as idle.
        self.enter(if closing {
            Phase::Closing
        } else if self.ended() || self.body.get() == Body::Sized {
            Phase::Idle
        } else {
            Phase::Head
        });
    }

    /// Has the connection looked at once more.
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Ends the connection at the next opportunity.
    fn end(&self) {
        self.over.set(true);
        self.wake();
    }

    /// Runs the connection to its end, or until it is ended; `None` then.
    pub(crate) async fn guard<F: Future>(&self, connection: F) -> Option<F::Output> {
        let mut connection = pin!(connection);
        poll_fn(|context| {
            if self.over.get() {
                return Poll::Ready(None);
            }
            let mut waker = self.waker.borrow_mut();
            if !waker
                .as_ref()
                .is_some_and(|known| known.will_wake(context.waker()))
            {
                *waker = Some(context.waker().clone());
            }
            drop(waker);
            connection.as_mut().poll(context).map(Some)
        })
        .await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.worker.closed();
    }
}
