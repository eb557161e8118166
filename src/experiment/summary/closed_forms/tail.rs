//! The reference given a high proxy, and the reference with its tail raised: T5, T6 and T1 on the law of U = V + X.

use super::world::{Answer, World};
use crate::record::metric::{KL, Metric, PROXY, UTILITY};
use crate::theory::TheoryError;
use crate::theory::binary::binary_kl;
use crate::theory::conditioning::conditioning;
use crate::trainers::TrainerSpec;

/// Outcomes of a table that must be expected above the threshold: with fewer, ln of their share is biased by 1/(2·number),
/// and a table may have none.
const FEWEST: f64 = 30.0;

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
P = P₀(U ≥ t) = ∫ f_V(v)·P(X ≥ t − v) dv for a threshold t, and E[V | U ≥ t] = ∫ v·f_V(v)·P(X ≥ t − v) dv/P.\n\n\
*Conditioning*:\n\n\
- KL = −ln P\n\
- E[V] = E[V | U ≥ t]\n\n\
*Construction*, which raises that mass to p = t^(−a) and keeps the law on either side:\n\n\
- KL = p·ln(p/P) + (1 − p)·ln((1 − p)/(1 − P))\n\
- E[V] = p·E[V | U ≥ t] + (1 − p)·(E₀[V] − P·E[V | U ≥ t])/(1 − P)\n\n\
E[X] is the same with V and X exchanged, and E[U] = E[V] + E[X]. It answers where at least 30 of the outcomes are expected to reach t.";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    if metric.of.is_some() {
        return None;
    }
    let (threshold, exponent) = match &world.document.trainer {
        TrainerSpec::Conditioning(part) => (part.threshold.get(), None),
        TrainerSpec::Construction(part) => (part.threshold.get(), Some(part.exponent.get())),
        _ => return None,
    };
    let (utility, error) = world.independent()?;
    let above = match conditioning(utility, error, threshold) {
        Ok(above) => above,
        Err(e) => return Some(Err(e)),
    };
    let before = above.probability;
    if world.outcomes * before < FEWEST {
        let range =
            format!("one that at least {FEWEST} of the {} outcomes are expected to reach", world.outcomes);
        return Some(Err(TheoryError::argument("threshold", threshold, range)));
    }
    let after = exponent.map(|exponent| threshold.powf(-exponent));
    // E of the raised mixture: what lies above keeps its law, what lies below too.
    let mixed = |given: f64, mean: f64| match after {
        None => given,
        Some(after) => after * given + (1.0 - after) * (mean - before * given) / (1.0 - before),
    };
    let utility_after = || Some(mixed(above.utility, utility.mean()?));
    let error_after = || -> Option<Result<f64, TheoryError>> {
        let mean = error.mean()?;
        Some(conditioning(error, utility, threshold).map(|swapped| mixed(swapped.utility, mean)))
    };
    match metric.name {
        KL => Some(match after {
            None => Ok(-above.ln_probability),
            Some(after) => binary_kl(after, before),
        }),
        UTILITY => utility_after().map(Ok),
        "error" => error_after(),
        PROXY => Some(error_after()?.and_then(|e| {
            utility_after()
                .map(|v| v + e)
                .ok_or_else(|| TheoryError::argument("threshold", threshold, "a law of V with a mean"))
        })),
        _ => None,
    }
}
