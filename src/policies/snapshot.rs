//! The policy as plain f64 arrays: what rollouts are drawn from and exact quantities are summed over.

use crate::foundation::rng::Stream;
use crate::record::Outcomes;

/// π at one moment. Buffers are reused from step to step.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    outcomes: usize,
    log_prob: Vec<f64>,
    prob: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Snapshot {
    /// π ∝ π₀·exp(θ), prompt by prompt; `tilt(cell)` gives θ.
    pub fn set(&mut self, table: &Outcomes, tilt: impl Fn(usize) -> f64) {
        self.set_from(&table.ref_log_prob, table.outcomes, tilt);
    }

    /// π ∝ π₀·exp(θ) from ln π₀ of every cell, `outcomes` cells a prompt.
    pub fn set_from(&mut self, reference: &[f64], outcomes: usize, tilt: impl Fn(usize) -> f64) {
        let cells = reference.len();
        self.outcomes = outcomes;
        self.log_prob.resize(cells, 0.0);
        self.prob.resize(cells, 0.0);
        self.cumulative.resize(cells, 0.0);
        for start in (0..cells).step_by(outcomes.max(1)) {
            let row = start..start + outcomes;
            let mut max = f64::NEG_INFINITY;
            for cell in row.clone() {
                let logit = reference[cell] + tilt(cell);
                self.log_prob[cell] = logit;
                max = max.max(logit);
            }
            let mut total = 0.0;
            for cell in row.clone() {
                let weight = (self.log_prob[cell] - max).exp();
                self.prob[cell] = weight;
                total += weight;
                self.cumulative[cell] = total;
            }
            let (log_total, scale) = (max + total.ln(), 1.0 / total);
            for cell in row {
                self.log_prob[cell] -= log_total;
                self.prob[cell] *= scale;
            }
        }
    }

    /// ln π of a cell.
    pub fn log_prob(&self, cell: usize) -> f64 {
        self.log_prob[cell]
    }

    /// π of every cell; each prompt's row sums to one.
    pub fn probs(&self) -> &[f64] {
        &self.prob
    }

    /// ln π of every cell.
    pub fn log_probs(&self) -> &[f64] {
        &self.log_prob
    }

    /// Draws an outcome of `prompt` by inversion, and gives its cell. One uniform number is used.
    pub fn sample(&self, prompt: usize, rng: &mut Stream) -> usize {
        let start = prompt * self.outcomes;
        let row = &self.cumulative[start..start + self.outcomes];
        let target = rng.open_unit() * row.last().copied().unwrap_or(0.0);
        start + row.partition_point(|&c| c < target).min(self.outcomes.saturating_sub(1))
    }
}
