//! The power of auditing the highest rewards of one batch of the reference, under fresh noise.

use super::world::{Answer, World};
use crate::distributions::Standardize;
use crate::record::metric::{CAUGHT, Metric};
use crate::reward::Mode;
use crate::theory::TheoryError;
use crate::theory::power::{Auditor, Plan, audits};
use crate::trainers::TrainerSpec;

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
N rollouts, each the exploit with probability q and paid u + noise; benign rewards are N(0, 1) + noise. The M highest are read: those above the τ that solves\n\n\
- N·[(1 − q)·S_bulk(τ) + q·S_noise(τ − u)] = M.\n\n\
With Λ = N·q·S_noise(τ − u), P(sampled) = 1 − e^(−Nq), P(caught) = 1 − e^(−Λ) and precision = Λ/M. S is P(more than). With up to 12 looks τ is no fixed number, and the \
ranking itself is counted: with Λ_b(x) = N(1 − q)·S_bulk(x) benign and Λ(x) = N·q·S_noise(x − u) exploits above x, P(caught) = ∫ P(Poisson(Λ_b) < M) d(1 − e^(−Λ)), \
precision = ∫ P(Poisson(Λ_b + Λ) < M) dΛ/M.";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let TrainerSpec::Reference(reference) = &world.document.trainer else { return None };
    let reward = &world.document.reward;
    // One batch of N(0, 1) with fresh noise, from so many outcomes that few are sampled twice: an audit looks once at each.
    let covered = reference.steps == 1
        && reward.mode == Mode::Fresh
        && reward.error.is_some()
        && reward.standardize == Standardize::None
        && world.outcomes >= 2.0 * f64::from(reference.batch.get())
        && world.normal_utility()? == (0.0, 1.0);
    if !covered {
        return None;
    }
    let rollouts = f64::from(reference.batch.get());
    let plan = Plan {
        mass: world.exploit?.mass.get(),
        proxy: world.exploit?.proxy.get(),
        rollouts,
        noise: reward.error.clone(),
        rounds: 1,
        sensitivity: 1.0,
        specificity: 1.0,
    };
    let found = |budget: f64| -> Result<_, TheoryError> {
        Auditor::new(plan.clone())?.power(audits(budget, rollouts)?)
    };
    match (metric.name, metric.of) {
        ("sighted", None) => Some(Auditor::new(plan.clone()).map(|auditor| auditor.p_seen())),
        (CAUGHT, Some(("top_reward", budget))) => Some(found(budget).map(|power| power.p_flag)),
        ("precision", Some(("top_reward", budget))) => Some(found(budget).map(|power| power.precision)),
        _ => None,
    }
}

/// Exploits among the M audited are Poisson: the precision of one run is a count over M.
pub(super) fn spread(world: &World<'_>, metric: &Metric<'_>, value: f64) -> f64 {
    let (TrainerSpec::Reference(reference), "precision", Some((_, budget))) =
        (&world.document.trainer, metric.name, metric.of)
    else {
        return 0.0;
    };
    audits(budget, f64::from(reference.batch.get())).map_or(0.0, |m| (value / m as f64).sqrt())
}
