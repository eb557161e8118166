//! A prompt under the reference: what every tilt of it is measured against.

use super::kernel::{Columns, Prompt, Sums, walk};
use crate::record::Outcomes;

/// A prompt under the reference.
#[derive(Debug)]
pub(super) struct Reference {
    /// The largest proxy of an outcome that π₀ can draw.
    pub top: f64,
    /// The largest ln π₀ among the outcomes that have it.
    pub top_log: f64,
    /// Their mass.
    pub top_mass: f64,
    /// Moments of π₀ itself, which is not quite normalised.
    pub moments: Prompt,
}

impl Reference {
    /// Turns a prompt's proxies into depths; also gives the difference between the largest and the smallest proxy.
    pub fn of(table: &Outcomes, row: &mut [f64], log: &[f64], prompt: usize) -> (Self, f64) {
        let possible = || row.iter().zip(log).filter(|(_, log)| **log > f64::NEG_INFINITY);
        let (top, bottom) = possible()
            .fold((f64::NEG_INFINITY, f64::INFINITY), |(top, bottom), (u, _)| (top.max(*u), bottom.min(*u)));
        let tops = || possible().filter(|(u, _)| **u == top).map(|(_, log)| *log);
        let (top_log, top_mass) = (tops().fold(f64::NEG_INFINITY, f64::max), tops().map(f64::exp).sum());
        row.iter_mut().for_each(|u| *u -= top);
        let mut sums = [Sums::new(0.0)];
        walk(columns(table, row, prompt), &mut sums);
        (Self { top, top_log, top_mass, moments: sums[0].take() }, top - bottom)
    }

    /// ln E_π₀\[exp(d/β)\], accurate where it is small.
    pub fn log_partition(&self, tilted: &Prompt) -> f64 {
        (tilted.peak - self.moments.peak) + (tilted.total / self.moments.total).ln()
    }

    /// ln of the sum of the probabilities as they were given.
    pub fn log_mass(&self) -> f64 {
        self.moments.peak + self.moments.total.ln()
    }
}

/// Columns of one prompt.
pub(super) fn columns<'a>(table: &'a Outcomes, depth: &'a [f64], prompt: usize) -> Columns<'a> {
    let row = prompt * table.outcomes..(prompt + 1) * table.outcomes;
    let of = |column: &'a [f64]| column.get(row.clone()).unwrap_or_default();
    Columns { log: of(&table.ref_log_prob), depth, utility: of(&table.utility), error: of(&table.error) }
}
