//! What would have had to be different for a rollout not to be flagged.

use super::baseline::{Baseline, Normal};
use super::flags::Flag;
use super::source::Batch;
use super::visit::{Cut, Judge, Stop, rank_p_values};
use crate::record::{Error, Observed};

/// Flags of each detector for which it is asked.
const COUNTERFACTUALS: usize = 1000;
/// The same where each step has a fit of its own.
const WINDOW_COUNTERFACTUALS: usize = 100;
/// Rows of the steps of the flags that are asked for, each of which is scored some 70 times: of large steps, fewer flags are asked.
const WORK: usize = 1 << 19;

/// By what the flags were decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub cut: Cut,
    /// The highest score that a budget left out.
    pub runner_up: Option<f64>,
    /// Whether p-values are ranks among the calibration scores.
    pub ranked: bool,
}

impl Judge<'_> {
    /// Asks for each of the first flags which reward would not have been flagged in its place.
    pub(super) fn ask_back(
        &self,
        fixed: &mut Option<Baseline<'_>>,
        flags: &mut [Flag],
        question: Question,
    ) -> Result<(), Stop> {
        let most = match self.normal {
            Normal::Rollouts { .. } => COUNTERFACTUALS,
            Normal::Window { .. } => WINDOW_COUNTERFACTUALS,
        };
        let mut left = WORK;
        let affordable = flags.iter().take(most).take_while(|flag| {
            let cost = self.rows_to_score(flag.row);
            left >= cost && {
                left -= cost;
                true
            }
        });
        let most = affordable.count();
        let mut asked: Vec<&mut Flag> = flags[..most].iter_mut().collect();
        asked.sort_by_key(|flag| flag.row);
        let rows: Vec<usize> = asked.iter().map(|flag| flag.row).collect();
        let wanted = |span: &std::ops::Range<usize>| rows.iter().any(|row| span.contains(row));
        let mut asked = asked.into_iter().peekable();
        self.each_baseline(fixed, &wanted, &mut |baseline, rows| {
            let ranks = question.ranked.then(|| baseline.ascending().map(<[f64]>::to_vec)).transpose()?;
            baseline.fit.restart();
            let mut step: Option<Batch> = None;
            while let Some(flag) = asked.next_if(|flag| flag.row < rows.end) {
                self.ask(baseline, ranks.as_deref(), question, &mut step, flag)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Asks for one flag; `step` is the step of the flag before, read once for all of its flags.
    fn ask(
        &self,
        baseline: &mut Baseline<'_>,
        ranks: Option<&[f64]>,
        question: Question,
        step: &mut Option<Batch>,
        flag: &mut Flag,
    ) -> Result<(), Error> {
        let (row, row_wise) = (flag.row as u64, self.spec.part().row_wise());
        if step.as_ref().is_none_or(|batch| batch.observed.trajectory.binary_search(&row).is_err()) {
            *step = Some(self.step_of(flag.row, row_wise)?);
        }
        let Some(batch) = step else { return Ok(()) };
        let Ok(place) = batch.observed.trajectory.binary_search(&row) else { return Ok(()) };
        let then = flag.threshold;
        let flagged = |score: f64, own: Option<f64>| match question.cut {
            Cut::Above(threshold) => score > threshold,
            Cut::Top(_) => question.runner_up.is_none_or(|next| score > next),
            Cut::Stream => then.is_some_and(|threshold| score > threshold),
            Cut::P(most) => match rank_p_values(ranks, &[score]) {
                Ok(Some(by_rank)) => by_rank.first().is_some_and(|p| *p <= most),
                _ => own.is_some_and(|p| p <= most),
            },
        };
        let below = match self.company(&batch.observed, place) {
            Some((company, place)) => {
                baseline.fit.would_not_flag_below(&company, place, flag.score, &flagged)
            }
            None => baseline.fit.would_not_flag_below(&batch.observed, place, flag.score, &flagged),
        };
        flag.would_not_flag_below = below.map(|reward| reward + flag.centre.unwrap_or(0.0));
        Ok(())
    }

    /// The rows on which the score of one depends, and its place among them; `None` where these are all.
    fn company(&self, step: &Observed, place: usize) -> Option<(Observed, usize)> {
        let detector = self.spec.part();
        if detector.row_wise() {
            return Some((step.select(&[place]), 0));
        }
        let group = step.group.get(place).filter(|_| detector.group_wise())?;
        let together: Vec<usize> =
            (0..step.len()).filter(|row| step.group.get(*row) == Some(group)).collect();
        let place = together.binary_search(&place).ok()?;
        Some((step.select(&together), place))
    }

    /// Rows that are scored each time a row is asked for, where they are those of a step.
    fn rows_to_score(&self, row: usize) -> usize {
        let detector = self.spec.part();
        if detector.row_wise() || detector.group_wise() {
            return 0;
        }
        let spans = self.source.spans();
        let step = spans.get(spans.partition_point(|span| span.rows.end <= row));
        step.map_or(0, |span| span.rows.len())
    }

    /// The step of a row, or the row alone where that is enough.
    fn step_of(&self, row: usize, alone: bool) -> Result<Batch, Error> {
        let spans = self.source.spans();
        let step = spans.partition_point(|span| span.rows.end <= row);
        let whole = spans.get(step).map_or(row..row + 1, |span| span.rows.clone());
        let near = self.source.batches(whole.clone(), alone).into_iter().find(|rows| rows.contains(&row));
        self.source.batch(near.unwrap_or(whole))
    }
}
