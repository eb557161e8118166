//! What `steps.csv` says of a step.

use super::influence::Influence;
use super::policy_value::Expectations;
use crate::foundation::numeric::{mean, sum, variance};
use crate::foundation::order::{quantile_sorted, sorted};
use crate::record::tables::StepBody;
use crate::rollout::Batch;
use crate::tails;
use crate::trainers::Estimator;
use crate::trainers::estimators::estimate;

/// The row of a credited batch, before the step's audit and update; `exact` is of the policy that sampled it.
pub(super) fn row(
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
