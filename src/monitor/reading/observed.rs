//! Pass rates of rollouts that are in memory.

use super::pass_rate::{PassRate, Passes, Rows, Values};
use crate::record::Observed;

/// The pass rate of `log` from `from_step` on, against that of the reference rollouts, where their rewards take ten values or fewer.
/// Rows of both are in step order.
pub fn pass_rate(reference: &Observed, log: &Observed, from_step: u64) -> Option<PassRate> {
    let mut values = Values::default();
    reference.proxy.iter().chain(&log.proxy).for_each(|reward| values.see(*reward));
    let mut passes = Passes::new(Some(values.halfway()?));
    let mut see = |rollouts: &Observed, from: usize, reference: bool| {
        let mut start = from;
        let steps = rollouts.step.get(from..).unwrap_or_default();
        for same in steps.chunk_by(|a, b| a == b) {
            let end = start + same.len();
            if let (Some(step), Some(rewards)) = (same.first(), rollouts.proxy.get(start..end)) {
                let prompts = rollouts.prompt.get(start..end).unwrap_or_default();
                passes.see(&Rows { step: *step, first_row: start as u64, rewards, prompts, reference });
            }
            start = end;
        }
    };
    see(reference, 0, true);
    see(log, log.step.partition_point(|step| *step < from_step), false);
    Some(passes.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(steps: std::ops::Range<u64>, passes: impl Fn(u64, u64) -> bool) -> Observed {
        let rows: Vec<(u64, u64)> = steps.flat_map(|step| (0..32).map(move |row| (step, row))).collect();
        Observed {
            proxy: rows.iter().map(|(step, row)| f64::from(u8::from(passes(*step, *row)))).collect(),
            step: rows.iter().map(|row| row.0).collect(),
            prompt: rows.iter().map(|row| row.1 / 4).collect(),
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
