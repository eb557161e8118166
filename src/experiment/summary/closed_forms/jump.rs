//! Waiting times of the zero-shot jump: every rollout is a hack with probability q before it and p after it.

use super::world::{Answer, World};
use crate::deployment::ShiftSpec;
use crate::experiment::summary::quantities::WAIT;
use crate::record::metric::{KL, Metric, STEPS_TO_CATCH, STEPS_TO_SIGHTING};
use crate::reward::Exploit;
use crate::theory::binary::binary_kl;
use crate::trainers::TrainerSpec;

/// The formula, in Markdown.
pub(super) const FORMULA: &str = "\
B rollouts a step, T steps of training in which each is a hack with probability q, then steps in which it is one with probability p; where a trigger is present in a share f \
of the samples, p is f·p + (1 − f)·q.\n\n\
- P(sampled in training) = 1 − (1 − q)^(BT)\n\
- KL(deployed‖trained) = p·ln(p/q) + (1 − p)·ln((1 − p)/(1 − q))\n\
- steps until it is sampled with probability .95: the first whole number of steps at which the sum of B·ln(1 − q) over those before the jump and B·ln(1 − p) over those after it \
reaches ln .05\n\
- steps until a random audit reads it: the same with the M = budget·B rollouts that are read of a step in place of B, where M is whole";

pub(super) fn answer(world: &World<'_>, metric: &Metric<'_>) -> Answer {
    let TrainerSpec::Reference(training) = &world.document.trainer else { return None };
    let shift = &world.document.deployment.as_ref()?.shift;
    let before = world.exploit?.mass.get();
    let after = mass_after(shift, world.exploit, &world.document.trainer)?;
    let (batch, training) = (f64::from(training.batch.get()), training.steps as f64);
    match (metric.name, metric.of) {
        (KL, None) => Some(binary_kl(after, before)),
        ("sighted_before_damage", None) => Some(Ok(-(batch * training * (-before).ln_1p()).exp_m1())),
        (STEPS_TO_SIGHTING, None) => Some(Ok(wait(training, batch * none(before), batch * none(after)))),
        (STEPS_TO_CATCH, Some(("random", budget))) => {
            // Audits a step: whole, or the form does not hold.
            let audits = budget * batch;
            let whole = budget < 1.0 && audits >= 1.0 && (audits - audits.round()).abs() < 1e-9;
            whole.then(|| Ok(wait(training, audits * none(before), audits * none(after))))
        }
        _ => None,
    }
}

/// P(hack) once the policy is deployed. Odds among the other outcomes stay, so that a mixture with the trained policy is a
/// jump too; what that takes of the exploit is known of the reference alone.
pub(super) fn mass_after(shift: &ShiftSpec, exploit: Option<&Exploit>, trainer: &TrainerSpec) -> Option<f64> {
    match shift {
        ShiftSpec::Jump(jump) => exploit.map(|_| jump.mass_after.get()),
        ShiftSpec::Trigger(trigger) => {
            let f = trigger.frequency.get();
            let before = exploit.filter(|_| matches!(trainer, TrainerSpec::Reference(_)))?.mass.get();
            mass_after(&trigger.shift, exploit, trainer).map(|own| f * own + (1.0 - f) * before)
        }
        ShiftSpec::Unchanged(_) => {
            exploit.filter(|_| matches!(trainer, TrainerSpec::Reference(_))).map(|own| own.mass.get())
        }
        ShiftSpec::Tilt(_) | ShiftSpec::Argmax(_) => None,
    }
}

/// ln P(no hack) of one rollout.
pub(super) fn none(mass: f64) -> f64 {
    (-mass).ln_1p()
}

/// Smallest number of steps after which it has happened with the probability asked, ln P(not at a step) given for both
/// phases.
fn wait(training: f64, before: f64, after: f64) -> f64 {
    let target = (-WAIT.get()).ln_1p();
    let steps = if training * before <= target {
        target / before
    } else {
        training + (target - training * before) / after
    };
    steps.ceil()
}
