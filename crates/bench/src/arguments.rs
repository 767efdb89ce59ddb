//! The arguments that the programs which try a server have in common.

use std::io::Result;
use std::path::PathBuf;

use clap::Args;
use fastrand::Rng;

use crate::servers;

/// Which server is tried, and by which choices.
#[derive(Debug, Args)]
pub struct Trial {
    /// Replays the choices of another run
    #[arg(long, default_value_t = fastrand::u64(..), hide_default_value = true)]
    pub seed: u64,
    /// The program to try; `flagstaff` beside this one unless told
    #[arg(long)]
    server: Option<PathBuf>,
}

impl Trial {
    /// The choices.
    #[must_use]
    pub fn random(&self) -> Rng {
        Rng::with_seed(self.seed)
    }

    /// The server's program.
    ///
    /// # Errors
    /// When it is not where it was told to be.
    pub fn program(&self) -> Result<PathBuf> {
        match &self.server {
            Some(server) => server.canonicalize(),
            None => servers::program("flagstaff"),
        }
    }
}
