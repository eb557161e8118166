//! The inner loop of the tilt: one exponential a cell and β, sums in plain lanes, blocks added with compensation.
//!
//! A table is walked once, in blocks that stay in the first-level cache, with all β inside. Each β carries the largest
//! exponent so far (streaming log-sum-exp), so that an uneven reference neither overflows nor flushes what counts:
//! when a block holds a larger one, the sums so far are scaled down to it.

use crate::foundation::exponential::exp;
use crate::foundation::numeric::CompensatedSum;
use pulp::{Simd, WithSimd};

/// Independent registers in which the largest exponent is looked for.
const LANES: usize = 4;
/// Cells of a block: with its weights, five columns of 4 KiB.
const BLOCK: usize = 512;
/// e⁻⁷⁰⁸ is about the smallest normal number; [`exp`] gives 0 below it.
const FLUSHED: f64 = -708.0;

/// Columns of one prompt, or of a block of it; `depth` is U − max U ≤ 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    pub log: &'a [f64],
    pub depth: &'a [f64],
    pub utility: &'a [f64],
    pub error: &'a [f64],
}

/// Sums of w, w·d, w·V, w·X and w² over cells, where w = π₀·exp(d/β − peak).
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    inverse: f64,
    peak: f64,
    sums: [CompensatedSum; 5],
}

/// Moments of one prompt's tilt, still without 1/β.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prompt {
    /// The largest ln π₀ + d/β.
    pub peak: f64,
    /// Σ π₀·exp(d/β − peak): at least 1.
    pub total: f64,
    /// E\[d\].
    pub depth: f64,
    /// E\[V\].
    pub utility: f64,
    /// E\[X\].
    pub error: f64,
    /// Σ π².
    pub squares: f64,
}

impl Sums {
    /// Nothing summed yet, at 1/β = `inverse`.
    pub fn new(inverse: f64) -> Self {
        Self { inverse, peak: f64::NEG_INFINITY, sums: [CompensatedSum::default(); 5] }
    }

    /// What was summed, of one prompt; leaves nothing behind.
    pub fn take(&mut self) -> Prompt {
        let [total, depth, utility, error, squares] = self.sums.map(CompensatedSum::value);
        let prompt = Prompt {
            peak: self.peak,
            total,
            depth: depth / total,
            utility: utility / total,
            error: error / total,
            squares: squares / (total * total),
        };
        *self = Self::new(self.inverse);
        prompt
    }

    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, block: Columns<'_>, weights: &mut [f64]) {
        let largest = exponents(simd, block, self.inverse, weights);
        if largest > self.peak {
            let factor = exp(self.peak - largest);
            self.sums.iter_mut().for_each(|sum| sum.scale(factor));
            self.sums[4].scale(factor);
            self.peak = largest;
        } else if largest - self.peak < FLUSHED || largest == f64::NEG_INFINITY {
            return;
        }
        let peak = self.peak;
        weights.iter_mut().for_each(|weight| *weight = exp(*weight - peak));
        let block = weighted(simd, block, weights);
        self.sums.iter_mut().zip(block).for_each(|(sum, block)| sum.add(block));
    }
}

/// Adds the cells of one prompt to the sums at every β.
pub(super) fn walk(prompt: Columns<'_>, sums: &mut [Sums]) {
    pulp::Arch::new().dispatch(Walk { prompt, sums });
}

struct Walk<'a, 'b> {
    prompt: Columns<'a>,
    sums: &'b mut [Sums],
}

impl WithSimd for Walk<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Columns { log, depth, utility, error } = self.prompt;
        let mut weights = [0.0; BLOCK];
        let columns = log.chunks(BLOCK).zip(depth.chunks(BLOCK));
        for ((log, depth), (utility, error)) in columns.zip(utility.chunks(BLOCK).zip(error.chunks(BLOCK))) {
            let block = Columns { log, depth, utility, error };
            for sums in self.sums.iter_mut() {
                sums.add(simd, block, &mut weights[..log.len()]);
            }
        }
    }
}

/// Writes ln π₀ + d/β and gives the largest.
#[inline(always)]
fn exponents<S: Simd>(simd: S, block: Columns<'_>, inverse: f64, out: &mut [f64]) -> f64 {
    let (outs, out_rest) = S::as_mut_simd_f64s(out);
    let (logs, log_rest) = S::as_simd_f64s(block.log);
    let (depths, depth_rest) = S::as_simd_f64s(block.depth);
    let factor = simd.splat_f64s(inverse);
    let mut largest = [simd.splat_f64s(f64::NEG_INFINITY); LANES];
    let (outs, outs_rest) = outs.as_chunks_mut::<LANES>();
    let (logs, logs_rest) = logs.as_chunks::<LANES>();
    let (depths, depths_rest) = depths.as_chunks::<LANES>();
    for ((out, log), depth) in outs.iter_mut().zip(logs).zip(depths) {
        for lane in 0..LANES {
            out[lane] = simd.mul_add_e_f64s(depth[lane], factor, log[lane]);
            largest[lane] = simd.max_f64s(out[lane], largest[lane]);
        }
    }
    for ((out, log), depth) in outs_rest.iter_mut().zip(logs_rest).zip(depths_rest) {
        *out = simd.mul_add_e_f64s(*depth, factor, *log);
        largest[0] = simd.max_f64s(*out, largest[0]);
    }
    let largest = largest.into_iter().fold(f64::NEG_INFINITY, |m, lane| m.max(simd.reduce_max_f64s(lane)));
    out_rest.iter_mut().zip(log_rest).zip(depth_rest).fold(largest, |largest, ((out, log), depth)| {
        *out = depth * inverse + log;
        largest.max(*out)
    })
}

/// Σw, Σw·d, Σw·V, Σw·X and Σw² of a block.
#[inline(always)]
fn weighted<S: Simd>(simd: S, block: Columns<'_>, weights: &[f64]) -> [f64; 5] {
    let (w, w_rest) = S::as_simd_f64s(weights);
    let (d, d_rest) = S::as_simd_f64s(block.depth);
    let (v, v_rest) = S::as_simd_f64s(block.utility);
    let (x, x_rest) = S::as_simd_f64s(block.error);
    let term = |sums: [S::f64s; 5], w: S::f64s, d: S::f64s, v: S::f64s, x: S::f64s| {
        [
            simd.add_f64s(sums[0], w),
            simd.mul_add_e_f64s(w, d, sums[1]),
            simd.mul_add_e_f64s(w, v, sums[2]),
            simd.mul_add_e_f64s(w, x, sums[3]),
            simd.mul_add_e_f64s(w, w, sums[4]),
        ]
    };
    let mut even = [simd.splat_f64s(0.0); 5];
    let mut odd = even;
    let (ws, w_last) = w.as_chunks::<2>();
    let (ds, d_last) = d.as_chunks::<2>();
    let (vs, v_last) = v.as_chunks::<2>();
    let (xs, x_last) = x.as_chunks::<2>();
    for ((w, d), (v, x)) in ws.iter().zip(ds).zip(vs.iter().zip(xs)) {
        even = term(even, w[0], d[0], v[0], x[0]);
        odd = term(odd, w[1], d[1], v[1], x[1]);
    }
    for ((w, d), (v, x)) in w_last.iter().zip(d_last).zip(v_last.iter().zip(x_last)) {
        even = term(even, *w, *d, *v, *x);
    }
    let mut sums = [0.0; 5];
    for (sum, (even, odd)) in sums.iter_mut().zip(even.into_iter().zip(odd)) {
        *sum = simd.reduce_sum_f64s(simd.add_f64s(even, odd));
    }
    for ((w, d), (v, x)) in w_rest.iter().zip(d_rest).zip(v_rest.iter().zip(x_rest)) {
        let terms = [*w, w * d, w * v, w * x, w * w];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums_of(log: &[f64], depth: &[f64], inverse: f64) -> Prompt {
        let column: Vec<f64> = depth.iter().map(|d| 1.0 + d).collect();
        let mut sums = [Sums::new(inverse)];
        walk(Columns { log, depth, utility: &column, error: depth }, &mut sums);
        sums[0].take()
    }

    // Peaks that rise from block to block, fall by more than can be told, and are −∞ throughout a block.
    #[test]
    fn an_uneven_reference_is_summed_like_in_one_go() {
        let cells = 5 * BLOCK + 7;
        for pattern in [
            |block: usize| block as f64 * 300.0 - 2000.0,
            |block: usize| -(block as f64) * 300.0,
            |block: usize| if block == 2 { f64::NEG_INFINITY } else { -5.0 },
            |block: usize| if block < 2 { f64::NEG_INFINITY } else { 3.0 },
        ] {
            let log: Vec<f64> = (0..cells).map(|i| pattern(i / BLOCK) - (i % 10) as f64 * 0.3).collect();
            let depth: Vec<f64> = (0..cells).map(|i| -((i * 7919 % cells) as f64) / 500.0).collect();
            let found = sums_of(&log, &depth, 0.7);
            let exponents: Vec<f64> = log.iter().zip(&depth).map(|(l, d)| l + 0.7 * d).collect();
            let peak = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = exponents.iter().map(|x| (x - peak).exp()).collect();
            let total: f64 = weights.iter().sum();
            let mean = |f: &dyn Fn(f64) -> f64| {
                weights.iter().zip(&depth).map(|(w, d)| w * f(*d)).sum::<f64>() / total
            };
            assert_eq!(found.peak, peak);
            let squares = weights.iter().map(|w| (w / total).powi(2)).sum::<f64>();
            for (found, want) in [
                (found.total, total),
                (found.depth, mean(&|d| d)),
                (found.utility, mean(&|d| 1.0 + d)),
                (found.error, mean(&|d| d)),
                (found.squares, squares),
            ] {
                assert!((found - want).abs() < 1e-12 * want.abs().max(1.0), "{found} against {want}");
            }
        }
    }

    #[test]
    fn what_is_taken_is_gone() {
        let mut sums = [Sums::new(1.0)];
        for _ in 0..2 {
            walk(Columns { log: &[0.0], depth: &[0.0], utility: &[3.0], error: &[4.0] }, &mut sums);
            let prompt = sums[0].take();
            assert_eq!((prompt.total, prompt.utility, prompt.error), (1.0, 3.0, 4.0));
        }
    }
}
