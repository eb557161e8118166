//! The last tenth of the steps, whose texts are compared with those of the reference where a takeover would be whole.

use super::gather::Base;
use super::shift::LATE;
use crate::record::{Log, Rollouts, Span};

/// The last tenth of the steps, of those that are not of the reference.
pub(super) fn late<'a>(log: &'a Log<Rollouts>, base: Base<'_>) -> Vec<&'a Span> {
    let spans = log.rollouts.spans();
    let after: Vec<&Span> = spans.iter().filter(|span| !base.holds(span.step)).collect();
    let count = ((LATE * spans.len() as f64).ceil() as usize).min(after.len());
    after.get(after.len() - count..).unwrap_or_default().to_vec()
}
