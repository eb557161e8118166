//! The gated recurrent unit's cell, forward and backward, one pass over the numbers of all rows.
//!
//! With r, z and n in PyTorch's order and conventions (Cho et al. 2014, with the reset gate behind the product):
//! r = σ(xᵣ + hᵣ), z = σ(x_z + h_z), n = tanh(xₙ + r·(hₙ + b)), h′ = n + z·(h − n).

use crate::foundation::activation::{sigmoid, tanh};

/// Which rows of the looked-up table a step adds, and the bias b of the new gate's recurrent part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    /// Row of `table` that each row of the batch is shown.
    pub symbols: &'a [u32],
    /// Input parts of the gates, shape \[symbols, 3·hidden\].
    pub table: &'a [f32],
    /// Shape \[hidden\].
    pub bias: &'a [f32],
}

/// One step forward. `gates` holds h·W on entry and r, z, n after, shape \[rows, 3·hidden\]; `inner` gets hₙ + b, and `next`
/// the new state, both of shape \[rows, hidden\].
pub(super) fn forward(
    input: Input<'_>,
    state: &[f32],
    gates: &mut [f32],
    inner: &mut [f32],
    next: &mut [f32],
) {
    let hidden = input.bias.len();
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let rows = gates.chunks_exact_mut(3 * hidden).zip(state.chunks_exact(hidden));
            let out = inner.chunks_exact_mut(hidden).zip(next.chunks_exact_mut(hidden));
            for (((gates, state), (inner, next)), &symbol) in rows.zip(out).zip(input.symbols) {
                let x = &input.table[symbol as usize * 3 * hidden..][..3 * hidden];
                let (xr, xz, xn) = (&x[..hidden], &x[hidden..2 * hidden], &x[2 * hidden..]);
                let (r, rest) = gates.split_at_mut(hidden);
                let (z, n) = rest.split_at_mut(hidden);
                let n = &mut n[..hidden];
                for j in 0..hidden {
                    r[j] = sigmoid(xr[j] + r[j]);
                    z[j] = sigmoid(xz[j] + z[j]);
                    inner[j] = n[j] + input.bias[j];
                    n[j] = tanh(xn[j] + r[j] * inner[j]);
                    next[j] = n[j] + z[j] * (state[j] - n[j]);
                }
            }
        },
    );
}

/// What a step kept, and the derivatives of the loss that come with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a> {
    /// r, z, n, shape \[rows, 3·hidden\].
    pub gates: &'a [f32],
    /// hₙ + b, shape \[rows, hidden\].
    pub inner: &'a [f32],
    /// The state before, shape \[rows, hidden\].
    pub state: &'a [f32],
}

/// One step back. `d_state` holds the derivatives in the new state on entry, and the part of those in the old one that does not
/// pass through the gates after; `d_gates` gets those in h·W, and `d_new` those in xₙ (xᵣ and x_z have those of hᵣ and h_z).
pub(super) fn backward(
    kept: Kept<'_>,
    d_state: &mut [f32],
    d_gates: &mut [f32],
    d_new: &mut [f32],
    hidden: usize,
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            let kept = kept
                .gates
                .chunks_exact(3 * hidden)
                .zip(kept.inner.chunks_exact(hidden))
                .zip(kept.state.chunks_exact(hidden));
            let out = d_state
                .chunks_exact_mut(hidden)
                .zip(d_gates.chunks_exact_mut(3 * hidden))
                .zip(d_new.chunks_exact_mut(hidden));
            for (((gates, inner), state), ((d_state, d_gates), d_new)) in kept.zip(out) {
                let (r, z, n) =
                    (&gates[..hidden], &gates[hidden..2 * hidden], &gates[2 * hidden..3 * hidden]);
                let (dr, rest) = d_gates.split_at_mut(hidden);
                let (dz, dn) = rest.split_at_mut(hidden);
                let dn = &mut dn[..hidden];
                for j in 0..hidden {
                    let d = d_state[j];
                    let new = d * (1.0 - z[j]) * (1.0 - n[j] * n[j]);
                    d_new[j] = new;
                    dn[j] = new * r[j];
                    dr[j] = new * inner[j] * r[j] * (1.0 - r[j]);
                    dz[j] = d * (state[j] - n[j]) * z[j] * (1.0 - z[j]);
                    d_state[j] = d * z[j];
                }
            }
        },
    );
}
