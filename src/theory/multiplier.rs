//! The Lagrange multiplier that spends a budget: what is measured falls in it, over many orders of magnitude.

use crate::foundation::root::root;

/// A KL below this is lost in the rounding of its sum.
pub(super) const SMALLEST_BUDGET: f64 = 1e-12;

/// The multiplier at which `excess`, a falling function of its logarithm, is 0.
///
/// `spread` is the largest difference between two rewards; below `smallest` a multiplier would overflow. From 10⁶ times
/// the spread on, every KL is below [`SMALLEST_BUDGET`], because KL ≤ spread²/(8λ²) (Hoeffding's lemma).
pub(super) fn multiplier(spread: f64, smallest: f64, excess: impl Fn(f64) -> f64) -> f64 {
    let (scale, floor) = (spread.ln(), smallest.ln());
    let high = (scale + 6.0 * std::f64::consts::LN_10).max(floor);
    // Where rewards do not nearly tie, this is small enough; where they do, it goes on.
    let mut low = (scale - 6.0).max(floor);
    let mut at_low = excess(low);
    while at_low < 0.0 && low > floor {
        low = (low - 20.0).max(floor);
        at_low = excess(low);
    }
    root(&excess, (low, at_low), (high, excess(high)), 1e-14).exp()
}

/// ln(KL/budget), also where KL is lost in rounding.
pub(super) fn overspent(kl: f64, budget: f64) -> f64 {
    (kl.max(1e-3 * SMALLEST_BUDGET) / budget).ln()
}
