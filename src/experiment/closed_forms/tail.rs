//! The reference given a high proxy, and the reference with its tail raised: T5, T6 and T1 on the law of U = V + X.

use super::Answer;
use super::world::World;
use crate::record::metric::{KL, Metric, PROXY, UTILITY};
use crate::theory::TheoryError;
use crate::theory::binary::binary_kl;
use crate::theory::conditioning::conditioning;
use crate::trainers::TrainerSpec;

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
    let after = exponent.map_or(1.0, |exponent| threshold.powf(-exponent));
    // E of the raised mixture: what lies above keeps its law, what lies below too.
    let mixed = |given: f64, mean: f64| {
        if after == 1.0 {
            given
        } else {
            after * given + (1.0 - after) * (mean - before * given) / (1.0 - before)
        }
    };
    let utility_after = || Some(mixed(above.utility, utility.mean()?));
    let error_after = || -> Option<Result<f64, TheoryError>> {
        let mean = error.mean()?;
        Some(conditioning(error, utility, threshold).map(|swapped| mixed(swapped.utility, mean)))
    };
    match metric.name {
        KL if after == 1.0 => Some(Ok(-above.ln_probability)),
        KL => Some(binary_kl(after, before)),
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
