//! Shares of the rows of a step in its sum.

use crate::detectors::input::{step_of, steps};
use crate::record::Observed;

/// |x|/Σ|x| of every row, the sum taken over its step; 0 where the sum is.
pub(super) fn shares(batch: &Observed, column: &[f64]) -> Vec<f64> {
    let mut shares = Vec::with_capacity(column.len());
    for rows in steps(batch) {
        let own = column.get(rows).unwrap_or_default();
        let (largest, total) = norm(own);
        shares.extend(own.iter().map(|x| share(*x, largest, total)));
    }
    shares
}

/// The share of one row in percent, the number of rollouts of its step, and that step; `None` of a row that is not there.
pub(super) fn percent(batch: &Observed, column: &[f64], row: usize) -> Option<(f64, usize, String)> {
    let own = column.get(step_of(batch, row)?)?;
    let (largest, total) = norm(own);
    let step = batch.step.get(row).map_or_else(|| "its step".to_owned(), |step| format!("step {step}"));
    Some((100.0 * share(*column.get(row)?, largest, total), own.len(), step))
}

/// Largest |x| (±∞ taken as f64::MAX) and Σ|x| in units of it, which cannot overflow.
fn norm(column: &[f64]) -> (f64, f64) {
    let largest = column.iter().map(|x| x.abs().min(f64::MAX)).fold(0.0, f64::max);
    let total = column.iter().map(|x| x.abs().min(f64::MAX) / largest).sum();
    (largest, total)
}

fn share(x: f64, largest: f64, total: f64) -> f64 {
    if largest == 0.0 { 0.0 } else { x.abs().min(f64::MAX) / largest / total }
}
