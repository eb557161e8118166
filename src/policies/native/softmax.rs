//! The softmax of one prompt, vectorised, and done again only where a logit has changed.
//!
//! Weights are exp(logit − shift). The shift is the largest logit rounded to a multiple of 64, so that it is seldom another
//! than a step before, and the weight of a logit that is the same to the last bit is kept. What is kept is what would come
//! out anew: the result is a function of the logits alone, whatever there was before.

use crate::foundation::exponential::exp;
use pulp::{Simd, WithSimd};

/// Cells that are compared, weighed and summed together.
pub(in crate::policies) const BLOCK: usize = 8;
/// Far enough apart to be seldom crossed, near enough that no weight overflows and none above e⁻⁶⁷⁶ of the largest is lost.
const GRID: f64 = 64.0;

/// What turns the weights of a prompt into probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::policies) struct Scale {
    /// A weight is exp(logit − shift).
    pub shift: f64,
    /// ln π is the logit less this.
    pub log_total: f64,
    /// π is the weight times this.
    pub factor: f64,
}

impl Scale {
    /// Of a policy that has not been computed yet.
    pub const NONE: Self = Self { shift: 0.0, log_total: f64::NAN, factor: f64::NAN };
}

/// π ∝ π₀·exp(θ) of one prompt: ln π₀ and θ go in, the rest is brought up to date from what it was.
pub(in crate::policies) struct Softmax<'a, T> {
    pub reference: &'a [f64],
    pub tilt: &'a [T],
    /// ln π₀ + θ; the last block is filled up with −∞.
    pub logits: &'a mut [[f64; BLOCK]],
    pub weights: &'a mut [[f64; BLOCK]],
    /// The running sum of the weights, from the start of each block.
    pub within: &'a mut [[f64; BLOCK]],
    /// Each block's sum of weights.
    pub sums: &'a mut [f64],
    /// The same with all blocks before it.
    pub running: &'a mut [f64],
    pub scale: Scale,
}

impl<T: Copy + Default + Into<f64>> WithSimd for Softmax<'_, T> {
    type Output = Scale;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Scale {
        let Self { reference, tilt, logits, weights, within, sums, running, scale } = self;
        let (reference, reference_rest) = reference.as_chunks::<BLOCK>();
        let (tilt, tilt_rest) = tilt.as_chunks::<BLOCK>();
        let mut largest = [f64::NEG_INFINITY; BLOCK];
        let mut blocks =
            logits.iter_mut().zip(weights.iter_mut()).zip(within.iter_mut().zip(sums.iter_mut()));
        for ((reference, tilt), ((logits, weights), (within, sum))) in
            reference.iter().zip(tilt).zip(blocks.by_ref())
        {
            if renew(reference, tilt, logits, &mut largest) {
                *sum = weigh(logits, weights, within, scale.shift);
            }
        }
        if let Some(((logits, weights), (within, sum))) = blocks.next() {
            let (mut reference, mut tilt) = ([f64::NEG_INFINITY; BLOCK], [T::default(); BLOCK]);
            reference.iter_mut().zip(reference_rest).for_each(|(to, from)| *to = *from);
            tilt.iter_mut().zip(tilt_rest).for_each(|(to, from)| *to = *from);
            if renew(&reference, &tilt, logits, &mut largest) {
                *sum = weigh(logits, weights, within, scale.shift);
            }
        }
        let largest = largest.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let shift = (largest / GRID).round() * GRID;
        if shift != scale.shift {
            let blocks = logits.iter().zip(weights).zip(within.iter_mut().zip(sums.iter_mut()));
            for ((logits, weights), (within, sum)) in blocks {
                *sum = weigh(logits, weights, within, shift);
            }
        }
        let mut total = 0.0;
        for (running, sum) in running.iter_mut().zip(sums) {
            total += *sum;
            *running = total;
        }
        Scale { shift, log_total: shift + total.ln(), factor: 1.0 / total }
    }
}

/// Writes the logits of a block, looks for the largest, and says whether one has changed.
#[inline(always)]
fn renew<T: Copy + Into<f64>>(
    reference: &[f64; BLOCK],
    tilt: &[T; BLOCK],
    logits: &mut [f64; BLOCK],
    largest: &mut [f64; BLOCK],
) -> bool {
    let mut fresh = *reference;
    fresh.iter_mut().zip(tilt).for_each(|(logit, tilt)| *logit += (*tilt).into());
    for (largest, logit) in largest.iter_mut().zip(&fresh) {
        *largest = if *logit > *largest { *logit } else { *largest };
    }
    let pairs = fresh.iter().zip(&*logits);
    let changed = pairs.fold(0, |changed, (new, old)| changed | (new.to_bits() ^ old.to_bits()));
    *logits = fresh;
    changed != 0
}

/// Writes the weights of a block and their running sum, and gives their sum.
#[inline(always)]
fn weigh(logits: &[f64; BLOCK], weights: &mut [f64; BLOCK], within: &mut [f64; BLOCK], shift: f64) -> f64 {
    // A copy that nothing else refers to is vectorised.
    let mut fresh = *logits;
    fresh.iter_mut().for_each(|weight| *weight = exp(*weight - shift));
    *weights = fresh;
    let mut sum = 0.0;
    for (within, weight) in within.iter_mut().zip(&fresh) {
        sum += weight;
        *within = sum;
    }
    sum
}
