//! The only training loop: snapshot → rollout → credit → audit → respond → update. Deployment goes on without the update.

use super::arena;
use super::checkpoint::{Checkpoints, Partial};
use super::error::TrainError;
use super::influence::Influence;
use super::policy_value::Expectations;
use super::responding::{Past, Responder};
use super::setting::Setting;
use super::sighting::{Sighting, Way};
use super::trained::{Final, Trained};
use crate::audit::response::Treatment;
use crate::foundation::numeric::{mean, sum, variance};
use crate::foundation::order::{quantile_sorted, sorted};
use crate::record::tables::StepBody;
use crate::rollout::{Batch, Steer};
use crate::tails;
use crate::trainers::Estimator;
use crate::trainers::estimators::estimate;

/// Trains one run. With `checkpoints` it goes on from what is kept there, and is kept there every so many steps: the result has
/// the same bytes as that of a run without interruption.
pub fn train(setting: Setting<'_>, checkpoints: Option<&Checkpoints<'_>>) -> Result<Trained, TrainError> {
    train_audited(setting, checkpoints).map(|(trained, _)| trained)
}

/// As [`train`], with the audit that acted on the run, where one did.
pub fn train_audited<'a>(
    setting: Setting<'a>,
    checkpoints: Option<&Checkpoints<'_>>,
) -> Result<(Trained, Option<Responder<'a>>), TrainError> {
    let mut run = checkpoints.map(Checkpoints::load).transpose()?.flatten().unwrap_or_default();
    let mut way = Way::Free;
    if setting.model.to_sight().is_some() {
        let sighting = match run.so_far.last.sighting {
            Some(known) => known,
            None => Sighting::draw(&unseen(setting)?, &setting.seeds)?,
        };
        run.so_far.last.sighting = Some(sighting);
        way = Way::To(sighting);
    }
    course(setting, checkpoints, run, &mut way)
}

/// ln P(no hack in the batch) of each step of a training that never samples one.
fn unseen(setting: Setting<'_>) -> Result<Vec<f64>, TrainError> {
    let mut way = Way::Away(Vec::new());
    course(setting, None, Partial::default(), &mut way)?;
    match way {
        Way::Away(unseen) => Ok(unseen),
        Way::Free | Way::To(_) => Ok(Vec::new()),
    }
}

/// Trains from where a run is to its end.
fn course<'a>(
    setting: Setting<'a>,
    checkpoints: Option<&Checkpoints<'_>>,
    mut run: Partial,
    way: &mut Way,
) -> Result<(Trained, Option<Responder<'a>>), TrainError> {
    let part = setting.trainer.part();
    let mut arena = arena::enter(setting)?;
    if !run.so_far.steps.is_empty() {
        arena.restore(&run.arena)?;
    }
    let mut responder = match setting.audit {
        Some(audited) => {
            let count = audited.calibration.rollouts.get() as usize;
            let calibration = arena::calibration(setting, count, audited.calibration.vetted);
            let mut responder = Responder::open(&setting, audited, calibration)?;
            responder.catch_up(&run.so_far)?;
            Some(responder)
        }
        None => None,
    };
    let restore_every = setting.audit.and_then(|audited| audited.section.response.part().restore_every());
    let mut deployed = false;
    let steps = if matches!(way, Way::Away(_)) { part.steps() } else { setting.steps() };
    for step in run.so_far.steps.len() as u64..steps {
        if let Some(deployment) = setting.deployment.filter(|_| step >= part.steps() && !deployed) {
            arena.deploy(&deployment.shift)?;
            deployed = true;
        }
        if restore_every.is_some_and(|every| step.is_multiple_of(every)) {
            run.points.push((step, arena.save()?));
        }
        let numbers = (step, step * part.batch() as u64, part.batch());
        let steer = if deployed { Steer::Free } else { way.steer(step) };
        let mut batch = match steer {
            Steer::Free => arena.batch(numbers.0, numbers.1, numbers.2)?,
            Steer::Away | Steer::Into(_) => {
                let (batch, unseen) = arena.steered(numbers, steer).ok_or(TrainError::Unsteered)?;
                way.note(unseen);
                batch
            }
        };
        if let Some(&value) = batch.observed.proxy.iter().find(|u| !u.is_finite()) {
            return Err(TrainError::Proxy { step, value });
        }
        let now = arena.expectations(&batch);
        arena.credit(&mut batch);
        let mut row = row(step, &batch, &now, arena.coefficient(), &mut run.influence);
        let rows = run.so_far.observed.len();
        let past = Past { observed: &run.so_far.observed, truth: &run.so_far.truth, rows };
        let treatment = match &mut responder {
            Some(responder) => responder.step(step, &batch, past)?,
            None => Treatment::default(),
        };
        if let Some(keep) = &treatment.keep {
            let removed = |hack: bool| {
                let rows = keep.iter().zip(&batch.truth.hack);
                rows.filter(|(keep, own)| !**keep && **own == hack).count() as u64
            };
            (row.removed, row.removed_honest) = (removed(true) + removed(false), removed(false));
        }
        let back = treatment
            .back_to
            .filter(|_| !deployed)
            .map(|to| run.points.partition_point(|(point, _)| *point <= to));
        if let Some((_, point)) = back.and_then(|place| run.points.get(place.checked_sub(1)?)) {
            arena.restore(point)?;
        } else if !deployed && !treatment.stop {
            arena.update(&batch, &treatment, now.kl)?;
            row.clip_fraction = arena.clip_fraction();
        }
        run.so_far.steps.push(row);
        run.so_far.observed.append(batch.observed);
        run.so_far.truth.append(batch.truth);
        if let Some(checkpoints) = checkpoints.filter(|c| c.due(step + 1) && step + 1 < setting.steps()) {
            run.arena = arena.save()?;
            checkpoints.save(&run).map_err(|e| TrainError::Checkpoint { step, problem: e.to_string() })?;
            if checkpoints.stopped() {
                return Err(TrainError::Stopped { step });
            }
        }
    }
    run.so_far.last = Final { sighting: run.so_far.last.sighting, ..arena.last()? };
    Ok((run.so_far, responder))
}

fn row(
    step: u64,
    batch: &Batch,
    exact: &Expectations,
    coefficient: Option<f64>,
    influence: &mut Influence,
) -> StepBody {
    let proxies = &batch.observed.proxy;
    let ascending = sorted(proxies);
    let at = |p| quantile_sorted(&ascending, p).unwrap_or(0.0);
    let largest = ascending.last().copied().unwrap_or(0.0);
    let positive = sum(ascending.iter().map(|u| u.max(0.0)));
    let sampled = |estimator| {
        let (log_prob, reference) =
            (batch.observed.log_prob.as_ref()?, batch.observed.ref_log_prob.as_ref()?);
        let estimates: Option<Vec<f64>> =
            log_prob.iter().zip(reference).map(|(p, r)| estimate(estimator, *p, *r)).collect();
        mean(&estimates?)
    };
    let weights: Option<Vec<f64>> =
        batch.observed.advantage.as_ref().map(|a| a.iter().map(|x| x.abs()).collect());
    let total = weights.as_ref().map(|w| sum(w.iter().copied()));
    if let (Some(weights), Some(total)) = (&weights, total) {
        influence.total += total;
        influence.hacks += sum(weights.iter().zip(&batch.truth.hack).filter(|(_, h)| **h).map(|(w, _)| *w));
    }
    let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
    let tail = ascending.len().checked_sub(tails::default_k(ascending.len()) + 1).map(|place| {
        let threshold = ascending[place];
        (threshold, ascending.iter().filter(|u| **u > threshold).count())
    });
    StepBody {
        step,
        proxy_mean: mean(proxies).unwrap_or(0.0),
        proxy_sd: variance(proxies).map(f64::sqrt),
        proxy_p50: at(0.5),
        proxy_p99: at(0.99),
        proxy_max: largest,
        top1_share: share(largest.max(0.0), positive),
        expectations: exact.method.name().to_owned(),
        utility: Some(exact.utility),
        utility_se: exact.utility_se,
        clean_utility: None,
        proxy: Some(exact.proxy()),
        kl: Some(exact.kl),
        kl_k1: sampled(Estimator::K1),
        kl_k2: sampled(Estimator::K2),
        kl_k3: sampled(Estimator::K3),
        kl_coefficient: coefficient,
        entropy: Some(exact.entropy),
        clip_fraction: None,
        p_hack: Some(exact.p_hack),
        proxy_from_hacks: Some(exact.proxy_from_hacks),
        attributable_loss: exact.loss,
        attributable_loss_se: exact.loss_se,
        placebo_loss: exact.placebo_loss,
        looks: None,
        removed: 0,
        removed_honest: 0,
        sightings: batch.truth.hack.iter().filter(|h| **h).count() as u64,
        influence_max: weights
            .as_ref()
            .and_then(|w| share(w.iter().copied().fold(0.0, f64::max), total.unwrap_or(0.0))),
        influence_cumulative: share(influence.hacks, influence.total),
        xi_gpd: tail.and_then(|(threshold, _)| tails::gpd_shape(&ascending, threshold).ok()),
        n_excess: tail.map_or(0, |(_, excesses)| excesses),
    }
}
