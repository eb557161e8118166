//! From derivatives in ln π of the sampled cells to the gradient in the weights of a table, in closed form.
//!
//! With logits z and π = softmax(z) within a prompt, ∂/∂z Σ w·ln π = w − π·Σw. What is summed over all outcomes has
//! ∂/∂z Σπ·f = π·(f − Σπ·f), for f = ln π (minus the entropy) and f = ln π − ln π₀ (the KL) alike, because Σπ·∂f/∂z = 0.

use super::norm::shrinkage;
use crate::policies::{Row, Snapshot};
use pulp::{Simd, WithSimd};

/// Derivatives of a minibatch's loss.
#[derive(Debug)]
pub(in crate::trainers) struct Slopes {
    /// In ln π: cell and derivative, one for each sampled cell.
    pub log_prob: Vec<(usize, f64)>,
    /// The sum of these, of every prompt.
    pub totals: Vec<f64>,
    /// In the logit, where the surrogate leaves the softmax out: the same.
    pub logit: Vec<(usize, f64)>,
    /// In V of every prompt, where there is a value head.
    pub value: Option<Vec<f32>>,
}

/// Weights of what is summed over all outcomes, as means over prompts.
#[derive(Debug, Clone, Copy)]
pub(in crate::trainers) struct Dense {
    /// Of minus the entropy.
    pub entropy: f64,
    /// Of KL(π‖π₀).
    pub kl: f64,
}

/// The gradient of a minibatch's loss in all weights.
#[derive(Debug)]
pub(in crate::trainers) struct Gradient {
    /// In the logit of every cell.
    pub logit: Vec<f32>,
    /// In V of every prompt, where there is a value head.
    pub value: Option<Vec<f32>>,
}

impl Gradient {
    /// At π = `policy` over prompts of `outcomes` cells, with ln π₀ of every cell.
    pub fn new(slopes: Slopes, dense: Dense, policy: &Snapshot, reference: &[f64], outcomes: usize) -> Self {
        let prompts = slopes.totals.len() as f64;
        let Dense { entropy, kl } = dense;
        let mut logit = Vec::with_capacity(reference.len());
        let rows = policy.rows().zip(reference.chunks(outcomes.max(1)));
        for ((row, reference), total) in rows.zip(slopes.totals) {
            if entropy == 0.0 && kl == 0.0 {
                pulp::Arch::new().dispatch(Pull { row, total, logit: &mut logit });
                continue;
            }
            let cells = || row.probs().zip(row.log_probs()).zip(reference);
            // π·ln π of a cell without mass is 0, not NaN.
            let pull = |log: f64, reference: f64| (entropy * log + kl * (log - reference)) / prompts;
            let mean: f64 = cells().filter(|((p, _), _)| *p > 0.0).map(|((p, l), r)| p * pull(l, *r)).sum();
            let slope = |p: f64, pull: f64| if p > 0.0 { p * (pull - mean - total) } else { 0.0 };
            logit.extend(cells().map(|((p, l), r)| slope(p, pull(l, *r)) as f32));
        }
        // What is drawn several times in a row is added up in a register.
        for pushes in [slopes.log_prob, slopes.logit] {
            for run in pushes.chunk_by(|(cell, _), (next, _)| cell == next) {
                if let Some((cell, _)) = run.first() {
                    logit[*cell] = run.iter().fold(logit[*cell], |sum, (_, slope)| sum + *slope as f32);
                }
            }
        }
        Self { logit, value: slopes.value }
    }

    /// Scales all down together, so that their norm is at most `largest`.
    pub fn limit(&mut self, largest: f64) {
        let all = || self.logit.iter().chain(self.value.iter().flatten());
        if let Some(factor) = shrinkage(all().copied(), largest) {
            self.logit.iter_mut().chain(self.value.iter_mut().flatten()).for_each(|g| *g *= factor);
        }
    }
}

/// The gradient of one prompt's total, −π·Σw; vectorised.
struct Pull<'a> {
    row: Row<'a>,
    total: f64,
    logit: &'a mut Vec<f32>,
}

impl WithSimd for Pull<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.logit.extend(self.row.probs().map(|p| (-p * self.total) as f32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: [f64; 6] = [-1.0, -2.0, -0.5, -0.7, -0.9, -3.0];
    const THETA: [f64; 6] = [0.3, -0.2, 0.9, -1.0, 0.1, 0.4];

    fn at(theta: &[f64]) -> Snapshot {
        let mut policy = Snapshot::default();
        policy.set_from(&REFERENCE, 3, theta);
        policy
    }

    #[test]
    fn the_gradient_is_that_of_the_loss_by_differences() {
        let (dense, pushes) = (Dense { entropy: 0.7, kl: 0.4 }, [(0, 0.5), (4, -1.5), (4, 0.3), (1, 2.0)]);
        let apart = [(2, -0.6), (5, 0.2)];
        let loss = |theta: &[f64]| {
            let policy = at(theta);
            let sampled: f64 = pushes.iter().map(|(cell, w)| w * policy.log_prob(*cell)).sum();
            let alone: f64 = apart.iter().map(|(cell, w)| w * theta[*cell]).sum();
            let summed: f64 = (0..6)
                .map(|cell| {
                    let log = policy.log_prob(cell);
                    let gain = log - REFERENCE[cell];
                    policy.prob(cell) * (dense.entropy * log + dense.kl * gain) / 2.0
                })
                .sum();
            sampled + alone + summed
        };
        let slopes =
            Slopes { log_prob: pushes.to_vec(), totals: vec![2.5, -1.2], logit: apart.to_vec(), value: None };
        let found = Gradient::new(slopes, dense, &at(&THETA), &REFERENCE, 3);
        for cell in 0..6 {
            let moved = |h: f64| {
                let mut theta = THETA;
                theta[cell] += h;
                loss(&theta)
            };
            let want = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (f64::from(found.logit[cell]) - want).abs() < 1e-6,
                "{cell}: {} against {want}",
                found.logit[cell]
            );
        }
    }

    #[test]
    fn a_norm_above_the_limit_is_brought_down_to_it() {
        let mut gradient = Gradient { logit: vec![3.0, 0.0], value: Some(vec![4.0]) };
        gradient.limit(6.0);
        assert_eq!((&*gradient.logit, gradient.value.as_deref()), (&[3.0, 0.0][..], Some(&[4.0][..])));
        gradient.limit(2.5);
        assert_eq!((&*gradient.logit, gradient.value.as_deref()), (&[1.5, 0.0][..], Some(&[2.0][..])));
    }
}
