//! What a transformer does with a row at one position: normalisation, attention over a cache, and the gate of its feed-forward
//! layer.

use crate::foundation::activation::{exp, sigmoid};
use crate::policies::burn::transformer::{CURVE, EPSILON, SLOPE};

/// Layer normalisation (Ba, Kiros & Hinton 2016) of every row.
pub(super) fn normalise(x: &[f32], gain: &[f32], bias: &[f32], out: &mut [f32]) {
    let width = gain.len();
    let share = 1.0 / width as f32;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
                let mean = x.iter().sum::<f32>() * share;
                let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() * share;
                let scale = 1.0 / (variance + EPSILON).sqrt();
                for j in 0..width {
                    out[j] = (x[j] - mean) * scale * gain[j] + bias[j];
                }
            }
        },
    );
}

/// x ← GELU(x).
pub(super) fn gelu(x: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            x.iter_mut().for_each(|x| *x *= sigmoid(*x * (SLOPE + CURVE * *x * *x)));
        },
    );
}

/// Keys and values of a layer at all positions so far. Keys have shape \[rows, heads, depth, horizon\] and values
/// \[rows, heads, horizon, depth\], so that both sums of the attention run along memory.
#[derive(Debug, Default)]
pub(super) struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

/// Sizes of a layer's attention.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub heads: usize,
    pub depth: usize,
    pub horizon: usize,
}

impl Sizes {
    /// Numbers in a row's queries.
    pub fn inner(self) -> usize {
        self.heads * self.depth
    }
}

impl Cache {
    /// Empty, for so many rows.
    pub fn begin(&mut self, rows: usize, sizes: Sizes) {
        let length = rows * sizes.inner() * sizes.horizon;
        for buffer in [&mut self.keys, &mut self.values] {
            buffer.clear();
            buffer.resize(length, 0.0);
        }
        self.scores.resize(sizes.horizon, 0.0);
    }

    /// Replaces the rows by copies of rows `parents`.
    pub fn branch(&mut self, parents: &[u32], sizes: Sizes) {
        let block = sizes.inner() * sizes.horizon;
        for buffer in [&mut self.keys, &mut self.values] {
            let old = buffer.len();
            for &parent in parents {
                let start = parent as usize * block;
                buffer.extend_from_within(start..start + block);
            }
            buffer.drain(..old);
        }
    }

    /// Adds the keys and values of `position` and attends to all positions up to it. `triple` holds query, key and value of
    /// each row, shape \[rows, 3, heads, depth\]; `out` has shape \[rows, heads, depth\].
    pub fn attend(&mut self, triple: &[f32], position: usize, sizes: Sizes, out: &mut [f32]) {
        let Sizes { heads, depth, horizon } = sizes;
        let (inner, block) = (sizes.inner(), depth * horizon);
        let scale = 1.0 / (depth as f32).sqrt();
        let scores = &mut self.scores[..=position];
        let (keys, values) = (&mut self.keys, &mut self.values);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (row, (triple, out)) in
                    triple.chunks_exact(3 * inner).zip(out.chunks_exact_mut(inner)).enumerate()
                {
                    for head in 0..heads {
                        let part = |which: usize| &triple[which * inner + head * depth..][..depth];
                        let start = (row * heads + head) * block;
                        let keys = &mut keys[start..start + block];
                        let values = &mut values[start..start + block];
                        values[position * depth..][..depth].copy_from_slice(part(2));
                        scores.fill(0.0);
                        for (d, (query, key)) in part(0).iter().zip(part(1)).enumerate() {
                            let keys = &mut keys[d * horizon..][..=position];
                            keys[position] = *key;
                            scores.iter_mut().zip(keys).for_each(|(score, key)| *score += query * *key);
                        }
                        let largest = scores.iter().fold(f32::NEG_INFINITY, |m, score| m.max(*score));
                        scores.iter_mut().for_each(|score| *score = exp((*score - largest) * scale));
                        let total: f32 = scores.iter().sum();
                        let out = &mut out[head * depth..][..depth];
                        out.fill(0.0);
                        for (weight, value) in scores.iter().zip(values.chunks_exact(depth)) {
                            out.iter_mut().zip(value).for_each(|(out, value)| *out += weight * value);
                        }
                        out.iter_mut().for_each(|out| *out /= total);
                    }
                }
            },
        );
    }
}
