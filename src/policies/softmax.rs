//! The softmax of one prompt, vectorised.

use crate::foundation::exponential::exp;
use pulp::{Simd, WithSimd};

/// Cells whose running sums are formed apart from those before them, so that additions do not wait for each other.
const BLOCK: usize = 8;
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
        for ((logit, log), tilt) in log_prob.iter_mut().zip(reference).zip(tilt) {
            *logit = log + (*tilt).into();
        }
        let max = largest(simd, log_prob);
        prob.iter_mut().zip(&*log_prob).for_each(|(weight, logit)| *weight = exp(logit - max));
        let (weights, weights_rest) = prob.as_chunks::<BLOCK>();
        let (sums, sums_rest) = cumulative.as_chunks_mut::<BLOCK>();
        let mut total = 0.0;
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
        let (log_total, scale) = (max + total.ln(), 1.0 / total);
        log_prob.iter_mut().for_each(|logit| *logit -= log_total);
        prob.iter_mut().for_each(|weight| *weight *= scale);
    }
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
