//! Looks of the records auditor where scores are exchangeable: at rollouts of the reference, of which none is a hack.

use super::world::{Answer, World};
use crate::audit::AuditorSpec;
use crate::record::metric::Metric;
use crate::reward::{HackRule, Mode};
use crate::theory::TheoryError;
use crate::theory::records::{Looks, Records};
use crate::trainers::TrainerSpec;

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
Of exchangeable scores the n-th enters the k highest with probability min(1, k/n), whatever came before. With n₀ rollouts of the reference and N in all the looks have\n\n\
- mean Σ min(1, k/n) over n = n₀ + 1 … N, and min(k, n₀) more where the reference is read\n\
- variance Σ (k/n)·(1 − k/n) over those of these n that are above k\n\n\
k is the largest whole number, at least 1, whose mean is within `benign_looks`.";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let named = matches!(metric.name, "looks" | "benign_looks");
    Some(looks(world, metric).filter(|_| named)?.map(|looks| looks.expected))
}

/// Standard deviation of one run's number.
pub(super) fn spread(world: &World<'_>, metric: &Metric<'_>, _: f64) -> f64 {
    looks(world, metric).and_then(Result::ok).map_or(0.0, |looks| looks.sd)
}

fn looks(world: &World<'_>, metric: &Metric<'_>) -> Option<Result<Looks, TheoryError>> {
    let TrainerSpec::Reference(reference) = &world.document.trainer else { return None };
    let AuditorSpec::Records(auditor) = &world.document.audit.auditor else { return None };
    let (_, "records") = metric.by? else { return None };
    let reward = &world.document.reward;
    // No hack leaves the ranking: none is planted, and fresh noise overrates no outcome.
    let honest = reward.exploits.is_empty()
        && reward.triggers.is_empty()
        && (reward.hack_rule() == HackRule::Planted || reward.mode == Mode::Fresh && reward.hack.is_none());
    let before = u64::from(world.document.calibration.rollouts.get());
    let own = u64::from(reference.batch.get()) * reference.steps;
    if !honest || own == 0 {
        return None;
    }
    let plan = Records::new(before + own, before, auditor.read_reference);
    let places = auditor.places(before, own) as u64;
    Some(plan.map(|plan| plan.looks(places)))
}
