//! Pass rates of a log that may be changed as it is read.

use super::super::source::Source;
use super::pass_rate::{PassRate, Passes, Rows};
use super::values::Values;
use crate::record::{Error, InSteps, Observed};
use std::ops::Range;

/// Rewards that are read at once.
const READ: usize = 1 << 16;

/// The pass rate of the rows `judged` of `log`, against that of the rows `normal` of `reference`, where rewards above `above` pass.
/// `change` may alter the rewards of the former. Both stretches are whole steps.
///
/// # Errors
/// As [`InSteps::rows`].
pub fn pass_rate(
    (reference, normal): (&dyn InSteps, Range<usize>),
    (log, judged): (&dyn InSteps, Range<usize>),
    above: f64,
    change: &dyn Fn(&mut Observed),
) -> Result<PassRate, Error> {
    let mut passes = Passes::new(Some(above));
    for (rollouts, rows, is_reference) in [(reference, normal, true), (log, judged, false)] {
        let source = Source::new(rollouts, None)?;
        for rows in source.batches(rows, false) {
            let mut batch = source.batch(rows.clone())?.observed;
            if !is_reference {
                change(&mut batch);
            }
            let mut start = 0;
            for same in batch.step.chunk_by(|a, b| a == b) {
                let end = start + same.len();
                if let (Some(step), Some(rewards)) = (same.first(), batch.proxy.get(start..end)) {
                    let prompts = batch.prompt.get(start..end).unwrap_or_default();
                    let (step, first_row) = (*step, (rows.start + start) as u64);
                    passes.see(&Rows { step, first_row, rewards, prompts, reference: is_reference });
                }
                start = end;
            }
        }
    }
    Ok(passes.finish())
}

/// Above which rewards pass, where those of the reference and the log take ten values or fewer.
///
/// # Errors
/// As [`InSteps::rewards`].
pub fn passes_above(parts: [(&dyn InSteps, Range<usize>); 2]) -> Result<Option<f64>, Error> {
    let mut values = Values::default();
    for (rollouts, rows) in parts {
        for from in rows.clone().step_by(READ) {
            let rewards = rollouts.rewards(from..rows.end.min(from + READ))?;
            rewards.into_iter().for_each(|reward| values.see(reward));
        }
    }
    Ok(values.halfway())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass_rate(reference: &Observed, log: &Observed, from_step: u64) -> Option<PassRate> {
        let from = log.step.partition_point(|step| *step < from_step);
        let above = passes_above([(reference, 0..reference.len()), (log, 0..log.len())]).unwrap()?;
        let judged: (&dyn InSteps, _) = (log, from..log.len());
        Some(super::pass_rate((reference, 0..reference.len()), judged, above, &|_| ()).unwrap())
    }

    fn log(steps: std::ops::Range<u64>, passes: impl Fn(u64, u64) -> bool) -> Observed {
        let rows: Vec<(u64, u64)> = steps.flat_map(|step| (0..32).map(move |row| (step, row))).collect();
        Observed {
            proxy: rows.iter().map(|(step, row)| f64::from(u8::from(passes(*step, *row)))).collect(),
            step: rows.iter().map(|row| row.0).collect(),
            prompt: rows.iter().map(|row| row.1 / 4).collect(),
            group: vec![0; rows.len()],
            outcome: vec![0; rows.len()],
            ..Observed::default()
        }
    }

    #[test]
    fn what_comes_from_a_step_on_is_held_against_the_reference() {
        // Prompt 0 never passes before step 20 and always after; the others pass every fourth time.
        let passes = |step: u64, row: u64| if row < 4 { step >= 20 } else { row.is_multiple_of(4) };
        let (reference, all) = (log(0..10, passes), log(0..40, passes));
        let found = pass_rate(&reference, &all, 10).unwrap();
        assert_eq!((found.reference.1, found.later.1), (320, 960));
        assert!(
            found.jumps.len() == 1 && found.jumps[0].step == 20 && found.jumps[0].row == 640,
            "{found:?}"
        );
        let steady = pass_rate(&reference, &log(0..40, |_, row| row.is_multiple_of(4)), 10).unwrap();
        assert!(steady.jumps.is_empty() && steady.rise.is_none());
        let continuous = Observed { proxy: (0..1280).map(f64::from).collect(), ..all };
        assert!(pass_rate(&reference, &continuous, 10).is_none());
    }
}
