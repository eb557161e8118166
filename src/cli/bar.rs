//! The bar that stands while runs are made, with the time that is left.

use super::console::Console;
use crate::experiment::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A bar on a terminal, silence elsewhere; notes go above it.
pub(super) struct Bar<'a> {
    bar: ProgressBar,
    console: &'a Console,
    work: Arc<Work>,
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
    }
    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
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
                "{runs} runs are trained again for what is newly asked of them: their rollouts were not kept ([record] \
                 observed = \"all\" keeps them)"
            ));
        });
    }
}

/// A bar that counts runs; the time that is left goes by what each costs.
pub(super) fn by_runs<'a>(console: &'a Console, name: &str) -> Bar<'a> {
    styled(console, name, "{msg} {wide_bar} {pos}/{len} runs, {left} left")
}

/// A bar of what work costs.
pub(super) fn by_cost<'a>(console: &'a Console, name: &str) -> Bar<'a> {
    styled(console, name, "{msg} {wide_bar} {percent}%, {left} left")
}

fn styled<'a>(console: &'a Console, name: &str, template: &str) -> Bar<'a> {
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
    Bar { bar, console, work }
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
