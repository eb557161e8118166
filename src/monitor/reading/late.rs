//! The last tenth of the steps, which is compared with the reference where a takeover would be whole.

use super::gather::Base;
use super::shift::{self, Shift};
use crate::record::{Error, Log, Rollouts, Span};

/// Share of the steps that are the late ones.
const LATE: f64 = 0.1;
/// Rewards of either kind that are looked at.
const MOST: usize = 1 << 17;

/// The last tenth of the steps, of those that are not of the reference.
pub(super) fn late<'a>(log: &'a Log<Rollouts>, base: Base<'_>) -> Vec<&'a Span> {
    let spans = log.rollouts.spans();
    let after: Vec<&Span> = spans.iter().filter(|span| !base.holds(span.step)).collect();
    let count = ((LATE * spans.len() as f64).ceil() as usize).min(after.len());
    after.get(after.len() - count..).unwrap_or_default().to_vec()
}

/// One value that many of the late rollouts are paid, and few of the reference.
pub(super) fn paid_alike(log: &Log<Rollouts>, base: Base<'_>) -> Result<Option<Shift>, Error> {
    let late = late(log, base);
    let Some(from_step) = late.first().map(|span| span.step) else { return Ok(None) };
    let rewards = |log: &Log<Rollouts>, spans: Vec<&Span>| -> Result<Vec<f64>, Error> {
        let mut found = Vec::new();
        for span in spans {
            let rest = MOST - found.len();
            if rest == 0 {
                break;
            }
            found.extend(log.rollouts.rewards(span.rows.start..span.rows.end.min(span.rows.start + rest))?);
        }
        Ok(found)
    };
    let reference = match base {
        Base::Log(other) => rewards(other, other.rollouts.spans().iter().collect())?,
        Base::Steps(..) => {
            let spans = log.rollouts.spans().iter().filter(|span| base.holds(span.step));
            rewards(log, spans.collect())?
        }
    };
    Ok(shift::paid_alike(rewards(log, late)?, &reference, from_step))
}
