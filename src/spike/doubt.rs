//! Does the reference hold what it is to be the measure of? A takeover that lies in it passes for normal.

use super::Reference;
use crate::foundation::order::{into_descending, median};
use crate::foundation::runs::Runs;
use crate::record::{Error, Span};
use crate::tails::{Apart, Shift, apart, shift};
use std::fmt;

/// Why a reference is no measure of what is normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doubt {
    /// The top of its rewards has moved.
    Shifted(Shift),
    /// Some of its rewards, relative to the median of their step, stand apart from the rest.
    Apart(Apart),
}

/// Looks for a takeover, or exploits, in the reference rollouts.
///
/// # Errors
/// As [`crate::record::InSteps::rows`].
pub fn doubt(reference: &Reference<'_>) -> Result<Option<Doubt>, Error> {
    let Reference { log, rows } = reference;
    let mut steps = Runs::default();
    for Span { step, rows: own } in log.spans().iter() {
        let (start, end) = (own.start.max(rows.start), own.end.min(rows.end));
        steps.push(*step, end.saturating_sub(start));
    }
    let mut rewards = log.rewards(rows.clone())?;
    if let Some(found) = shift(&rewards, &steps) {
        return Ok(Some(Doubt::Shifted(found)));
    }
    let mut rest = rewards.as_mut_slice();
    for (_, rollouts) in steps.stretches() {
        let (own, others) = rest.split_at_mut((*rollouts).min(rest.len()));
        rest = others;
        let Some(centre) = median(own) else { return Ok(None) };
        own.iter_mut().for_each(|reward| *reward -= centre);
    }
    Ok(apart(&into_descending(rewards), None).map(Doubt::Apart))
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::foundation::format::table;
        match self {
            Self::Shifted(Shift { before, after }) => write!(
                f,
                "the reference holds a shift: its top 5% begins at {} in steps {}–{} and at {} in {}–{}. What came then passes for \
                 normal, and no detector that learnt from it can show it: end the reference before step {}",
                table(before.level),
                before.first,
                before.last,
                table(after.level),
                after.first,
                after.last,
                after.first
            ),
            Self::Apart(Apart { count, from, below }) => write!(
                f,
                "{} of the reference stand apart: {} and more above the median of their step, where the others end at {}. They pass for \
                 normal: read them, or give a reference without them",
                if *count == 1 { "1 rollout".to_owned() } else { format!("{count} rollouts") },
                table(*from),
                table(*below)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::log;
    use super::*;
    use crate::record::Observed;

    #[test]
    fn a_takeover_and_exploits_in_the_reference_are_said() {
        let clean = log(100, 16, 3);
        let doubt = |log: &Observed| super::doubt(&Reference::all(log)).unwrap();
        assert_eq!(doubt(&clean), None);
        assert_eq!(doubt(&Observed::default()), None);
        let mut taken = clean.clone();
        for (row, step) in taken.step.clone().into_iter().enumerate() {
            if step >= 60 && row % 2 == 0 {
                taken.proxy[row] += 20.0;
            }
        }
        assert!(matches!(doubt(&taken), Some(Doubt::Shifted(_))));
        let mut few = clean;
        [100, 700, 1500].into_iter().for_each(|row: usize| few.proxy[row] += 20.0);
        let found = doubt(&few).unwrap();
        assert!(matches!(found, Doubt::Apart(Apart { count: 3, .. })), "{found:?}");
        assert!(found.to_string().starts_with("3 rollouts of the reference stand apart"), "{found}");
    }
}
