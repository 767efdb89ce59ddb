//! A TCP proxy that can be told to forward nothing, to cut what is open, or to lead elsewhere.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A proxy on an address of its own; it ends, with all that is open, when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Who gets the next connections, in turn.
    targets: Vec<SocketAddr>,
    /// Connections so far.
    taken: usize,
    /// Up to which connection bytes stay where they are.
    held: usize,
    ended: bool,
    open: HashMap<usize, [TcpStream; 2]>,
}

impl Proxy {
    /// Leads to each of these in turn.
    pub(crate) fn to(targets: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self {
            address,
            shared: Arc::default(),
        };
        proxy.lead_to(targets);
        let shared = Arc::clone(&proxy.shared);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if shared.state.lock().unwrap().ended {
                    break;
                }
                let shared = Arc::clone(&shared);
                // A connection that breaks is closed on both sides; whose fault it is shows there.
                thread::spawn(move || shared.link(&client));
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections elsewhere.
    pub(crate) fn lead_to(&self, targets: &[SocketAddr]) {
        self.shared.state.lock().unwrap().targets = targets.to_vec();
    }

    /// From now on connections are taken, and nothing is forwarded or closed.
    pub(crate) fn hold(&self) {
        self.hold_up_to(|_| usize::MAX);
    }

    /// Forwards again, first of all what was held.
    pub(crate) fn release(&self) {
        self.hold_up_to(|_| 0);
    }

    /// Forwards what arrives on new connections; those before stay open, and silent.
    pub(crate) fn strand(&self) {
        self.hold_up_to(|taken| taken);
    }

    fn hold_up_to(&self, last: impl Fn(usize) -> usize) {
        let mut state = self.shared.state.lock().unwrap();
        state.held = last(state.taken);
        self.shared.changed.notify_all();
    }

    /// Closes all that is open, with what was not forwarded yet.
    pub(crate) fn cut(&self) {
        for link in self.shared.state.lock().unwrap().open.values() {
            close(link.each_ref());
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().ended = true;
        self.shared.changed.notify_all();
        self.cut();
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn link(&self, client: &TcpStream) -> io::Result<()> {
        let number = {
            let mut state = self.state.lock().unwrap();
            state.taken += 1;
            state.taken
        };
        self.pass(number)?;
        let target = {
            let state = self.state.lock().unwrap();
            let count = state.targets.len().max(1);
            state.targets.get(number % count).copied()
        };
        let server = TcpStream::connect(target.ok_or(io::ErrorKind::NotConnected)?)?;
        for end in [client, &server] {
            end.set_nodelay(true)?;
        }
        let link = [client.try_clone()?, server.try_clone()?];
        self.state.lock().unwrap().open.insert(number, link);
        thread::scope(|scope| {
            scope.spawn(|| self.forward(number, client, &server));
            self.forward(number, &server, client)
        });
        self.state.lock().unwrap().open.remove(&number);
        Ok(())
    }

    /// Forwards until one end closes, and tells the other.
    fn forward(&self, number: usize, mut from: &TcpStream, mut to: &TcpStream) {
        let mut buffer = [0; 16 * 1024];
        let mut step = || {
            let length = from.read(&mut buffer)?;
            self.pass(number)?;
            to.write_all(&buffer[..length])?;
            io::Result::Ok(length)
        };
        let ended = loop {
            match step() {
                Ok(0) => break to.shutdown(Shutdown::Write),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        if ended.is_err() {
            close([from, to]);
        }
    }

    /// Waits until bytes of this connection may pass.
    fn pass(&self, number: usize) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        while number <= state.held && !state.ended {
            state = self.changed.wait(state).unwrap();
        }
        if state.ended {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

fn close(ends: [&TcpStream; 2]) {
    for end in ends {
        let _ = end.shutdown(Shutdown::Both);
    }
}
