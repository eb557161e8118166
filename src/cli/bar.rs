//! The bar that stands while runs are made, with the time that is left; where there is no terminal, a line now and then.

use super::console::Console;
use crate::experiment::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// From one line to the next where no bar can be drawn.
const EVERY: Duration = Duration::from_secs(10);

/// A bar on a terminal, a line every [`EVERY`] elsewhere; notes go above it.
pub(super) struct Bar<'a> {
    bar: ProgressBar,
    console: &'a Console,
    work: Arc<Work>,
    lines: Option<Lines>,
}

/// What the pace is told by.
#[derive(Debug, Default)]
struct Work {
    /// Place of the bar when it began.
    before: AtomicU64,
    /// Work that is to be done, where runs are weighed.
    all: AtomicU64,
    /// Work that was done of it.
    done: AtomicU64,
}

impl Work {
    /// Time that is left, by the place of the bar where nothing is weighed.
    fn left(&self, elapsed: Duration, place: u64, length: u64) -> Option<Duration> {
        let [before, all, done] = [&self.before, &self.all, &self.done].map(|n| n.load(Ordering::Relaxed));
        match all {
            0 => left(elapsed, before, place, length),
            _ => left(elapsed, 0, done, all),
        }
    }
}

impl Bar<'_> {
    /// Leaves the bar as it is.
    pub fn abandon(&self) {
        self.bar.abandon();
        self.end();
    }
    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
        self.end();
    }
    fn end(&self) {
        if let Some(lines) = &self.lines {
            lines.end();
        }
    }
}

/// A thread that says something again and again until it is ended.
struct Lines {
    ended: Arc<(Mutex<bool>, Condvar)>,
}

impl Lines {
    /// Nothing is said where no thread can be started: the work does not hang on it.
    fn every(pause: Duration, say: impl Fn() + Send + 'static) -> Option<Self> {
        let ended: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let own = Arc::clone(&ended);
        let begun = std::thread::Builder::new().spawn(move || {
            let (flag, bell) = &*own;
            let mut is_ended = flag.lock().unwrap_or_else(PoisonError::into_inner);
            while !*is_ended {
                let woken = bell.wait_timeout(is_ended, pause).unwrap_or_else(PoisonError::into_inner);
                is_ended = woken.0;
                if woken.1.timed_out() && !*is_ended {
                    say();
                }
            }
        });
        begun.is_ok().then_some(Self { ended })
    }

    fn end(&self) {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.1.notify_all();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end();
    }
}

/// How far it is, in words.
fn line(name: &str, is_count: bool, place: u64, length: u64, left: Option<Duration>) -> String {
    let done = if is_count {
        format!("{place} of {length} runs")
    } else {
        format!("{:.0}%", 100.0 * place as f64 / length.max(1) as f64)
    };
    left.map_or_else(
        || format!("{name}: {done}"),
        |left| format!("{name}: {done}, {} left", HumanDuration(left)),
    )
}

impl Progress for Bar<'_> {
    fn start(&self, runs: usize, done: usize) {
        self.work.before.store(done as u64, Ordering::Relaxed);
        self.bar.set_length(runs as u64);
        self.bar.set_position(done as u64);
        self.bar.reset_elapsed();
    }
    fn weigh(&self, work: u64) {
        self.work.all.store(work, Ordering::Relaxed);
    }
    fn advance(&self, work: u64) {
        self.work.done.fetch_add(work, Ordering::Relaxed);
        self.bar.inc(1);
    }
    fn spent(&self, amount: usize) {
        self.bar.inc(amount as u64);
    }
    fn trains_again(&self, runs: usize) {
        self.bar.suspend(|| {
            self.console.note(format!(
                "{runs} runs are trained again for what is missing of their results: their rollouts were not kept ([record] \
                 observed = \"all\" keeps them)"
            ));
        });
    }
}

/// A bar that counts runs; the time that is left goes by what each costs.
pub(super) fn by_runs<'a>(console: &'a Console, name: &str) -> Bar<'a> {
    styled(console, name, true, "{msg} {wide_bar} {pos}/{len} runs, {left} left")
}

/// A bar of what work costs.
pub(super) fn by_cost<'a>(console: &'a Console, name: &str) -> Bar<'a> {
    styled(console, name, false, "{msg} {wide_bar} {percent}%, {left} left")
}

fn styled<'a>(console: &'a Console, name: &str, is_count: bool, template: &str) -> Bar<'a> {
    let target =
        if console.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target).with_message(name.to_owned());
    let work = Arc::new(Work::default());
    let known = Arc::clone(&work);
    let left = move |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A bar has nowhere to tell an error.
        let _ = match known.left(state.elapsed(), state.pos(), state.len().unwrap_or(0)) {
            Some(left) => write!(out, "{:#}", HumanDuration(left)),
            None => out.write_str("?"),
        };
    };
    let style = ProgressStyle::with_template(template);
    let bar = match style {
        Ok(style) => bar.with_style(style.with_key("left", left)),
        Err(_) => bar,
    };
    let lines = console.lists_progress().then_some(()).and_then(|()| {
        let (bar, work, console, name) = (bar.clone(), Arc::clone(&work), console.clone(), name.to_owned());
        Lines::every(EVERY, move || {
            if let Some(length) = bar.length().filter(|length| *length > 0) {
                let left = work.left(bar.elapsed(), bar.position(), length);
                console.note(line(&name, is_count, bar.position(), length, left));
            }
        })
    });
    Bar { bar, console, work, lines }
}

/// Time that is left by the pace since the start, once anything is done. Runs end in lumps: the pace of the last seconds says little.
fn left(elapsed: Duration, before: u64, now: u64, all: u64) -> Option<Duration> {
    let (done, rest) = (now.checked_sub(before).filter(|done| *done > 0)?, all.saturating_sub(now));
    Some(elapsed.mul_f64(rest as f64 / done as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_goes_by_what_was_done_since_the_start() {
        let minute = Duration::from_secs(60);
        assert_eq!(left(minute, 0, 0, 10), None);
        assert_eq!(left(minute, 4, 4, 10), None);
        assert_eq!(left(minute, 4, 6, 10), Some(2 * minute));
        assert_eq!(left(minute, 0, 10, 10), Some(Duration::ZERO));
    }

    #[test]
    fn a_line_tells_how_far_it_is() {
        let left = Some(Duration::from_secs(120));
        assert_eq!(line("mine", true, 31, 48, left), "mine: 31 of 48 runs, 2 minutes left");
        assert_eq!(line("mine", true, 0, 48, None), "mine: 0 of 48 runs");
        assert_eq!(line("bench", false, 1, 3, left), "bench: 33%, 2 minutes left");
    }

    #[test]
    fn lines_come_again_until_they_are_ended() {
        let (said, heard) = std::sync::mpsc::channel();
        let lines = Lines::every(Duration::from_millis(2), move || {
            // The receiver is gone when the test is over.
            let _ = said.send(());
        })
        .unwrap();
        let wait = Duration::from_secs(20);
        assert!(heard.recv_timeout(wait).is_ok() && heard.recv_timeout(wait).is_ok());
        lines.end();
        // The thread ends, and with it the sender.
        while heard.recv_timeout(wait).is_ok() {}
        assert_eq!(heard.recv_timeout(wait), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn of_runs_that_cost_unlike_the_time_left_goes_by_the_cost() {
        let minute = Duration::from_secs(60);
        let work = Work::default();
        // One of four runs is done: a quarter by count, a tenth by cost.
        assert_eq!(work.left(minute, 1, 4), Some(3 * minute));
        work.all.store(100, Ordering::Relaxed);
        assert_eq!(work.left(minute, 1, 4), None);
        work.done.store(10, Ordering::Relaxed);
        assert_eq!(work.left(minute, 1, 4), Some(9 * minute));
    }
}
