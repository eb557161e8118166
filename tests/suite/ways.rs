//! What updates are tested with: batches as observed, with rows that do not count, and with other labels.

use tailcatch::record::Observed;
use tailcatch::trainers::{Experience, Weight};

/// How a batch is learned from: as it was observed, with some rows of weight 0, and with other labels beside.
pub const WAYS: [Way; 3] = [
    Way { weighted: false, labelled: false },
    Way { weighted: true, labelled: false },
    Way { weighted: true, labelled: true },
];

#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Whether some rows have weight 0.
    pub weighted: bool,
    /// Whether labels are optimised in the place of the proxy.
    pub labelled: bool,
}

/// Leaves groups of three with 2, 1, 3 and 2 rows, groups of four with 2, 3 and 3, and halves of twelve with 3 and 5.
const COUNTS: [bool; 12] = [true, false, true, false, false, true, true, true, true, true, false, true];

impl Way {
    /// What is optimised.
    pub fn label(self, row: usize, proxy: f64) -> f64 {
        if self.labelled { 0.3 - 0.7 * proxy + 0.4 * (row % 3) as f64 } else { proxy }
    }

    pub fn counts(self, row: usize) -> bool {
        !self.weighted || COUNTS[row]
    }

    /// Labels of a batch.
    pub fn labels(self, observed: &Observed) -> Vec<f64> {
        observed.proxy.iter().enumerate().map(|(row, u)| self.label(row, *u)).collect()
    }

    fn weight(self) -> Weight<'static> {
        if self.weighted { Weight::of(&COUNTS) } else { Weight::ONE }
    }

    /// The batch to learn from.
    pub fn experience<'a, T: ?Sized>(
        self,
        observed: &'a Observed,
        trace: &'a T,
        labels: &'a [f64],
    ) -> Experience<'a, T> {
        Experience::new(observed, trace).labelled(labels).weighted(self.weight())
    }

    /// The entries of the rows that count.
    pub fn counted(self, column: &Option<Vec<f64>>) -> Vec<f64> {
        let column = column.as_ref().unwrap().iter().enumerate();
        column.filter(|(row, _)| self.counts(*row)).map(|(_, entry)| *entry).collect()
    }
}
