//! The policy-gradient step on burn: loss, backward pass, optimizer, and what sets β.

use super::estimators::{estimate, slope};
use super::{Controller, Estimator, Place, Reinforce, Trainer, TrainerError, advantages};
use crate::policies::{Snapshot, TabularPolicy};
use crate::record::{Observed, Outcomes};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};

/// REINFORCE at work on one table.
pub(super) struct Learner {
    settings: Reinforce,
    policy: TabularPolicy,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    coefficient: f64,
    device: Device,
    shape: [usize; 2],
    /// ln π₀, for the exact penalty in the loss.
    reference: Option<Tensor<2>>,
    /// θ of the current policy, as read back after the last update.
    theta: Vec<f32>,
    step: u64,
}

impl Learner {
    pub(super) fn new(settings: Reinforce, table: &Outcomes, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let shape = [table.prompts, table.outcomes];
        let exact = settings.kl.estimator == Estimator::Exact && settings.kl.place == Place::Loss;
        let reference = exact.then(|| {
            let logs: Vec<f32> = table.ref_log_prob.iter().map(|&l| l as f32).collect();
            Tensor::from_data(TensorData::new(logs, shape), &device)
        });
        let policy = TabularPolicy::new(table, &device);
        let (optimizer, learning_rate) = settings.optimizer.build();
        let coefficient = settings.kl.coefficient.get();
        let theta = vec![0.0; table.len()];
        Self {
            settings,
            policy,
            optimizer,
            learning_rate,
            coefficient,
            device,
            shape,
            reference,
            theta,
            step: 0,
        }
    }

    /// Weights w with loss = Σ w·ln π: −Aᵢ/B of each rollout, plus the slope of a sampled penalty in the loss.
    fn weights(&self, observed: &Observed, cells: &[usize]) -> Vec<f32> {
        let mut weights = vec![0f32; self.shape[0] * self.shape[1]];
        let share = 1.0 / cells.len() as f64;
        let zero = Vec::new();
        let column =
            |c: &Option<Vec<f64>>, row: usize| c.as_ref().unwrap_or(&zero).get(row).copied().unwrap_or(0.0);
        let in_loss = self.settings.kl.place == Place::Loss;
        for (row, &cell) in cells.iter().enumerate() {
            let mut weight = -column(&observed.advantage, row);
            if in_loss {
                let (log_prob, reference) =
                    (column(&observed.log_prob, row), column(&observed.ref_log_prob, row));
                weight += self.coefficient * slope(self.settings.kl.estimator, log_prob, reference);
            }
            weights[cell] += (weight * share) as f32;
        }
        weights
    }

    /// Dual ascent on ln β.
    fn control(&mut self, kl: f64) {
        if let Controller::Budget { target, rate } = self.settings.kl.controller {
            let move_by = (rate.get() * (kl / target.get() - 1.0)).clamp(-0.2, 0.2);
            self.coefficient = (self.coefficient * move_by.exp()).clamp(1e-12, 1e12);
        }
    }
}

impl Trainer for Learner {
    fn snapshot(&self, table: &Outcomes, into: &mut Snapshot) -> Result<(), TrainerError> {
        into.set(table, |cell| f64::from(self.theta[cell]));
        Ok(())
    }

    fn coefficient(&self) -> Option<f64> {
        Some(self.coefficient)
    }

    fn credit(&self, observed: &mut Observed) {
        let kl = &self.settings.kl;
        let penalty = |row: usize| match (&observed.log_prob, &observed.ref_log_prob, kl.place) {
            (Some(log_prob), Some(reference), Place::Reward) => {
                self.coefficient * estimate(kl.estimator, log_prob[row], reference[row]).unwrap_or(0.0)
            }
            _ => 0.0,
        };
        let rewards: Vec<f64> = observed.proxy.iter().enumerate().map(|(row, u)| u - penalty(row)).collect();
        observed.advantage = Some(advantages(&rewards, self.settings.baseline, self.settings.advantage));
        observed.reward = Some(rewards);
    }

    fn update(&mut self, observed: &Observed, cells: &[usize], kl: f64) -> Result<(), TrainerError> {
        let weights = self.weights(observed, cells);
        let weights: Tensor<2> = Tensor::from_data(TensorData::new(weights, self.shape), &self.device);
        let log_probs = self.policy.log_probs();
        let mut loss = (log_probs.clone() * weights).sum();
        if let Some(reference) = &self.reference {
            let penalty = (log_probs.clone().exp() * (log_probs - reference.clone())).sum();
            loss = loss + penalty.mul_scalar(self.coefficient / self.shape[0] as f64);
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &self.policy);
        let policy = self.policy.clone();
        self.policy = self.optimizer.step(self.learning_rate, policy, gradients);
        self.theta = self.policy.theta().ok_or(TrainerError::Device { step: self.step })?;
        if self.theta.iter().any(|t| !t.is_finite()) {
            return Err(TrainerError::Diverged { step: self.step, trainer: "reinforce" });
        }
        self.step += 1;
        self.control(kl);
        Ok(())
    }
}
