//! The only training loop: snapshot → rollout → credit → update.

use super::arena;
use super::checkpoint::{Checkpoints, Partial};
use super::policy_value::Expectations;
use super::trained::Trained;
use crate::experiment::store::StoreError;
use crate::foundation::numeric::{mean, sum, variance};
use crate::foundation::order::{quantile_sorted, sorted};
use crate::foundation::rng::SeedTree;
use crate::policies::PolicySpec;
use crate::record::tables::StepRow;
use crate::reward::RewardModel;
use crate::rollout::Batch;
use crate::tails;
use crate::trainers::estimators::estimate;
use crate::trainers::{Estimator, TrainerError, TrainerSpec};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// All that decides a training run: the replicate's reward model, how it is trained on, and the streams.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The reward model of this replicate, in the version that is to be trained.
    pub model: &'a RewardModel,
    /// The policy's section.
    pub policy: &'a PolicySpec,
    /// The trainer's section.
    pub trainer: &'a TrainerSpec,
    /// Streams of the replicate.
    pub seeds: SeedTree,
    /// Where tensors live.
    pub device: &'a Device,
    /// Whether the last hidden layer becomes columns of the rollouts.
    pub activations: bool,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The trainer could not go on.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// The parts of the config do not fit each other.
    #[error("policy.{policy} and trainer.{trainer} do not fit this environment; `tailcatch check` says why")]
    Unfit {
        /// Name of the policy.
        policy: &'static str,
        /// Name of the trainer.
        trainer: &'static str,
    },
    /// The run so far could not be kept or read back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run so far could not be kept.
    #[error("step {step}: the run so far cannot be kept: {problem}")]
    Checkpoint {
        /// Step.
        step: u64,
        /// Why.
        problem: String,
    },
    /// The run was asked to stop, and is kept as far as it came.
    #[error("stopped after step {step}, and kept there")]
    Stopped {
        /// Last step that was taken.
        step: u64,
    },
    /// A sampled reward is not finite.
    #[error("step {step}: a proxy reward of {value} was sampled; use a lighter law for reward.error")]
    Proxy {
        /// Step.
        step: u64,
        /// The reward.
        value: f64,
    },
}

/// Trains one run. With `checkpoints` it goes on from what is kept there, and is kept there every so many steps: the result has
/// the same bytes as that of a run without interruption.
pub fn train(setting: Setting<'_>, checkpoints: Option<&Checkpoints<'_>>) -> Result<Trained, TrainError> {
    let part = setting.trainer.part();
    let mut arena = arena::enter(setting)?;
    let mut run = match checkpoints.map(Checkpoints::load).transpose()?.flatten() {
        Some(partial) => {
            arena.restore(&partial.arena)?;
            partial
        }
        None => Partial::default(),
    };
    for step in run.so_far.steps.len() as u64..part.steps() {
        let mut batch = arena.batch(step, step * part.batch() as u64, part.batch())?;
        if let Some(&value) = batch.observed.proxy.iter().find(|u| !u.is_finite()) {
            return Err(TrainError::Proxy { step, value });
        }
        let now = arena.expectations(&batch);
        arena.credit(&mut batch);
        let mut row = row(step, &batch, &now, arena.coefficient(), &mut run.influence);
        arena.update(&batch, now.kl)?;
        row.clip_fraction = arena.clip_fraction();
        run.so_far.steps.push(row);
        run.so_far.observed.append(batch.observed);
        run.so_far.truth.append(batch.truth);
        if let Some(checkpoints) = checkpoints.filter(|c| c.due(step + 1) && step + 1 < part.steps()) {
            run.arena = arena.save()?;
            checkpoints.save(&run).map_err(|e| TrainError::Checkpoint { step, problem: e.to_string() })?;
            if checkpoints.stopped() {
                return Err(TrainError::Stopped { step });
            }
        }
    }
    run.so_far.last = arena.last()?;
    Ok(run.so_far)
}

/// Who moved the policy so far.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub struct Influence {
    total: f64,
    hacks: f64,
}

fn row(
    step: u64,
    batch: &Batch,
    exact: &Expectations,
    coefficient: Option<f64>,
    influence: &mut Influence,
) -> StepRow {
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
    StepRow {
        train_id: String::new(),
        arm: 0,
        replicate: 0,
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
        sightings: batch.truth.hack.iter().filter(|h| **h).count() as u64,
        influence_max: weights
            .as_ref()
            .and_then(|w| share(w.iter().copied().fold(0.0, f64::max), total.unwrap_or(0.0))),
        influence_cumulative: share(influence.hacks, influence.total),
        xi_gpd: tail.and_then(|(threshold, _)| tails::gpd_shape(&ascending, threshold).ok()),
        n_excess: tail.map_or(0, |(_, excesses)| excesses),
    }
}
