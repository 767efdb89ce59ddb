//! Runs the server: listens, tells where, and stops when it is asked to.
//!
//! actix-web's own `HttpServer` is put together here from its parts, so that connections can be watched.

use std::fmt;
use std::io::Result;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_server::ServerBuilder;
use actix_web::dev::{Service, ServiceFactory, fn_factory, fn_service};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::sleep;
use actix_web::web;
use futures_util::future::{Either, select};
use futures_util::stream::pending;
use futures_util::{Stream, StreamExt};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use socket2::{Domain, Protocol, Socket, Type};

use crate::app::{Services, application};
use crate::connection::{self, Worker};
use crate::metrics::Reason;

/// How long a connection is drained of a body that nobody reads before it is closed.
const LINGER: Duration = Duration::from_secs(2);
/// How long an accepted connection takes to its worker.
const HANDED_OVER: Duration = Duration::from_millis(50);
/// Connections that the system keeps waiting until they are accepted.
const BACKLOG: i32 = 2048;
/// Bytes of answers that the system takes for a client that does not read them; by itself it would take megabytes.
#[cfg(target_os = "linux")]
const UNREAD_MAX: u32 = 128 * 1024;

/// Why a server is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody at the terminal wants it: at once, after the requests in flight.
    Interrupted,
    /// A supervisor wants it: load balancers are told first, for the grace that is configured.
    Terminated,
}

/// A server that listens, and answers as soon as it runs.
pub struct Server {
    builder: ServerBuilder,
    services: web::Data<Services>,
    address: SocketAddr,
}

impl Server {
    /// Listens where the settings say, or on a socket that a supervisor has opened, which outlives the process.
    ///
    /// # Errors
    /// The operating system's, as when the address is in use.
    pub fn bind(services: web::Data<Services>, inherited: Option<TcpListener>) -> Result<Self> {
        let settings = &services.settings;
        let listener = match inherited {
            Some(listener) => listener,
            None => listen(settings.bind)?,
        };
        #[cfg(target_os = "linux")]
        SockRef::from(&listener).set_tcp_notsent_lowat(UNREAD_MAX)?;
        let address = listener.local_addr()?;
        let shared = services.clone();
        let builder = actix_server::Server::build()
            .workers(settings.workers)
            .worker_max_blocking_threads(2 * (settings.waiting + 2 * settings.workers))
            .max_concurrent_connections(settings.connections_a_worker())
            .shutdown_timeout(settings.shutdown_seconds)
            .disable_signals()
            .listen("http", listener, move || connections(shared.clone()))?;
        Ok(Self {
            builder,
            services,
            address,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the first of `stops`, then lets requests in flight finish; the second of `stops` cuts them off.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn run(self, stops: impl Stream<Item = Stop>) -> Result<()> {
        let mut running = self.builder.run();
        let handle = running.handle();
        let mut stops = pin!(stops.chain(pending()));
        let stop = match select(&mut running, stops.next()).await {
            Either::Left((ended, _)) => return ended,
            Either::Right((stop, _)) => stop,
        };
        self.services.stop();
        if stop == Some(Stop::Terminated) {
            let grace = pin!(sleep(self.services.settings.grace));
            let grace = select(grace, stops.next());
            if let Either::Left((ended, _)) = select(&mut running, grace).await {
                return ended;
            }
        }
        // The library drops what it has accepted and not yet handed to a worker, so that is waited for.
        let accepted = pin!(async {
            handle.pause().await;
            sleep(HANDED_OVER).await;
        });
        if let Either::Left((ended, _)) = select(&mut running, accepted).await {
            return ended;
        }
        self.services.drain();
        drop(handle.stop(true));
        match select(&mut running, stops.next()).await {
            Either::Left((ended, _)) => ended,
            // Dropping it is what stops its workers at once: waiting for them, it hears no other order.
            Either::Right(_) => Ok(()),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Serves until the process is asked to stop (SIGINT, SIGTERM), see [`Server::bind`]; `listening` is told the address once it accepts.
///
/// # Errors
/// The operating system's, as when the address is in use.
pub async fn serve(
    services: Services,
    inherited: Option<TcpListener>,
    listening: impl FnOnce(SocketAddr),
) -> Result<()> {
    let server = Server::bind(web::Data::new(services), inherited)?;
    let stops = signals()?;
    listening(server.address());
    server.run(stops).await
}

#[cfg(unix)]
fn signals() -> Result<impl Stream<Item = Stop>> {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    let each = |kind, stop| -> Result<_> {
        let signal: Signal = signal(kind)?;
        Ok(
            futures_util::stream::unfold(signal, move |mut signal| async move {
                signal.recv().await.map(|()| (stop, signal))
            })
            .boxed_local(),
        )
    };
    Ok(futures_util::stream::select(
        each(SignalKind::interrupt(), Stop::Interrupted)?,
        each(SignalKind::terminate(), Stop::Terminated)?,
    ))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as where signals can fail")]
fn signals() -> Result<impl Stream<Item = Stop>> {
    Ok(futures_util::stream::unfold((), |()| async {
        tokio::signal::ctrl_c()
            .await
            .ok()
            .map(|()| (Stop::Interrupted, ()))
    }))
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restarted server takes over a port whose old connections still linger.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What becomes of each connection that a worker accepts.
fn connections(
    services: web::Data<Services>,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()> {
    fn_factory(move || {
        let worker = Worker::start(services.clone());
        let http = HttpService::build()
            // The watches keep time, with less to do for each request.
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &connection::Stream, data| {
                data.insert(stream.watch());
            })
            .h1(application(services.clone()))
            .new_service(());
        let services = services.clone();
        async move {
            let http = Rc::new(http.await?);
            Ok(fn_service(move |io: TcpStream| {
                let (http, watch, services) = (Rc::clone(&http), worker.watch(), services.clone());
                async move {
                    let _ = io.set_nodelay(true);
                    let peer = io.peer_addr().ok();
                    let stream = connection::Stream::new(io, Rc::clone(&watch));
                    if let Some(Err(DispatchError::Parse(error))) =
                        watch.guard(http.call((stream, peer))).await
                    {
                        malformed(&services, peer, &error);
                    }
                    Ok(())
                }
            }))
        }
    })
}

/// The library has answered already, with 400 or 431.
fn malformed(services: &Services, peer: Option<SocketAddr>, error: &impl ToString) {
    services.metrics.connections.ended(Reason::Malformed);
    if services.log_budget.take().is_none() {
        return;
    }
    log::warn!(
        peer = peer.map(|peer| peer.ip().to_string()).unwrap_or_default().as_str(),
        reason = error.to_string().as_str();
        "not HTTP"
    );
}
