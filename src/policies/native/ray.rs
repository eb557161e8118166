//! The KL along a ray: of π ∝ π₀·exp(s·θ), with its derivatives in s, from one look at every cell and nothing kept.
//!
//! With weights w = π₀·exp(s·θ), Z = Σw, and mean, variance and third central moment of θ under w/Z, KL(s) = s·E\[θ\] − ln Z,
//! dKL/ds = s·Var(θ), d²KL/ds² = Var(θ) + s·κ₃(θ).

use crate::foundation::exponential::exp;
use pulp::{Simd, WithSimd};

/// Cells that are weighed together; the order of all sums is the same on every CPU.
const LANES: usize = 8;
/// Cells whose weights are kept at a time.
const CELLS: usize = 256;

/// Policies between the reference and a policy of a table: prompts of `outcomes` cells each.
pub(crate) struct Ray<'a> {
    /// ln π₀ of every cell.
    reference: &'a [f64],
    /// θ = ln(π/π₀) of every cell, up to a constant of each prompt.
    theta: &'a [f32],
    outcomes: usize,
    /// The largest logit of each prompt at s = 1.
    largest: Vec<f64>,
}

/// The KL at a point of a ray, in nats and averaged over prompts, with its first and second derivative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bend {
    pub kl: f64,
    pub slope: f64,
    pub curvature: f64,
}

impl<'a> Ray<'a> {
    pub fn new(reference: &'a [f64], theta: &'a [f32], outcomes: usize) -> Self {
        let outcomes = outcomes.max(1);
        let prompts = reference.chunks(outcomes).zip(theta.chunks(outcomes));
        let most = |(reference, theta)| pulp::Arch::new().dispatch(Largest { reference, theta });
        Self { reference, theta, outcomes, largest: prompts.map(most).collect() }
    }

    /// At `share`, above 0. θ is rounded after it was scaled, as weights are; the derivatives are those of numbers that are not.
    pub fn at(&self, share: f64) -> Bend {
        let prompts = self.reference.chunks(self.outcomes).zip(self.theta.chunks(self.outcomes));
        let mut sum = [0.0; 3];
        for ((reference, theta), largest) in prompts.zip(&self.largest) {
            // The largest logit is convex in s, and none is above 0 at s = 0: none lies above this, and the largest one below it by
            // (1 − s)·|ln π₀| of a cell at most.
            let shift = share * largest;
            let moments = pulp::Arch::new().dispatch(Moments { reference, theta, share, shift });
            sum.iter_mut().zip(moments).for_each(|(sum, own)| *sum += own);
        }
        let [kl, slope, curvature] = sum.map(|sum| sum / self.largest.len().max(1) as f64);
        Bend { kl: if kl < 0.0 { 0.0 } else { kl }, slope, curvature }
    }
}

/// The largest logit of one prompt.
struct Largest<'a> {
    reference: &'a [f64],
    theta: &'a [f32],
}

impl WithSimd for Largest<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (blocks, rest) = self.reference.as_chunks::<LANES>();
        let (tilts, tilts_rest) = self.theta.as_chunks::<LANES>();
        let mut largest = [f64::NEG_INFINITY; LANES];
        for (reference, tilt) in blocks.iter().zip(tilts) {
            let mut logit = *reference;
            logit.iter_mut().zip(tilt).for_each(|(logit, t)| *logit += f64::from(*t));
            largest
                .iter_mut()
                .zip(&logit)
                .for_each(|(most, own)| *most = if *own > *most { *own } else { *most });
        }
        let rest = rest.iter().zip(tilts_rest).map(|(log, t)| log + f64::from(*t));
        rest.chain(largest).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// KL and derivatives of one prompt.
struct Moments<'a> {
    reference: &'a [f64],
    theta: &'a [f32],
    share: f64,
    shift: f64,
}

impl WithSimd for Moments<'_> {
    type Output = [f64; 3];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 3] {
        let Self { reference, theta, share, shift } = self;
        let mut total = [0.0; 4];
        let (mut weights, mut tilts) = ([0.0; CELLS], [0.0; CELLS]);
        for (reference, theta) in reference.chunks(CELLS).zip(theta.chunks(CELLS)) {
            let (weights, tilts) = (&mut weights[..reference.len()], &mut tilts[..reference.len()]);
            for (t, theta) in tilts.iter_mut().zip(theta) {
                *t = f64::from((f64::from(*theta) * share) as f32);
            }
            for ((w, t), log) in weights.iter_mut().zip(&*tilts).zip(reference) {
                *w = exp(*log + *t - shift);
            }
            total[0] += by_lanes(weights);
            for total in &mut total[1..] {
                weights.iter_mut().zip(&*tilts).for_each(|(w, t)| *w *= t);
                *total += by_lanes(weights);
            }
        }
        let [weight, first, second, third] = total;
        // Of t = s·θ.
        let (mean, square, cube) = (first / weight, second / weight, third / weight);
        let variance = (square - mean * mean).max(0.0);
        let skew = cube - 3.0 * mean * square + 2.0 * mean * mean * mean;
        [mean - weight.ln() - shift, variance / share, (variance + skew) / (share * share)]
    }
}

/// The sum, lane by lane first: in the same order on every CPU.
#[inline(always)]
fn by_lanes(numbers: &[f64]) -> f64 {
    let (blocks, rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(sum, own)| *sum += own);
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::Snapshot;

    #[test]
    fn it_is_the_kl_of_the_policy_and_its_derivatives_are_those_by_differences() {
        for (prompts, outcomes) in [(1, 1), (1, 8), (2, 300), (3, 77), (1, 2000)] {
            let cells = prompts * outcomes;
            let raw: Vec<f64> = (0..cells).map(|cell| (cell as f64 * 1.7).sin() * 3.0).collect();
            let mut reference: Vec<f64> = raw
                .chunks(outcomes)
                .flat_map(|row| {
                    let total: f64 = row.iter().map(|log| log.exp()).sum();
                    row.iter().map(move |log| log - total.ln()).collect::<Vec<_>>()
                })
                .collect();
            if outcomes > 8 {
                reference[3] = f64::NEG_INFINITY;
            }
            for scale in [0.01, 1.0, 30.0, 2000.0] {
                let theta: Vec<f32> =
                    (0..cells).map(|cell| ((cell as f64 * 0.618).sin() * scale) as f32).collect();
                for share in [0.3, 0.999, 1.0] {
                    let ray = Ray::new(&reference, &theta, outcomes);
                    let Bend { kl, slope, curvature } = ray.at(share);
                    let rounded: Vec<f32> = theta.iter().map(|t| (f64::from(*t) * share) as f32).collect();
                    let mut policy = Snapshot::default();
                    policy.set_from(&reference, outcomes, &rounded);
                    let want = policy.kl(&reference);
                    assert!(
                        (kl - want).abs() < 1e-12 * (1.0 + want),
                        "{outcomes} {scale} {share}: {kl} {want}"
                    );
                    let at = |share| ray.at(share);
                    if scale <= 1.0 {
                        let (above, below) = (at(share + 1e-3), at(share - 1e-3));
                        let pairs = [
                            (slope, (above.kl - below.kl) / 2e-3),
                            (curvature, (above.slope - below.slope) / 2e-3),
                        ];
                        for (own, wanted) in pairs {
                            let tolerance = 1e-3 * wanted.abs() + 2e-5;
                            assert!(
                                (own - wanted).abs() < tolerance,
                                "{outcomes} {scale} {share}: {own} {wanted}"
                            );
                        }
                    }
                }
            }
        }
    }
}
