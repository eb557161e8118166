//! The only training loop: snapshot → rollout → credit → update.

use super::exactly::Exactly;
use super::trained::{Final, Trained};
use crate::foundation::numeric::{mean, sum, variance};
use crate::foundation::order::{quantile_sorted, sorted};
use crate::foundation::rng::SeedTree;
use crate::policies::Snapshot;
use crate::record::tables::StepRow;
use crate::record::{Observed, Truth};
use crate::reward::RewardModel;
use crate::rollout::{Batch, Sampler};
use crate::tails;
use crate::theory::tilt::Tilter;
use crate::trainers::estimators::estimate;
use crate::trainers::{Estimator, Ground, TrainerError, TrainerSpec};
use burn::tensor::Device;

/// All that decides a training run: the replicate's reward model, how it is trained on, and the streams.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The reward model of this replicate, in the version that is to be trained.
    pub model: &'a RewardModel,
    /// The trainer's section.
    pub trainer: &'a TrainerSpec,
    /// Streams of the replicate.
    pub seeds: SeedTree,
    /// Where tensors live.
    pub device: &'a Device,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The trainer could not go on.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// A sampled reward is not finite.
    #[error("step {step}: a proxy reward of {value} was sampled; use a lighter law for reward.error")]
    Proxy {
        /// Step.
        step: u64,
        /// The reward.
        value: f64,
    },
}

/// Interquartile range of the standard normal.
const NORMAL_IQR: f64 = 1.348_979_500_392_163_6;

/// Trains one run.
pub fn train(setting: Setting<'_>) -> Result<Trained, TrainError> {
    let Setting { model, trainer: spec, seeds, device } = setting;
    let (table, part) = (model.table(), spec.part());
    let mut trainer = part.start(Ground { table, device })?;
    let sampler = Sampler::training(&seeds).in_groups(part.group());
    let mut policy = Snapshot::default();
    let mut steps = Vec::with_capacity(part.steps() as usize);
    let (mut observed, mut truth) = (Observed::default(), Truth::default());
    let mut influence = Influence::default();
    policy.set(table, |_| 0.0);
    let reference = Exactly::of(&policy, table);
    let mut exact = reference;
    for step in 0..part.steps() {
        if step == 0 || trainer.moved() {
            trainer.snapshot(table, &mut policy)?;
            exact = Exactly::of(&policy, table);
        }
        let mut batch = sampler.batch(model, &policy, step, step * part.batch() as u64, part.batch());
        if let Some(&value) = batch.observed.proxy.iter().find(|u| !u.is_finite()) {
            return Err(TrainError::Proxy { step, value });
        }
        trainer.credit(&mut batch.observed);
        let mut row = row(step, &batch, &exact, trainer.coefficient(), &mut influence);
        trainer.update(&batch.observed, &batch.cells, exact.kl)?;
        row.clip_fraction = trainer.clip_fraction();
        steps.push(row);
        observed.append(batch.observed);
        truth.append(batch.truth);
    }
    trainer.snapshot(table, &mut policy)?;
    let end = Exactly::of(&policy, table);
    let tilter = Tilter::new(table);
    let proxies: Vec<f64> = (0..table.len()).map(|cell| table.proxy(cell)).collect();
    let last = Final {
        utility: end.utility,
        error: end.error,
        kl: end.kl,
        kl_coefficient: trainer.coefficient(),
        p_hack: end.p_hack,
        proxy_from_hacks: end.proxy_from_hacks,
        top_mass: end.top_mass,
        reference_utility: reference.utility,
        reference_proxy: reference.proxy(),
        reference_spread: spread(&proxies),
        reference_utility_spread: spread(&table.utility),
        proxy_max: proxies.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        kl_max: tilter.largest_kl(),
        beta_critical: matches!(spec, TrainerSpec::Exact(_)).then(|| tilter.condensation()).flatten(),
    };
    Ok(Trained { steps, observed, truth, last })
}

/// Interquartile range in units of the standard normal's.
fn spread(values: &[f64]) -> f64 {
    let ascending = sorted(values);
    let quartile = |p| quantile_sorted(&ascending, p).unwrap_or(0.0);
    (quartile(0.75) - quartile(0.25)) / NORMAL_IQR
}

/// Who moved the policy so far.
#[derive(Debug, Default)]
struct Influence {
    total: f64,
    hacks: f64,
}

fn row(
    step: u64,
    batch: &Batch,
    exact: &Exactly,
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
        utility: Some(exact.utility),
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
