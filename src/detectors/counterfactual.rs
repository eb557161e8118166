//! What would not have been flagged: the reward that a flagged rollout could have had.

use super::Scorer;
use crate::foundation::order::sorted;
use crate::record::Observed;

/// Halvings of the interval: enough to end within a few units in the last place of any reward.
const HALVINGS: usize = 64;

/// The reward at and below which a flagged row would not have been flagged, everything else in its batch being the same:
/// the lower end of the interval of rewards, found by bisection, in which the decision turns.
///
/// `batch` is what the row was judged with: its step, or the row alone where the detector is row-wise. `score` is the
/// score it was given and `flagged` the rule, of a score and of the detector's p-value. The search starts from the
/// smallest reward that lies below the row's in the batch or, where there is none, ever further below it.
///
/// `None` where no reward changes the decision (a detector that does not look at it), or where `scorer` does not
/// give the row its score: one that remembers earlier steps cannot be asked again.
pub fn would_not_flag_below(
    scorer: &mut dyn Scorer,
    batch: &Observed,
    row: usize,
    score: f64,
    flagged: &dyn Fn(f64, Option<f64>) -> bool,
) -> Option<f64> {
    let actual = *batch.proxy.get(row)?;
    let mut changed = batch.clone();
    let mut judge = |reward: f64| {
        *changed.proxy.get_mut(row)? = reward;
        let scores = scorer.score(&changed).ok()?;
        let p_value = scores.p_values().and_then(|p| p.get(row)).copied();
        Some((*scores.values().get(row)?, p_value))
    };
    // Twice the same: what it was asked in between has not moved it either.
    for _ in 0..2 {
        let (again, p_value) = judge(actual)?;
        if again != score || !flagged(again, p_value) {
            return None;
        }
    }
    let mut passes = |reward: f64| judge(reward).map(|(score, p_value)| !flagged(score, p_value));
    let below = sorted(&batch.proxy).into_iter().find(|reward| *reward < actual && reward.is_finite());
    let mut low = below.unwrap_or(actual - actual.abs().max(1.0));
    let mut tries = 0;
    while !passes(low)? {
        tries += 1;
        let step = (actual - low).max(1.0) * 16.0;
        low = actual - step;
        if tries == 12 || !low.is_finite() {
            return None;
        }
    }
    let mut high = actual;
    for _ in 0..HALVINGS {
        let middle = 0.5 * low + 0.5 * high;
        if middle <= low || middle >= high {
            break;
        }
        if passes(middle)? { low = middle } else { high = middle }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::failure::Status;
    use crate::record::Scores;

    /// Score: reward less the step's mean without the row itself, plus how often it was asked if it remembers.
    struct Gap {
        remembers: bool,
        asked: f64,
    }

    impl Scorer for Gap {
        fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
            self.asked += f64::from(u8::from(self.remembers));
            let total: f64 = batch.proxy.iter().sum();
            let others = (batch.len() - 1) as f64;
            let gaps = batch.proxy.iter().map(|u| u - (total - u) / others + self.asked);
            Ok(Scores::new(gaps.collect()).unwrap())
        }
        fn explain(&self, _: &Observed, _: usize) -> String {
            String::new()
        }
    }

    fn boundary(rewards: &[f64], row: usize, above: f64, remembers: bool) -> Option<f64> {
        let batch = Observed { proxy: rewards.to_vec(), ..Observed::default() };
        let mut scorer = Gap { remembers, asked: 0.0 };
        let score = Gap { remembers: false, asked: 0.0 }.score(&batch).unwrap().values()[row];
        would_not_flag_below(&mut scorer, &batch, row, score, &|score, _| score > above)
    }

    #[test]
    fn the_decision_turns_there() {
        // The others' mean is 2, so a gap of 5 is reached at 7.
        let found = boundary(&[1.0, 2.0, 3.0, 20.0], 3, 5.0, false).unwrap();
        assert!((found - 7.0).abs() < 1e-12, "{found}");
        // The row is the smallest of its batch, and still above what is allowed.
        let found = boundary(&[1.0, 2.0, 3.0], 0, -40.0, false).unwrap();
        assert!((found - -37.5).abs() < 1e-11, "{found}");
    }

    #[test]
    fn no_answer_where_nothing_turns_or_where_the_scorer_remembers() {
        assert_eq!(boundary(&[1.0, 2.0, 3.0, 20.0], 3, f64::NEG_INFINITY, false), None);
        assert_eq!(boundary(&[1.0, 2.0, 3.0, 20.0], 3, 5.0, true), None);
        assert_eq!(boundary(&[1.0, 2.0, 3.0, 20.0], 3, 50.0, false), None, "it was not flagged");
        let batch = Observed { proxy: vec![1.0, 2.0], ..Observed::default() };
        let mut scorer = Gap { remembers: false, asked: 0.0 };
        assert_eq!(would_not_flag_below(&mut scorer, &batch, 7, 0.0, &|_, _| true), None);
    }
}
