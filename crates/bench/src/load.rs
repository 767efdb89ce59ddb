//! The load: requests over kept connections, closed loop (each connection sends when it has its answer) or open loop
//! (requests are due at fixed times, and latency counts from when one was due, so that a stalled server cannot hide).

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{LocalSet, yield_now};
use tokio::time::{Instant, sleep_until};

/// What a run of requests came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests that were answered as expected.
    pub(crate) answered: u64,
    /// Requests that were not.
    pub(crate) errors: u64,
    /// How long the run took.
    pub(crate) elapsed: Duration,
    /// Latencies in microseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Outcome {
    fn new() -> Self {
        Self {
            answered: 0,
            errors: 0,
            elapsed: Duration::ZERO,
            // Three digits from 1 µs to a minute: always a valid range.
            latencies: Histogram::new_with_bounds(1, 60_000_000, 3)
                .unwrap_or_else(|_| unreachable!("the bounds are valid")),
        }
    }

    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.errors += other.errors;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latencies.add(&other.latencies).unwrap_or_default();
    }

    fn note(&mut self, result: &Result<()>, latency: Duration) {
        match result {
            Ok(()) => {
                self.answered += 1;
                let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                self.latencies.saturating_record(micros.max(1));
            }
            Err(_) => self.errors += 1,
        }
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency in milliseconds that this share of requests stayed within.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64 / 1_000.0
    }
}

/// What is sent, and which status must come back.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// The request's bytes.
    pub(crate) bytes: Rc<Vec<u8>>,
    /// The status that is right.
    pub(crate) status: u16,
}

/// One kept connection.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends a request and notes how it went, with its latency from the time when it was due.
    async fn measure(
        &mut self,
        request: &Request,
        due: Instant,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let result = self.call(request).await;
        outcome.note(&result, due.elapsed());
        if result.is_err() {
            *self = Self::open(request.address).await?;
        }
        Ok(())
    }

    /// Sends a request and reads its answer to the end.
    async fn call(&mut self, request: &Request) -> Result<()> {
        self.stream.write_all(&request.bytes).await?;
        let mut read = 0;
        let mut whole = None;
        while whole.is_none_or(|whole| read < whole) {
            if read == self.buffer.len() {
                self.buffer.resize(2 * read, 0);
            }
            let more = self.stream.read(&mut self.buffer[read..]).await?;
            if more == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            read += more;
            whole = whole.or_else(|| length(&self.buffer[..read], request.status));
        }
        let status = self
            .buffer
            .get(9..12)
            .and_then(|text| std::str::from_utf8(text).ok());
        if status.and_then(|text| text.parse().ok()) == Some(request.status) {
            Ok(())
        } else {
            Err(Error::other("another status"))
        }
    }
}

/// The length of an answer, once its head is there.
fn length(bytes: &[u8], status: u16) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    if status == 304 {
        return Some(head);
    }
    let lines = bytes[..head].split(|byte| *byte == b'\n');
    let body = lines
        .filter_map(|line| line.split_at_checked(15))
        .find(|(name, _)| name.eq_ignore_ascii_case(b"content-length:"))
        .and_then(|(_, value)| {
            std::str::from_utf8(value)
                .ok()?
                .trim()
                .parse::<usize>()
                .ok()
        });
    Some(head + body.unwrap_or(0))
}

fn run<F: Future>(future: F) -> Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(LocalSet::new().block_on(&runtime, future))
}

/// Runs a client on each of so many connections and gathers what they came to, phase by phase.
fn gather<F: Future<Output = Result<Vec<Outcome>>> + 'static>(
    connections: usize,
    client: impl Fn(usize, Instant) -> F,
) -> Result<Vec<Outcome>> {
    run(async {
        // Time enough to connect.
        let started = Instant::now() + Duration::from_millis(50);
        let tasks: Vec<_> = (0..connections)
            .map(|at| tokio::task::spawn_local(client(at, started)))
            .collect();
        let mut phases: Vec<Outcome> = Vec::new();
        for task in tasks {
            let outcomes = task.await.map_err(Error::other)??;
            phases.resize_with(outcomes.len(), Outcome::new);
            for (phase, outcome) in phases.iter_mut().zip(&outcomes) {
                phase.add(outcome);
            }
        }
        Ok(phases)
    })?
}

/// Sends as fast as the answers come, over `connections`, for `duration`.
pub(crate) fn closed(request: &Request, connections: usize, duration: Duration) -> Result<Outcome> {
    let phases = gather(connections, |_, started| {
        let request = request.clone();
        async move {
            let mut outcome = Outcome::new();
            let mut connection = Connection::open(request.address).await?;
            sleep_until(started).await;
            while started.elapsed() < duration {
                let sent = Instant::now();
                connection.measure(&request, sent, &mut outcome).await?;
            }
            outcome.elapsed = started.elapsed();
            Ok(vec![outcome])
        }
    })?;
    phases
        .into_iter()
        .next()
        .ok_or_else(|| Error::other("no connection"))
}

/// So many requests a second, for so long.
pub(crate) type Phase = (f64, Duration);

/// Sends at the rates of the phases, one after the other over the same connections, each request at its time whatever
/// became of those before. A request whose connection is still busy waits for it, and that wait is part of its latency.
pub(crate) fn open(
    request: &Request,
    connections: usize,
    phases: &[Phase],
) -> Result<Vec<Outcome>> {
    gather(connections, |at, started| {
        let (request, phases) = (request.clone(), phases.to_vec());
        async move {
            let mut connection = Connection::open(request.address).await?;
            let mut outcomes = Vec::new();
            let mut begin = started;
            for (rate, duration) in phases {
                let mut outcome = Outcome::new();
                let mut number = at;
                while number as f64 / rate < duration.as_secs_f64() {
                    let due = begin + Duration::from_secs_f64(number as f64 / rate);
                    until(due).await;
                    connection.measure(&request, due, &mut outcome).await?;
                    number += connections;
                }
                begin += duration;
                outcome.elapsed = duration;
                outcomes.push(outcome);
            }
            Ok(outcomes)
        }
    })
}

/// Waits exactly: the runtime's timer alone may be a millisecond late. The load has a CPU of its own to burn.
async fn until(due: Instant) {
    sleep_until(due - Duration::from_millis(2)).await;
    while Instant::now() < due {
        yield_now().await;
    }
}
