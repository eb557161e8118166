//! Which rollouts of a batch count.

use std::ops::Range;

/// The weight of every rollout of a batch, 1 or 0; all are 1 unless a mask says otherwise.
///
/// An update in which rollouts have weight 0 is that of the batch without them. Every mean is one over the rollouts that
/// count, be it a baseline, the mean or the spread of a group or a batch, the policy gradient, the entropy of sampled states, the
/// value head's loss, or the KL; a group that loses members is a smaller group, and one that is left alone has advantage 0.
/// Minibatches are cut before: each is the same minibatch without those rows, and one of which nothing counts takes no step.
/// There are no weights in between: a rollout that is trusted by half has no meaning in a median or in a group of two.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weight<'a>(Option<&'a [bool]>);

impl<'a> Weight<'a> {
    /// All count.
    pub const ONE: Self = Self(None);

    /// One entry a row: `true` is weight 1, `false` weight 0.
    pub fn of(counts: &'a [bool]) -> Self {
        Self(Some(counts))
    }

    /// Whether a row has weight 1.
    pub fn counts(self, row: usize) -> bool {
        self.0.is_none_or(|mask| mask.get(row).copied().unwrap_or(true))
    }

    /// Number of rows that count.
    pub fn total(self, rows: Range<usize>) -> usize {
        if self.0.is_none() { rows.len() } else { rows.filter(|&row| self.counts(row)).count() }
    }

    /// `of` the values of the rows that count, in their order, and 0 for all others.
    pub fn apply(self, values: &[f64], of: impl FnOnce(&[f64]) -> Vec<f64>) -> Vec<f64> {
        if self.0.is_none() {
            return of(values);
        }
        let mut found = of(&self.select(values)).into_iter();
        (0..values.len())
            .map(|row| if self.counts(row) { found.next().unwrap_or(0.0) } else { 0.0 })
            .collect()
    }

    /// The entries of the rows that count.
    pub fn select<T: Copy>(self, entries: &[T]) -> Vec<T> {
        entries.iter().enumerate().filter(|(row, _)| self.counts(*row)).map(|(_, entry)| *entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_is_not_seen_and_stays_where_it_is() {
        let mask = [true, false, true, false];
        let less_first = |values: &[f64]| values.iter().map(|v| v - values[0]).collect::<Vec<f64>>();
        assert_eq!(Weight::of(&mask).apply(&[3.0, 9.0, 5.0, 9.0], less_first), [0.0, 0.0, 2.0, 0.0]);
        assert_eq!(Weight::of(&mask[..2]).select(&[1u64, 2, 3]), [1, 3]);
        assert_eq!((Weight::of(&mask).total(1..4), Weight::ONE.total(1..4)), (1, 3));
        assert_eq!(Weight::ONE.apply(&[3.0, 5.0], less_first), [0.0, 2.0]);
    }
}
