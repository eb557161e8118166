//! Best-of-n and the quantilizer on a table of K independent outcomes with a uniform reference.
//!
//! Among n draws with replacement from K outcomes there are K·(1 − (1 − 1/K)^n) different ones in the mean; the table's
//! own randomness makes the best of them that of so many independent pairs. The KL is that of the ranks, whatever the laws.

use super::Answer;
use super::world::World;
use crate::distributions::Distribution;
use crate::foundation::root::crossing;
use crate::record::Outcomes;
use crate::record::metric::{KL, Metric, UTILITY};
use crate::theory::TheoryError;
use crate::theory::best_of_n::best_of_n;
use crate::theory::conditioning::conditioning;
use crate::theory::table;
use crate::trainers::TrainerSpec;

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let (utility, error) = world.independent()?;
    match (&world.document.trainer, metric.name, metric.of) {
        (TrainerSpec::BestOfN(part), UTILITY, None) => {
            let draws = distinct(world.outcomes, f64::from(part.n.get()));
            let best = best_of_n(utility, error, draws);
            Some(best.and_then(|b| b.utility.ok_or_else(|| TheoryError::argument("n", draws, NO_MEAN))))
        }
        (TrainerSpec::BestOfN(part), KL, None) => {
            let n = f64::from(part.n.get());
            Some(kl_of_ranks(world.outcomes, |ranks| table::best_of_n(ranks, n)))
        }
        (TrainerSpec::Quantilizer(part), UTILITY, None) => {
            let threshold = threshold_of(utility, error, part.mass.get());
            Some(threshold.and_then(|t| conditioning(utility, error, t)).map(|above| above.utility))
        }
        (TrainerSpec::Quantilizer(part), KL, None) => {
            Some(kl_of_ranks(world.outcomes, |ranks| table::quantilizer(ranks, part.mass.get())))
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

/// KL of a policy that looks at ranks only, on K outcomes without ties.
fn kl_of_ranks(
    outcomes: f64,
    policy: impl Fn(&Outcomes) -> Result<table::Reweighting, TheoryError>,
) -> Result<f64, TheoryError> {
    let count = outcomes as usize;
    let ranks = Outcomes {
        prompts: 1,
        outcomes: count,
        ref_log_prob: vec![-outcomes.ln(); count],
        utility: (0..count).map(|rank| rank as f64).collect(),
        error: vec![0.0; count],
        class: vec![0; count],
        hack: vec![false; count],
    };
    Ok(policy(&ranks)?.moments(&ranks)?.kl)
}
