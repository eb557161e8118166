//! Blocks of rollouts that follow each other stand for training steps, where a log has one rollout a step, or episodes and no steps.

use super::episodes::Order;
use super::layout::{ROLLOUTS, Stretch};
use super::log::StepSource;
use super::rollouts::{Rollouts, Span};
use std::collections::HashMap;

impl Rollouts {
    /// Blocks where there is one rollout a step; `step` says where steps come from.
    pub(super) fn blocks_of_steps(self, step: StepSource) -> (Self, StepSource) {
        let column = match &step {
            StepSource::Column(name) if self.rows >= 2 && self.spans.len() == self.rows => name.clone(),
            _ => return (self, step),
        };
        let mut stretches = self.stretches.clone();
        let mut first = 0;
        for (at, stretch) in stretches.iter_mut().enumerate() {
            if at % ROLLOUTS == 0 {
                first = stretch.shared.step;
            }
            stretch.shared.step = first;
        }
        (self.in_stretches(stretches), StepSource::Blocks { of: Some(column) })
    }

    /// Blocks of episodes in their order.
    pub(super) fn blocks_of_episodes(self, order: &Order) -> Self {
        match order {
            Order::Runs(runs) => self.blocks_of_runs(runs),
            Order::Numbers(numbers) => self.blocks_of_numbers(numbers),
        }
    }

    /// Blocks by the numbers of episodes.
    fn blocks_of_numbers(self, numbers: &[f64]) -> Self {
        let rows = |stretch: &Stretch| stretch.at..stretch.at + stretch.rows;
        let each = |stretch: &Stretch| {
            rows(stretch).map(|at| Stretch { at, rows: 1, ..*stretch }).collect::<Vec<_>>()
        };
        let mut stretches: Vec<Stretch> = self.stretches.iter().flat_map(each).collect();
        let number = |at: usize| numbers.get(at).copied().unwrap_or(f64::INFINITY);
        stretches.sort_by(|a, b| number(a.at).total_cmp(&number(b.at)).then(a.at.cmp(&b.at)));
        for (place, stretch) in stretches.iter_mut().enumerate() {
            stretch.shared.step = (place - place % ROLLOUTS) as u64;
        }
        self.in_stretches(stretches)
    }

    /// Blocks by the place of an episode in its run; files are those of workers that ran beside each other, and in one file a run begins at
    /// each of the rows `runs`, as written.
    fn blocks_of_runs(self, runs: &[usize]) -> Self {
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut before: HashMap<(u32, usize), usize> = HashMap::new();
        for stretch in &self.stretches {
            let mut done = 0;
            while done < stretch.rows {
                let at = stretch.at + done;
                let run = runs.partition_point(|start| *start <= at);
                let place = before.entry((stretch.shared.file, run)).or_default();
                let of_run = runs.get(run).map_or(usize::MAX, |next| next - at);
                let rows = (ROLLOUTS - *place % ROLLOUTS).min(stretch.rows - done).min(of_run);
                let mut own = Stretch { at, rows, ..*stretch };
                own.shared.step = (*place - *place % ROLLOUTS) as u64;
                stretches.push(own);
                *place += rows;
                done += rows;
            }
        }
        stretches.sort_by_key(|stretch| (stretch.shared.step, stretch.at));
        self.in_stretches(stretches)
    }

    /// How many of the runs that begin at these rows, as written, have rows that count.
    pub(super) fn of_runs(&self, runs: &[usize]) -> usize {
        let run = |at: usize| runs.partition_point(|start| *start <= at);
        let of = |stretch: &Stretch| run(stretch.at)..=run(stretch.at + stretch.rows - 1);
        let mut found: Vec<usize> = self.stretches.iter().flat_map(of).collect();
        found.dedup();
        found.len()
    }

    /// The same rows in other stretches.
    fn in_stretches(self, stretches: Vec<Stretch>) -> Self {
        let mut joined: Vec<Stretch> = Vec::with_capacity(stretches.len().div_ceil(ROLLOUTS));
        for stretch in stretches {
            match joined.last_mut() {
                Some(last) if last.shared == stretch.shared && last.at + last.rows == stretch.at => {
                    last.rows += stretch.rows;
                }
                _ => joined.push(stretch),
            }
        }
        let (spans, starts) = index(&joined);
        Self { stretches: joined, spans, starts, ..self }
    }
}

/// The steps of stretches in step order, and the row at which each stretch begins.
pub(super) fn index(stretches: &[Stretch]) -> (Vec<Span>, Vec<usize>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut starts = Vec::with_capacity(stretches.len());
    let mut row = 0;
    for stretch in stretches {
        starts.push(row);
        let end = row + stretch.rows;
        match spans.last_mut() {
            Some(span) if span.step == stretch.shared.step => span.rows.end = end,
            _ => spans.push(Span { step: stretch.shared.step, rows: row..end }),
        }
        row = end;
    }
    (spans, starts)
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, read_log};
    use super::*;

    fn steps(name: &str, text: &str) -> (Vec<u64>, StepSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let log = read_log(&[path], &LogOptions::default()).unwrap();
        let rows: Vec<u64> = log.rollouts.origin.iter().map(|origin| origin.row as u64).collect();
        assert!(log.rollouts.observed.proxy.iter().zip(&rows).all(|(reward, row)| *reward == *row as f64));
        (log.rollouts.observed.step, log.meta.step)
    }

    #[test]
    fn episodes_are_blocks_in_their_order() {
        let rows = |from: u64| (from..from + 70).map(|i| format!("{i},{i}\n")).collect::<String>();
        let (found, source) = steps("a.csv", &format!("episode,reward\n{}", rows(0)));
        assert_eq!(found, (0..70).map(|i| i / 32 * 32).collect::<Vec<u64>>());
        assert_eq!(source, StepSource::Blocks { of: None });
        // A number that begins anew is no counter of the run's episodes.
        let (found, source) = steps("b.csv", "episode,reward\n0,0\n1,1\n0,2\n1,3\n");
        assert_eq!((found, source), (vec![0; 4], StepSource::None));
        let monitor: String = (0..40).map(|i| format!("{i},{i},{i}.5\n")).collect();
        let (found, _) = steps("monitor.csv", &format!("#{{\"t_start\": 1.0}}\nr,l,t\n{monitor}"));
        assert_eq!((found[31], found[32]), (0, 32));
    }

    #[test]
    fn one_rollout_a_step_is_put_into_blocks_and_more_are_not() {
        let rows: String = (0..70).map(|i| format!("{},{i},{i}\n", 10 * i)).collect();
        let (found, source) = steps("a.csv", &format!("timesteps,call_id,reward\n{rows}"));
        assert_eq!(found, (0..70).map(|i| i / 32 * 320).collect::<Vec<u64>>());
        assert_eq!(source, StepSource::Blocks { of: Some("timesteps".into()) });
        let (found, source) = steps("b.csv", "step,call_id,reward\n0,a,0\n0,b,1\n1,c,2\n");
        assert_eq!((found, source), (vec![0, 0, 1], StepSource::Column("step".into())));
    }

    #[test]
    fn workers_beside_each_other_share_their_blocks() {
        let folder = tempfile::tempdir().unwrap();
        for worker in 0..2 {
            let rows: String = (0..40).map(|i| format!("{},{i},{i}.5\n", 100 * worker + i)).collect();
            let text = format!("#{{\"t_start\": 1.0}}\nr,l,t\n{rows}");
            std::fs::write(folder.path().join(format!("{worker}.monitor.csv")), text).unwrap();
        }
        let log = read_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap();
        let expected: Vec<u64> = [vec![0; 64], vec![32; 16]].concat();
        assert_eq!(log.rollouts.observed.step, expected, "the number of a worker is no step");
        assert_eq!(log.rollouts.observed.proxy[32], 100.0);
    }
}
