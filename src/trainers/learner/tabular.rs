//! What all trainers that learn from samples have in common: credit, surrogate, penalties, passes and the step on burn.
//!
//! Losses are given by their derivatives in ln π of the sampled cells (and in V), worked out in f64 at the current weights;
//! [`crate::trainers::loss`] carries them on to the weights, and burn's optimizer takes the step.

use super::checkpoint::{Memory, unusable};
use super::contract::{Ground, Trainer};
use super::network::Network;
use super::recipe::Recipe;
use crate::foundation::numeric::sum;
use crate::policies::{Snapshot, TabularPolicy, TabularValue};
use crate::record::Observed;
use crate::trainers::error::TrainerError;
use crate::trainers::loss::advantage::{Baseline, Scale, advantages};
use crate::trainers::loss::estimators::{estimate, slope};
use crate::trainers::loss::gae::gae;
use crate::trainers::loss::group::{group_relative, leave_one_out};
use crate::trainers::loss::kl::{Estimator, KlPenalty, Place};
use crate::trainers::loss::objective::Credit;
use crate::trainers::loss::shaping::Shaper;
use crate::trainers::loss::slopes::{Dense, Gradient, Slopes};
use crate::trainers::loss::surrogate::Surrogate;
use burn::optim::ModuleOptimizer;
use burn::tensor::Bytes;
use burn::tensor::Device;

/// A trainer at work on one table.
pub(in crate::trainers) struct Learner {
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
    /// V of every prompt, as read back; empty without a value head.
    values: Vec<f32>,
    /// The current policy.
    policy: Snapshot,
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

impl Learner {
    pub(in crate::trainers) fn new(recipe: Recipe, ground: Ground<'_>) -> Result<Self, TrainerError> {
        let Ground { table, device, reference_proxies } = ground;
        let shaper = recipe.shaping.fit(reference_proxies)?;
        // burn's optimizers take weights that autodiff knows, and gradients that it does not.
        let trained = device.clone().autodiff();
        let value = recipe.objective.value.map(|_| TabularValue::new(table.prompts, &trained));
        let (optimizer, learning_rate) = recipe.optimizer.build();
        let mut policy = Snapshot::default();
        policy.set(table, |_| 0.0);
        Ok(Self {
            network: Network { policy: TabularPolicy::new(table, &trained), value },
            optimizer,
            learning_rate,
            coefficient: recipe.objective.kl.coefficient.get(),
            shaper,
            stopped: false,
            device: device.clone(),
            shape: [table.prompts, table.outcomes],
            reference: table.ref_log_prob.clone(),
            values: recipe.objective.value.map_or_else(Vec::new, |_| vec![0.0; table.prompts]),
            policy,
            clip_fraction: None,
            step: 0,
            recipe,
        })
    }

    fn rows(&self, observed: &Observed, cells: &[usize]) -> Vec<Row> {
        fn column(column: &Option<Vec<f64>>) -> &[f64] {
            column.as_deref().unwrap_or_default()
        }
        let at = |column: &[f64], row: usize| column.get(row).copied().unwrap_or(0.0);
        let (advantage, reward) = (column(&observed.advantage), column(&observed.reward));
        let (log_prob, reference) = (column(&observed.log_prob), column(&observed.ref_log_prob));
        let row = |(row, &cell): (usize, &usize)| Row {
            cell,
            prompt: if self.shape[0] == 1 { 0 } else { cell / self.shape[1] },
            advantage: at(advantage, row),
            target: at(reward, row),
            log_prob: at(log_prob, row),
            reference: at(reference, row),
        };
        cells.iter().enumerate().map(row).collect()
    }

    /// Whether the policy has left the one that sampled by more than the target, by the mean k3 estimate.
    fn strayed(&self, rows: &[Row]) -> bool {
        let Some(target) = self.recipe.target_kl else { return false };
        let now = |row: &Row| estimate(Estimator::K3, row.log_prob, self.policy.log_prob(row.cell));
        sum(rows.iter().filter_map(now)) > target * rows.len() as f64
    }

    /// The derivatives at the current weights, and how many rollouts the clip has cut off; `epoch` counts the passes over the
    /// batch, `fresh` says that nothing has moved since it was sampled, and `before` is V at that time.
    fn slopes(&self, rows: &[Row], epoch: u32, fresh: bool, before: &[f32]) -> (Slopes, usize) {
        let share = 1.0 / rows.len() as f64;
        let in_loss = self.recipe.objective.kl.place == Place::Loss;
        let apart = epoch > 0 && matches!(self.recipe.objective.surrogate, Some((Surrogate::Masked, _)));
        let mut clipped = 0;
        let mut slopes = Slopes {
            log_prob: Vec::with_capacity(rows.len()),
            totals: vec![0.0; self.shape[0]],
            logit: Vec::with_capacity(if apart { rows.len() } else { 0 }),
            value: self.recipe.objective.value.map(|_| vec![0.0; self.shape[0]]),
        };
        for row in rows {
            let log_prob = if fresh { row.log_prob } else { self.policy.log_prob(row.cell) };
            let push = match self.recipe.objective.surrogate {
                None => Some(row.advantage),
                Some((surrogate, epsilon)) => surrogate.push(row.advantage, log_prob - row.log_prob, epsilon),
            };
            clipped += usize::from(push.is_none());
            let mut weight = -push.unwrap_or(0.0);
            if apart {
                slopes.logit.push((row.cell, weight * share));
                weight = 0.0;
            }
            if in_loss {
                weight +=
                    self.coefficient * slope(self.recipe.objective.kl.estimator, log_prob, row.reference);
            }
            slopes.log_prob.push((row.cell, weight * share));
            slopes.totals[row.prompt] += weight * share;
            if let (Some(value), Some((coefficient, range))) =
                (&mut slopes.value, self.recipe.objective.value)
            {
                let (now, old) = (f64::from(self.values[row.prompt]), f64::from(before[row.prompt]));
                let held = old + (now - old).clamp(-range, range);
                // max of ½(V − r)² and ½(V held − r)²: the latter does not depend on V where it is larger.
                if (now - row.target).abs() >= (held - row.target).abs() {
                    value[row.prompt] += (coefficient * (now - row.target) * share) as f32;
                }
            }
        }
        (slopes, clipped)
    }

    /// One step of the optimizer.
    fn descend(&mut self, slopes: Slopes) -> Result<(), TrainerError> {
        let kl = &self.recipe.objective.kl;
        let exact = kl.estimator == Estimator::Exact && kl.place == Place::Loss;
        let dense =
            Dense { entropy: self.recipe.objective.entropy, kl: if exact { self.coefficient } else { 0.0 } };
        let outcomes = self.shape[1];
        let mut gradient = Gradient::new(slopes, dense, &self.policy, &self.reference, outcomes);
        if let Some(largest) = self.recipe.max_grad_norm {
            gradient.limit(largest);
        }
        self.network =
            self.network.descend(&mut self.optimizer, self.learning_rate, gradient, self.shape, &self.device);
        self.read_back()
    }

    /// Takes the weights over as numbers.
    fn read_back(&mut self) -> Result<(), TrainerError> {
        let (reference, outcomes, policy) = (&self.reference, self.shape[1], &mut self.policy);
        let finite = self.network.policy.with_theta(|theta| {
            policy.set_from(reference, outcomes, theta);
            !not_finite(theta)
        });
        let finite = finite.ok_or(TrainerError::Device { step: self.step })?;
        if let Some(head) = &self.network.value {
            self.values = head.numbers().ok_or(TrainerError::Device { step: self.step })?;
        }
        if !finite || not_finite(&self.values) {
            return Err(TrainerError::Diverged { step: self.step, trainer: self.recipe.name });
        }
        Ok(())
    }
}

/// Looks at all of them: without an early end it is vectorised.
fn not_finite(numbers: &[f32]) -> bool {
    numbers.iter().fold(false, |found, t| found | !t.is_finite())
}

impl Trainer for Learner {
    fn policy(&self) -> &Snapshot {
        &self.policy
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
        let KlPenalty { estimator, place, .. } = self.recipe.objective.kl;
        let mut rewards: Vec<f64> = observed.proxy.iter().map(|u| self.shaper.apply(*u)).collect();
        if let (Some(log_prob), Some(reference), Place::Reward) =
            (&observed.log_prob, &observed.ref_log_prob, place)
        {
            for (reward, (log_prob, reference)) in rewards.iter_mut().zip(log_prob.iter().zip(reference)) {
                *reward -= self.coefficient * estimate(estimator, *log_prob, *reference).unwrap_or(0.0);
            }
        }
        observed.advantage = Some(match self.recipe.objective.credit {
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

    fn save(&self) -> Result<Vec<u8>, TrainerError> {
        let memory = Memory {
            network: self.network.to_bytes()?,
            optimizer: self.optimizer.into_bytes().map_err(unusable)?.to_vec(),
            coefficient: self.coefficient,
            step: self.step,
            stopped: self.stopped,
        };
        Ok(memory.to_bytes())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError> {
        let memory = Memory::from_bytes(state)?;
        self.network = self.network.with_bytes(memory.network)?;
        let (fresh, _) = self.recipe.optimizer.build();
        self.optimizer = fresh.from_bytes(Bytes::from_bytes_vec(memory.optimizer)).map_err(unusable)?;
        (self.coefficient, self.step, self.stopped) = (memory.coefficient, memory.step, memory.stopped);
        self.read_back()
    }

    fn update(&mut self, observed: &Observed, cells: &[usize], kl: f64) -> Result<(), TrainerError> {
        self.stopped |= self.recipe.objective.kl.stop.is_some_and(|most| kl > most.get());
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
                let (slopes, cut) = self.slopes(minibatch, epoch, fresh, &before);
                clipped += cut;
                looks += minibatch.len();
                self.descend(slopes)?;
                fresh = false;
            }
        }
        self.clip_fraction =
            (self.recipe.objective.surrogate.is_some() && looks > 0).then(|| clipped as f64 / looks as f64);
        self.step += 1;
        self.coefficient = self.recipe.objective.kl.controller.next(self.coefficient, kl, rows.len());
        Ok(())
    }
}
