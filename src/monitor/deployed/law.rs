//! The exact law of a policy on a table: how often each outcome comes, and with what log-ratio.

use crate::foundation::numeric::sum;

/// A policy's law, prompts drawn uniformly.
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// P(cell).
    pub mass: Vec<f64>,
    /// ln(π/π₀) of each cell, in nats.
    pub log_ratio: Vec<f64>,
}

impl Law {
    /// Mean and variance of ln(π/π₀), in nats; the mean is KL(π‖π₀).
    pub fn moments(&self) -> (f64, f64) {
        let with_mass = || self.mass.iter().zip(&self.log_ratio).filter(|(mass, _)| **mass > 0.0);
        let mean = sum(with_mass().map(|(mass, ratio)| mass * ratio));
        (mean, sum(with_mass().map(|(mass, ratio)| mass * (ratio - mean).powi(2))))
    }

    /// The smallest log-ratio that a sample exceeds with probability at most `rate`.
    pub fn exceeded(&self, rate: f64) -> f64 {
        let mut cells: Vec<(f64, f64)> =
            self.log_ratio.iter().copied().zip(self.mass.iter().copied()).collect();
        cells.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut above = 0.0;
        for tied in cells.chunk_by(|a, b| a.0 == b.0) {
            above += tied.iter().map(|cell| cell.1).sum::<f64>();
            if above > rate {
                return tied[0].0;
            }
        }
        cells.last().map_or(f64::INFINITY, |cell| cell.0)
    }
}
