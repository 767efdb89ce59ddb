//! Runs the server: listens, tells where, and stops when it is asked to.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{HttpServer, web};

use crate::app::{Services, application};

/// How long a request's head may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may be idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Serves until the process is asked to stop (SIGINT, SIGTERM); `listening` is told the addresses once it accepts.
///
/// # Errors
/// The operating system's, as when the address is in use.
pub async fn serve(
    services: Services,
    listening: impl FnOnce(&[SocketAddr]),
) -> std::io::Result<()> {
    let settings = services.settings.clone();
    let services = web::Data::new(services);
    let server = HttpServer::new(move || application(services.clone()))
        .workers(settings.workers)
        .worker_max_blocking_threads(settings.waiting + 2 * settings.workers)
        .client_request_timeout(HEAD_PATIENCE)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.shutdown_seconds)
        .bind(settings.bind)?;
    let addresses = server.addrs();
    let server = server.run();
    listening(&addresses);
    server.await
}
