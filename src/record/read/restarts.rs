//! Whether a column of steps counts the turns of episodes, and no training steps: it begins anew again and again within a file, in short
//! runs that go up by one.

/// Runs from which on it is said.
const RUNS: usize = 8;
/// The share of them that begin where the first does and go up by one.
const ALIKE: f64 = 0.9;
/// Rows of runs that all have one length, from which on these are those of a log that is sorted by something else than its steps.
const LONG: usize = 16;
/// Rows of the longest run where files or runs of the log end them: more are those of workers or of seeds.
const LONGEST: usize = 64;
/// Rows, and share of them that lie below the row before, from which on a number that may count turns is in no order of time.
const ROWS: usize = 16;
const FALLS: f64 = 0.1;

/// What was seen of a column of steps.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    last: Option<u64>,
    rows: usize,
    falls: usize,
    /// Falls to the first step.
    anew: usize,
    /// The present run: its first step, its rows, and whether it went up by one each time.
    run: (u64, usize, bool),
    first: Option<u64>,
    runs: usize,
    alike: usize,
    /// Whether files or runs of the log ended some.
    apart: bool,
    /// The shortest and the longest of the runs that ended.
    lengths: Option<(usize, usize)>,
}

impl Restarts {
    /// Another file or run of the log begins.
    pub fn begin(&mut self) {
        self.end();
        self.apart |= self.last.take().is_some();
    }

    /// The step of the next row.
    #[inline]
    pub fn see(&mut self, step: u64) {
        self.rows += 1;
        match self.last {
            Some(last) if step > last => {
                self.run.1 += 1;
                self.run.2 &= step == last + 1;
            }
            last => {
                let fell = last.is_some_and(|last| step < last);
                self.falls += usize::from(fell);
                self.anew += usize::from(fell && self.first == Some(step));
                self.end();
                self.run = (step, 1, true);
            }
        }
        self.last = Some(step);
    }

    fn end(&mut self) {
        let (step, rows, by_one) = std::mem::take(&mut self.run);
        if rows == 0 {
            return;
        }
        let first = *self.first.get_or_insert(step);
        self.runs += 1;
        self.alike += usize::from(first <= 1 && step == first && by_one);
        let (shortest, longest) = self.lengths.unwrap_or((rows, rows));
        self.lengths = Some((shortest.min(rows), longest.max(rows)));
    }

    /// How often the steps begin anew, where they fall for nothing else.
    pub fn anew(&self) -> usize {
        if self.anew == self.falls { self.anew } else { 0 }
    }

    /// Whether the column counts turns. `turns`: its name may say so.
    pub fn hold(&mut self, turns: bool) -> bool {
        self.end();
        let Some((shortest, longest)) = self.lengths else { return false };
        let mean = self.rows as f64 / self.runs as f64;
        let short = (shortest < longest || longest <= LONG) && (!self.apart || longest <= LONGEST);
        let begins_anew =
            self.runs >= RUNS && self.alike as f64 >= ALIKE * self.runs as f64 && mean >= 2.0 && short;
        begins_anew || turns && self.rows >= ROWS && self.falls as f64 >= FALLS * self.rows as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(steps: impl IntoIterator<Item = u64>, turns: bool) -> bool {
        let mut restarts = Restarts::default();
        steps.into_iter().for_each(|step| restarts.see(step));
        restarts.hold(turns)
    }

    #[test]
    fn turns_begin_anew_and_training_steps_do_not() {
        let episodes = |lengths: &[u64]| lengths.iter().flat_map(|length| 1..=*length).collect::<Vec<u64>>();
        assert!(hold(episodes(&[3, 5, 2, 9, 4, 1, 7, 3]), false));
        assert!(hold(episodes(&[5; 8]), false), "a fixed number of turns");
        assert!(!hold(episodes(&[3, 5, 2, 9, 4, 1, 7]), false), "few");
        assert!(!hold(episodes(&[40; 8]), false), "sorted by prompt, and by step within it");
        assert!(!hold((0..400).map(|row| row / 10), false), "ten rollouts a step");
        assert!(!hold((0..400).map(|row| row / 4 % 50), false), "two runs that follow each other");
        assert!(!hold((0..400).map(|row| row % 10 + row / 10), false), "several that go up together");
        assert!(!hold([0; 40], false));
        let lengths = || (0..40u64).map(|row| row * 7919 % 31);
        assert!(hold(lengths(), true), "how many turns an episode had");
        assert!(!hold(lengths(), false), "training steps in no order");
        assert!(!hold((0..400).map(|row| row % 100), true), "a run was appended three times");
    }

    #[test]
    fn files_of_one_episode_each_are_runs() {
        let mut restarts = Restarts::default();
        for length in [3, 5, 2, 9, 4, 6, 7, 3] {
            restarts.begin();
            (0..length).for_each(|step| restarts.see(step));
        }
        assert!(restarts.hold(false));
        let mut seeds = Restarts::default();
        for length in 90..100 {
            seeds.begin();
            (0..length).for_each(|step| seeds.see(step));
        }
        assert!(!seeds.hold(false));
    }
}
