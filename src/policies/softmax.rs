//! The softmax of one prompt, vectorised.

use crate::foundation::exponential::exp;
use pulp::{Simd, WithSimd};

/// Cells whose running sums are formed apart from those before them, so that additions do not wait for each other.
const BLOCK: usize = 8;
/// Cells that are worked on together; a multiple of the block.
const PIECE: usize = 512;
/// Registers in which the largest logit is looked for.
const LANES: usize = 4;

/// π ∝ π₀·exp(θ) of one prompt: ln π₀ and θ go in; ln π, π and its running sum up to a factor come out.
pub(super) struct Softmax<'a, T> {
    pub reference: &'a [f64],
    pub tilt: &'a [T],
    pub log_prob: &'a mut [f64],
    pub prob: &'a mut [f64],
    pub cumulative: &'a mut [f64],
}

impl<T: Copy + Into<f64>> WithSimd for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { reference, tilt, log_prob, prob, cumulative } = self;
        // Pieces that stay in the nearest cache from one pass to the next.
        let mut max = f64::NEG_INFINITY;
        let given = reference.chunks(PIECE).zip(tilt.chunks(PIECE));
        for (logits, (reference, tilt)) in log_prob.chunks_mut(PIECE).zip(given) {
            for ((logit, log), tilt) in logits.iter_mut().zip(reference).zip(tilt) {
                *logit = log + (*tilt).into();
            }
            max = max.max(largest(simd, logits));
        }
        let mut total = 0.0;
        let written = prob.chunks_mut(PIECE).zip(cumulative.chunks_mut(PIECE));
        for (logits, (prob, cumulative)) in log_prob.chunks(PIECE).zip(written) {
            prob.iter_mut().zip(logits).for_each(|(weight, logit)| *weight = exp(logit - max));
            total = running(prob, cumulative, total);
        }
        let (log_total, scale) = (max + total.ln(), 1.0 / total);
        log_prob.iter_mut().for_each(|logit| *logit -= log_total);
        prob.iter_mut().for_each(|weight| *weight *= scale);
    }
}

/// Writes the running sums of `weights`, from `total` on, and gives the last.
#[inline(always)]
fn running(weights: &[f64], sums: &mut [f64], mut total: f64) -> f64 {
    let (weights, weights_rest) = weights.as_chunks::<BLOCK>();
    let (sums, sums_rest) = sums.as_chunks_mut::<BLOCK>();
    for (weights, sums) in weights.iter().zip(sums) {
        let mut within = 0.0;
        for (sum, weight) in sums.iter_mut().zip(weights) {
            within += weight;
            *sum = total + within;
        }
        total += within;
    }
    for (sum, weight) in sums_rest.iter_mut().zip(weights_rest) {
        total += weight;
        *sum = total;
    }
    total
}

#[inline(always)]
fn largest<S: Simd>(simd: S, values: &[f64]) -> f64 {
    let (values, rest) = S::as_simd_f64s(values);
    let (values, last) = values.as_chunks::<LANES>();
    let mut lanes = [simd.splat_f64s(f64::NEG_INFINITY); LANES];
    for values in values {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane = simd.max_f64s(*value, *lane);
        }
    }
    let lanes = lanes.into_iter().chain(last.iter().copied());
    lanes.map(|lane| simd.reduce_max_f64s(lane)).chain(rest.iter().copied()).fold(f64::NEG_INFINITY, f64::max)
}
