//! Progress on a terminal, for work that turns out to take longer than a second; elsewhere nothing is drawn.

use std::thread;
use std::time::Duration;

use flagstaff_domain::state::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// From when on a person wants to know that something is going on.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the drawing moves.
const TICK: Duration = Duration::from_millis(100);

/// A spinner, which becomes a bar where it is told how much there is to do. Draws on standard error.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that appears after a second.
    pub(crate) fn start(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
            .with_style(style("{spinner} {msg} ({elapsed})"))
            .with_message(what);
        let appearing = bar.clone();
        // Nobody waits for this thread: the command may be over, and the process gone, before the second is.
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            if !appearing.is_finished() {
                appearing.set_draw_target(ProgressDrawTarget::stderr());
                appearing.enable_steady_tick(TICK);
            }
        });
        Self { bar }
    }

    /// Takes it away again, before anything else is printed.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn advanced(&self, done: usize, total: usize) {
        if self.bar.length().is_none() {
            self.bar
                .set_style(style("{msg} [{bar:40}] {pos}/{len} ({eta} left)"));
            self.bar.set_length(total as u64);
        }
        self.bar.set_position(done as u64);
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are right: the fallback is never seen.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
