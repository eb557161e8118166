//! What all trainers that learn from samples have in common: credit, surrogate, penalties, passes and the step on burn.
//!
//! Losses are given to burn by their derivatives in ln π of the sampled cells (and in V), worked out in f64 at the current
//! weights: Σ w·ln π has the gradient of the loss, and burn carries it on to the weights.

use super::estimators::{estimate, slope};
use super::group::{group_relative, leave_one_out};
use super::network::Network;
use super::recipe::{Credit, Recipe};
use super::{
    Baseline, Estimator, Ground, Place, Scale, Shaper, Surrogate, Trainer, TrainerError, advantages, gae,
};
use crate::foundation::numeric::sum;
use crate::policies::{Snapshot, TabularPolicy, TabularValue};
use crate::record::{Observed, Outcomes};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};

/// A trainer at work on one table.
pub(super) struct Learner {
    recipe: Recipe,
    network: Network,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    coefficient: f64,
    shaper: Shaper,
    /// Whether the KL has passed the early stop.
    stopped: bool,
    device: Device,
    shape: [usize; 2],
    /// ln π₀ of every cell.
    reference: Vec<f64>,
    /// ln π₀, for the exact penalty in the loss.
    exact: Option<Tensor<2>>,
    /// θ of the current policy, as read back after the last update.
    theta: Vec<f32>,
    /// V of every prompt, as read back; empty without a value head.
    values: Vec<f32>,
    /// π between two passes over a batch.
    between: Snapshot,
    clip_fraction: Option<f64>,
    step: u64,
}

/// One rollout of the batch that is being learned from.
struct Row {
    cell: usize,
    prompt: usize,
    advantage: f64,
    /// What V should have been.
    target: f64,
    log_prob: f64,
    reference: f64,
}

/// Derivatives of a minibatch's loss.
struct Slopes {
    /// In ln π of every cell.
    log_prob: Vec<f32>,
    /// In the logit of every cell, where the surrogate leaves the softmax out.
    logit: Option<Vec<f32>>,
    /// In V of every prompt.
    value: Option<Vec<f32>>,
    /// Rollouts that the clip has cut off.
    clipped: usize,
}

impl Learner {
    pub(super) fn new(recipe: Recipe, ground: Ground<'_>) -> Result<Self, TrainerError> {
        let Ground { table, device, reference_proxies } = ground;
        let shaper = recipe.shaping.fit(reference_proxies)?;
        let device = device.clone().autodiff();
        let shape = [table.prompts, table.outcomes];
        let exact = recipe.kl.estimator == Estimator::Exact && recipe.kl.place == Place::Loss;
        let exact = exact.then(|| {
            let logs: Vec<f32> = table.ref_log_prob.iter().map(|&l| l as f32).collect();
            Tensor::from_data(TensorData::new(logs, shape), &device)
        });
        let value = recipe.value.map(|_| TabularValue::new(table.prompts, &device));
        let (optimizer, learning_rate) = recipe.optimizer.build();
        Ok(Self {
            network: Network { policy: TabularPolicy::new(table, &device), value },
            optimizer,
            learning_rate,
            coefficient: recipe.kl.coefficient.get(),
            shaper,
            stopped: false,
            device,
            shape,
            reference: table.ref_log_prob.clone(),
            exact,
            theta: vec![0.0; table.len()],
            values: recipe.value.map_or_else(Vec::new, |_| vec![0.0; table.prompts]),
            between: Snapshot::default(),
            clip_fraction: None,
            step: 0,
            recipe,
        })
    }

    fn rows(&self, observed: &Observed, cells: &[usize]) -> Vec<Row> {
        let column =
            |c: &Option<Vec<f64>>, row: usize| c.as_ref().and_then(|c| c.get(row)).copied().unwrap_or(0.0);
        let row = |(row, &cell): (usize, &usize)| Row {
            cell,
            prompt: cell / self.shape[1],
            advantage: column(&observed.advantage, row),
            target: column(&observed.reward, row),
            log_prob: column(&observed.log_prob, row),
            reference: column(&observed.ref_log_prob, row),
        };
        cells.iter().enumerate().map(row).collect()
    }

    /// Whether the policy has left the one that sampled by more than the target, by the mean k3 estimate.
    fn strayed(&mut self, rows: &[Row]) -> bool {
        let Some(target) = self.recipe.target_kl else { return false };
        let theta = &self.theta;
        self.between.set_from(&self.reference, self.shape[1], |cell| f64::from(theta[cell]));
        let estimates = rows
            .iter()
            .filter_map(|row| estimate(Estimator::K3, row.log_prob, self.between.log_prob(row.cell)));
        sum(estimates) > target * rows.len() as f64
    }

    /// The derivatives at the current weights; `epoch` counts the passes over the batch, `fresh` says that nothing has moved
    /// since it was sampled, and `before` is V at that time.
    fn slopes(&self, rows: &[Row], epoch: u32, fresh: bool, before: &[f32]) -> Slopes {
        let cells = self.theta.len();
        let share = 1.0 / rows.len() as f64;
        let in_loss = self.recipe.kl.place == Place::Loss;
        let apart = epoch > 0 && matches!(self.recipe.surrogate, Some((Surrogate::Masked, _)));
        let mut slopes = Slopes {
            log_prob: vec![0.0; cells],
            logit: apart.then(|| vec![0.0; cells]),
            value: self.recipe.value.map(|_| vec![0.0; self.shape[0]]),
            clipped: 0,
        };
        for row in rows {
            let log_prob = if fresh { row.log_prob } else { self.between.log_prob(row.cell) };
            let push = match self.recipe.surrogate {
                None => Some(row.advantage),
                Some((surrogate, epsilon)) => surrogate.push(row.advantage, log_prob - row.log_prob, epsilon),
            };
            slopes.clipped += usize::from(push.is_none());
            let mut weight = -push.unwrap_or(0.0);
            if let Some(logit) = &mut slopes.logit {
                logit[row.cell] += (weight * share) as f32;
                weight = 0.0;
            }
            if in_loss {
                weight += self.coefficient * slope(self.recipe.kl.estimator, log_prob, row.reference);
            }
            slopes.log_prob[row.cell] += (weight * share) as f32;
            if let (Some(value), Some((coefficient, range))) = (&mut slopes.value, self.recipe.value) {
                let (now, old) = (f64::from(self.values[row.prompt]), f64::from(before[row.prompt]));
                let held = old + (now - old).clamp(-range, range);
                // max of ½(V − r)² and ½(V held − r)²: the latter does not depend on V where it is larger.
                if (now - row.target).abs() >= (held - row.target).abs() {
                    value[row.prompt] += (coefficient * (now - row.target) * share) as f32;
                }
            }
        }
        slopes
    }

    /// One step of the optimizer.
    fn descend(&mut self, slopes: Slopes) -> Result<(), TrainerError> {
        let [prompts, _] = self.shape;
        let cells = |numbers| Tensor::<2>::from_data(TensorData::new(numbers, self.shape), &self.device);
        let log_probs = self.network.policy.log_probs();
        let mut loss = (log_probs.clone() * cells(slopes.log_prob)).sum();
        if let Some(logit) = slopes.logit {
            loss = loss + (self.network.policy.logits() * cells(logit)).sum();
        }
        if let (Some(head), Some(value)) = (&self.network.value, slopes.value) {
            let value = Tensor::<1>::from_data(TensorData::new(value, [prompts]), &self.device);
            loss = loss + (head.all() * value).sum();
        }
        if self.recipe.entropy > 0.0 {
            let negative = (log_probs.clone().exp() * log_probs.clone()).sum();
            loss = loss + negative.mul_scalar(self.recipe.entropy / prompts as f64);
        }
        if let Some(reference) = &self.exact {
            let penalty = (log_probs.clone().exp() * (log_probs - reference.clone())).sum();
            loss = loss + penalty.mul_scalar(self.coefficient / prompts as f64);
        }
        let mut gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        let device = TrainerError::Device { step: self.step };
        if let Some(largest) = self.recipe.max_grad_norm {
            self.network.limit(&mut gradients, largest).ok_or(device)?;
        }
        self.network = self.optimizer.step(self.learning_rate, self.network.clone(), gradients);
        self.theta = self.network.policy.theta().ok_or(TrainerError::Device { step: self.step })?;
        if let Some(head) = &self.network.value {
            self.values = head.numbers().ok_or(TrainerError::Device { step: self.step })?;
        }
        if self.theta.iter().chain(&self.values).any(|t| !t.is_finite()) {
            return Err(TrainerError::Diverged { step: self.step, trainer: self.recipe.name });
        }
        Ok(())
    }
}

impl Trainer for Learner {
    fn snapshot(&self, table: &Outcomes, into: &mut Snapshot) -> Result<(), TrainerError> {
        into.set(table, |cell| f64::from(self.theta[cell]));
        Ok(())
    }

    fn moved(&self) -> bool {
        !self.stopped
    }

    fn coefficient(&self) -> Option<f64> {
        Some(self.coefficient)
    }

    fn clip_fraction(&self) -> Option<f64> {
        self.clip_fraction
    }

    fn credit(&self, observed: &mut Observed) {
        let kl = &self.recipe.kl;
        let penalty = |row: usize| match (&observed.log_prob, &observed.ref_log_prob, kl.place) {
            (Some(log_prob), Some(reference), Place::Reward) => {
                self.coefficient * estimate(kl.estimator, log_prob[row], reference[row]).unwrap_or(0.0)
            }
            _ => 0.0,
        };
        let shaped = |(row, u): (usize, &f64)| self.shaper.apply(*u) - penalty(row);
        let rewards: Vec<f64> = observed.proxy.iter().enumerate().map(shaped).collect();
        observed.advantage = Some(match self.recipe.credit {
            Credit::Batch(baseline, scale) => advantages(&rewards, baseline, scale),
            Credit::LeaveOneOut => leave_one_out(&rewards, &observed.group),
            Credit::Group(scale) => group_relative(&rewards, &observed.group, scale),
            Credit::Critic { scale, gamma, lambda } => {
                let value = |prompt: &u64| self.values.get(*prompt as usize).copied().map_or(0.0, f64::from);
                let values: Vec<f64> = observed.prompt.iter().map(value).collect();
                let own = gae(&rewards, &values, &vec![true; rewards.len()], 0.0, gamma, lambda);
                match scale {
                    Scale::Raw => own,
                    Scale::BatchNormalised => advantages(&own, Baseline::Mean, scale),
                    Scale::Truncated { .. } | Scale::Catoni { .. } => advantages(&own, Baseline::None, scale),
                }
            }
        });
        observed.reward = Some(rewards);
    }

    fn update(&mut self, observed: &Observed, cells: &[usize], kl: f64) -> Result<(), TrainerError> {
        self.stopped |= self.recipe.kl.stop.is_some_and(|most| kl > most.get());
        if self.stopped {
            self.clip_fraction = None;
            self.step += 1;
            return Ok(());
        }
        let rows = self.rows(observed, cells);
        let size = rows.len().div_ceil(self.recipe.minibatches as usize).max(1);
        let before = self.values.clone();
        let (mut clipped, mut looks, mut fresh) = (0, 0, true);
        for epoch in 0..self.recipe.epochs {
            if epoch > 0 && self.strayed(&rows) {
                break;
            }
            for minibatch in rows.chunks(size) {
                if !fresh {
                    let theta = &self.theta;
                    self.between.set_from(&self.reference, self.shape[1], |cell| f64::from(theta[cell]));
                }
                let slopes = self.slopes(minibatch, epoch, fresh, &before);
                clipped += slopes.clipped;
                looks += minibatch.len();
                self.descend(slopes)?;
                fresh = false;
            }
        }
        self.clip_fraction =
            (self.recipe.surrogate.is_some() && looks > 0).then(|| clipped as f64 / looks as f64);
        self.step += 1;
        self.coefficient = self.recipe.kl.controller.next(self.coefficient, kl, rows.len());
        Ok(())
    }
}
