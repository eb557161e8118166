//! An end on request: Ctrl-C, or the signal that ends a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest that a request waits for a sleeper.
const NAP: Duration = Duration::from_millis(50);

/// Whether an end was asked for. Who asks a second time does not wait for it.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From here on a request is noticed, and ends nothing by itself.
    pub fn caught() -> Self {
        let came = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            use signal_hook::flag::{register, register_conditional_default};
            // Where it cannot be caught it ends the program at once, as it did before.
            let _ = register_conditional_default(signal, Arc::clone(&came));
            let _ = register(signal, Arc::clone(&came));
        }
        Self(came)
    }

    /// Whether it came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps, unless it came or comes.
    pub fn sleep(&self, time: Duration) {
        let begun = Instant::now();
        while !self.came()
            && let Some(rest) = time.checked_sub(begun.elapsed()).filter(|rest| !rest.is_zero())
        {
            std::thread::sleep(rest.min(NAP));
        }
    }
}
