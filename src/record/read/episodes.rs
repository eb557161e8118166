//! Episodes of a log without steps: what counts them ascends, and begins anew where another run was appended.
//!
//! A run that was appended to itself comes again reward by reward, block by block: [`copies`](super::copies) finds it where the rewards
//! show that it is no other run.

use super::copies::Copies;
use super::layout::{ROLLOUTS, Shared};
use super::repeat::{Repeat, Rollout};

/// Runs that one file holds at most.
const MOST: usize = 1024;
/// Rows of which the numbers are kept.
const NUMBERS: usize = 1 << 20;
/// One in so many rows may have the number of the row before: of more, rows of one episode follow each other.
const REPEATED: usize = 5;
/// One in so many numbers may come twice, or late by that share of them, in one run.
const LATE: usize = 10;

/// In which order the rows of a log of episodes came.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    /// In that of the file, in runs that begin at these rows, as written.
    Runs(Vec<usize>),
    /// In that of these numbers, one for each row, as written.
    Numbers(Vec<f64>),
}

/// What was seen of a counter of episodes.
#[derive(Debug)]
pub(super) struct Counted {
    broken: bool,
    /// Whether a run was too short to be one, or there were too many.
    short: bool,
    /// The number of each row, as written; none where there are too many.
    numbers: Option<Vec<f64>>,
    /// Rows, those whose number is that of the row before, and whether one was lower than a row before it.
    rows: usize,
    repeats: usize,
    falls: bool,
    before: Option<f64>,
    /// The highest number of the present run.
    last: Option<f64>,
    /// The first row of each run, as written.
    starts: Vec<usize>,
    /// Episodes of the present run.
    episodes: usize,
    /// The episodes of a block that is not complete.
    block: Vec<Rollout>,
    copies: Copies,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            broken: false,
            short: false,
            numbers: Some(Vec::new()),
            rows: 0,
            repeats: 0,
            falls: false,
            before: None,
            last: None,
            starts: Vec::new(),
            episodes: 0,
            block: Vec::new(),
            copies: Copies::default(),
        }
    }
}

impl Counted {
    /// The next episode: its number, its row, as written, and its reward, where that is all there is to know it by. Returns the rows of
    /// blocks that were there before.
    pub fn see(&mut self, number: Option<f64>, row: usize, reward: Option<f64>) -> Vec<Repeat> {
        let Some(number) = number.filter(|_| !self.broken) else {
            self.broken = true;
            return Vec::new();
        };
        let mut found = Vec::new();
        self.rows += 1;
        self.repeats += usize::from(self.before.replace(number) == Some(number));
        self.numbers =
            self.numbers.take().filter(|all| all.len() < NUMBERS && all.len() == row).map(|mut all| {
                all.push(number);
                all
            });
        self.falls |= self.last.is_some_and(|last| number < last);
        // Workers may finish their episodes a little out of order.
        let begins = self.last.is_none_or(|last| number <= last - ROLLOUTS as f64);
        if begins {
            found = self.end_block();
            // A run of less than a block is none: the number counts something else.
            self.short |= self.last.is_some() && self.episodes < ROLLOUTS || self.starts.len() >= MOST;
            self.starts.truncate(MOST);
            self.starts.push(row);
            self.episodes = 0;
        } else if self.episodes.is_multiple_of(ROLLOUTS) {
            found = self.end_block();
        }
        self.last = if begins { Some(number) } else { self.last.map(|last| last.max(number)) };
        self.episodes += 1;
        self.block.extend(reward.map(|reward| Rollout { identity: reward.to_bits(), prompt: 0, row }));
        found
    }

    /// Ends the block; the rows of blocks that were there before.
    pub fn end_block(&mut self) -> Vec<Repeat> {
        let block = std::mem::take(&mut self.block);
        if block.is_empty() {
            return Vec::new();
        }
        let step = ((self.episodes - 1) - (self.episodes - 1) % ROLLOUTS) as u64;
        let mut found = self.copies.see(Shared { step, run: 0, file: 0 }, &block, false);
        found.iter_mut().for_each(|repeat| repeat.texts = false);
        found
    }

    /// The order of the rows, where the counter counts episodes.
    pub fn into_order(self) -> Option<Order> {
        if self.broken || self.starts.is_empty() || self.repeats > self.rows / REPEATED {
            return None;
        }
        let Some(numbers) = self.numbers.filter(|_| self.falls) else {
            return (!self.short).then_some(Order::Runs(self.starts));
        };
        let one_run = self.starts.len() == 1;
        match is_nearly_ordered(&numbers, !one_run) {
            true => Some(Order::Numbers(numbers)),
            false => (!one_run && !self.short).then_some(Order::Runs(self.starts)),
        }
    }
}

/// Whether none of the numbers comes late by more than a tenth of them, and, if they must be `different`, nearly all are.
fn is_nearly_ordered(numbers: &[f64], different: bool) -> bool {
    let ascending = crate::foundation::order::sorted(numbers);
    let same = ascending.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let most = numbers.len() / LATE;
    // Where each would stand in order: after those of a lower number.
    let place = |number: f64| ascending.partition_point(|other| *other < number);
    let late = |(at, number): (usize, &f64)| at.saturating_sub(place(*number)) <= most;
    (!different || same <= most) && numbers.iter().enumerate().all(late)
}

/// What is said of a counter of episodes that are not in its order.
pub(super) const OUT_OF_ORDER: &str = "the episodes are a little out of order, as those of workers that ran beside each other: judged in the \
                                       order of their numbers";

/// What is said of a counter of episodes that began anew so many times.
pub(super) fn begins_anew(times: usize) -> String {
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    format!(
        "the episodes' number begins anew {times}: runs that were appended to each other, whose episodes of one number share a \
         block; give one run's rows to have it judged alone"
    )
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, StepSource, read_log};
    use super::*;

    fn counted(numbers: impl IntoIterator<Item = (u64, f64)>) -> (Vec<usize>, Option<Order>) {
        let (mut counted, mut found) = (Counted::default(), Vec::new());
        for (row, (number, reward)) in numbers.into_iter().enumerate() {
            found.extend(counted.see(Some(number as f64), row, Some(reward)));
        }
        found.extend(counted.end_block());
        (found.into_iter().flat_map(|repeat| repeat.rows).collect(), counted.into_order())
    }

    #[test]
    fn a_run_that_was_appended_to_itself_is_known_and_another_is_not() {
        let run = |seed: u64| (0..100u64).map(move |i| (i, ((i + seed) * 7919 % 1009) as f64));
        let all = (100..200).collect::<Vec<usize>>();
        let runs = |starts: &[usize]| Some(Order::Runs(starts.to_vec()));
        assert_eq!(counted(run(0).chain(run(0))), (all, runs(&[0, 100])));
        assert_eq!(counted(run(0).chain(run(5))), (vec![], runs(&[0, 100])));
        let longer = run(0).chain((0..140).map(|i| (i, (i * 7919 % 1009) as f64)));
        assert_eq!(counted(longer).0, (100..196).collect::<Vec<usize>>(), "up to the block that went on");
        let constant = || (0..100).map(|i| (i, 200.0));
        assert_eq!(counted(constant().chain(constant())).0, [0; 0], "a policy that always wins");
        assert_eq!(counted([(0, 0.0), (1, 1.0), (0, 2.0), (1, 3.0)]).1, None, "too short for runs");
        assert_eq!(counted([(0, 0.0), (0, 1.0), (1, 2.0)]).1, None, "twice the same");
        let order = |numbers: Vec<u64>| counted(numbers.into_iter().map(|i| (i, i as f64))).1;
        let sorted = |numbers: Vec<u64>| {
            let own = numbers.iter().map(|i| *i as f64).collect();
            assert_eq!(order(numbers), Some(Order::Numbers(own)));
        };
        sorted((0..100).map(|i| i ^ 3).collect());
        // Workers that number for themselves, and chunks of 40 that were written in another order.
        sorted((0..100).map(|i| i / 4 + i % 3).collect());
        sorted((0..2000).map(|i| if i / 40 % 2 == 0 { i + 40 } else { i - 40 }).collect());
        assert_eq!(order((0..2000).map(|i| i * 7919 % 2000).collect()), None, "in no order at all");
    }

    #[test]
    fn runs_in_one_file_share_their_blocks_and_a_copy_counts_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let run = |seed: u64| {
            (0..70u64).map(|i| format!("{i},{}.5\n", (i + seed) * 7919 % 1009)).collect::<String>()
        };
        let read = |rows: String| {
            std::fs::write(&path, format!("episode,reward\n{rows}")).unwrap();
            read_log(std::slice::from_ref(&path), &LogOptions::default()).unwrap()
        };
        let once = read(run(0));
        let twice = read(run(0) + &run(0));
        assert_eq!(twice.rollouts.observed, once.rollouts.observed);
        assert_eq!((twice.meta.repeated, &twice.meta.step), (70, &StepSource::Blocks { of: None }));
        let note = &twice.meta.notes[0];
        assert!(
            note.contains("of step 0 in") && note.contains("(the same rewards in the same order)"),
            "{note}"
        );
        let two = read(run(0) + &run(5));
        let expected = [vec![0; 64], vec![32; 64], vec![64; 12]].concat();
        assert_eq!((two.rollouts.observed.step, two.meta.repeated), (expected, 0));
        assert!(two.meta.notes[0].contains("begins anew once"), "{:?}", two.meta.notes);
    }
}
