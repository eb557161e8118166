//! Best-of-n and the quantilizer on a table of K independent outcomes with a uniform reference.
//!
//! Among n draws with replacement from K outcomes there are K·(1 − (1 − 1/K)^n) different ones in the mean; the table's
//! own randomness makes the best of them that of so many independent pairs. The KL is that of the ranks, whatever the laws.

use super::world::{Answer, World};
use crate::distributions::Distribution;
use crate::foundation::numeric::sum;
use crate::foundation::root::crossing;
use crate::record::metric::{KL, Metric, UTILITY};
use crate::theory::TheoryError;
use crate::theory::best_of_n::best_of_n;
use crate::theory::conditioning::conditioning;
use crate::trainers::TrainerSpec;

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
*Best of n.* Among n draws from a table of K outcomes m = K·(1 − (1 − 1/K)ⁿ) are different in the mean. With F and f of U = V + X,\n\n\
- E[V] = ∫ m·F(u)^(m − 1)·f(u)·E[V | U = u] du\n\
- KL = Σ p_j·ln(K·p_j) over the ranks j = 1 … K, with p_j = (j/K)ⁿ − ((j − 1)/K)ⁿ\n\n\
*Quantilizer* of mass q, t the value that U exceeds with probability q:\n\n\
- E[V] = E[V | U ≥ t]\n\
- KL = −ln q where K·q is whole; else, with w = ⌊Kq⌋ and r = 1 − w/(Kq) on the outcome at the edge, KL = −(1 − r)·ln q + r·ln(K·r)";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let (utility, error) = world.independent()?;
    match (&world.document.trainer, metric.name, metric.of) {
        (TrainerSpec::BestOfN(part), UTILITY, None) => {
            let draws = distinct(world.outcomes, f64::from(part.n.get()));
            let best = best_of_n(utility, error, draws);
            Some(best.and_then(|b| b.utility.ok_or_else(|| TheoryError::argument("n", draws, NO_MEAN))))
        }
        (TrainerSpec::BestOfN(part), KL, None) => {
            Some(Ok(best_of_n_kl(world.outcomes, f64::from(part.n.get()))))
        }
        (TrainerSpec::Quantilizer(part), UTILITY, None) => {
            let threshold = threshold_of(utility, error, part.mass.get());
            Some(threshold.and_then(|t| conditioning(utility, error, t)).map(|above| above.utility))
        }
        (TrainerSpec::Quantilizer(part), KL, None) => {
            Some(Ok(quantilizer_kl(world.outcomes, part.mass.get())))
        }
        _ => None,
    }
}

const NO_MEAN: &str = "a utility with a mean";

/// The proxy above which a share `mass` of the reference lies.
fn threshold_of(utility: &dyn Distribution, error: &dyn Distribution, mass: f64) -> Result<f64, TheoryError> {
    let half = 0.5 * (1.0 - mass);
    // P(V > a or X > b) ≤ mass above the upper end, P(V < a or X < b) ≤ 1 − mass below the lower one.
    let high = utility.upper_quantile(0.5 * mass) + error.upper_quantile(0.5 * mass);
    let low = utility.quantile(half) + error.quantile(half);
    let excess = |t: f64| conditioning(utility, error, t).map_or(f64::NAN, |above| above.probability - mass);
    crossing(low, high, excess)
        .ok_or_else(|| TheoryError::argument("mass", mass, "a share for which the proxy has a quantile"))
}

/// Mean number of different outcomes among n draws from K.
fn distinct(outcomes: f64, draws: f64) -> f64 {
    -outcomes * (draws * (-1.0 / outcomes).ln_1p()).exp_m1()
}

/// KL of the best of n on K outcomes without ties: Σ p·ln(K·p) over the ranks, p = (j/K)ⁿ − ((j − 1)/K)ⁿ.
fn best_of_n_kl(outcomes: f64, n: f64) -> f64 {
    let up_to = |rank: u64| (n * (rank as f64 / outcomes).ln()).exp();
    let term = |rank: u64| {
        let p = up_to(rank) - up_to(rank - 1);
        if p > 0.0 { p * (outcomes * p).ln() } else { 0.0 }
    };
    sum((1..=outcomes as u64).map(term))
}

/// KL of the quantilizer on K outcomes without ties: whole outcomes at 1/(K·mass), and the rest on one that is split.
fn quantilizer_kl(outcomes: f64, mass: f64) -> f64 {
    let whole = (outcomes * mass).floor();
    let rest = (1.0 - whole / (outcomes * mass)).max(0.0);
    let split = if rest > 0.0 { rest * (outcomes * rest).ln() } else { 0.0 };
    (1.0 - rest) * -mass.ln() + split
}
