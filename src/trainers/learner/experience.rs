//! What a learner learns from.

use crate::record::Observed;
use crate::trainers::loss::weight::Weight;

/// One batch of rollouts. A learner optimises `labels` and counts a row by its `weight`; what was observed stays as it is, for
/// detectors judge it. Rows are never taken out: they lie side by side with those of the trace, and with activations.
#[derive(Debug)]
pub struct Experience<'a, T: ?Sized> {
    /// The rollouts as anyone may see them; `proxy` is the raw reward.
    pub observed: &'a Observed,
    /// What is optimised in the place of the raw proxy, one a row, before shaping and penalties.
    pub labels: &'a [f64],
    /// Which rows count.
    pub weight: Weight<'a>,
    /// What was done: the cells of a table that were sampled, row by row, or the tape of a process.
    pub trace: &'a T,
}

impl<T: ?Sized> Clone for Experience<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Experience<'_, T> {}

impl<'a, T: ?Sized> Experience<'a, T> {
    /// The rollouts as they are: the proxy is optimised, and all count.
    pub fn new(observed: &'a Observed, trace: &'a T) -> Self {
        Self { observed, labels: &observed.proxy, weight: Weight::ONE, trace }
    }

    /// With other labels, one a row.
    pub fn labelled(self, labels: &'a [f64]) -> Self {
        Self { labels, ..self }
    }

    /// With other weights.
    pub fn weighted(self, weight: Weight<'a>) -> Self {
        Self { weight, ..self }
    }
}
