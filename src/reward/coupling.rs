//! Error and utility joined by a Gaussian copula.

use crate::distributions::{Distribution, Normal};
use crate::foundation::order::ranks;
use crate::record::Outcomes;

/// Sets the errors so that Φ⁻¹(F(X)) and Φ⁻¹(F(V)) are jointly normal with this correlation.
///
/// The margin of V is its own: the normal score of an outcome is Φ⁻¹((rank − ½)/K) among its prompt's utilities, so
/// that a law of any shape, and baselines, can be coupled. `uniform(cell)` gives the cell's own uniform number.
pub(super) fn couple(
    law: &dyn Distribution,
    correlation: f64,
    table: &mut Outcomes,
    uniform: impl Fn(usize) -> f64,
) {
    let standard = Normal::default();
    let independent = (1.0 - correlation * correlation).sqrt();
    let width = table.outcomes.max(1);
    for start in (0..table.len()).step_by(width) {
        let scores = ranks(&table.utility[start..start + width]);
        for (offset, rank) in scores.iter().enumerate() {
            let cell = start + offset;
            let own = standard.quantile(uniform(cell));
            let score = correlation * standard.quantile((rank - 0.5) / width as f64) + independent * own;
            table.error[cell] = at_score(law, score);
        }
    }
}

/// The quantile of `law` at Φ(score).
pub(super) fn at_score(law: &dyn Distribution, score: f64) -> f64 {
    let standard = Normal::default();
    // The nearer tail keeps the digits.
    if score > 0.0 { law.upper_quantile(standard.sf(score)) } else { law.quantile(standard.cdf(score)) }
}
