//! Learning by gradient descent, on a table or in a process: credit, passes over a batch, early stops, the KL coefficient, and
//! what is kept of it.

use super::checkpoint::{Memory, unusable};
use super::contract::{Credited, Learner};
use super::experience::Experience;
use super::model::{Fault, Model, Pass};
use super::recipe::Recipe;
use super::sweep::sweep;
use crate::trainers::error::TrainerError;
use crate::trainers::loss::kl::Controller;
use crate::trainers::loss::shaping::Shaper;
use crate::trainers::loss::token_credit::Paid;
use burn::optim::ModuleOptimizer;
use burn::tensor::Bytes;

/// A recipe at work on a model.
pub struct GradientLearner<M> {
    recipe: Recipe,
    model: M,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    coefficient: f64,
    shaper: Shaper,
    clip_fraction: Option<f64>,
    step: u64,
    /// Whether the KL has passed the early stop.
    stopped: bool,
}

impl<M: Model> GradientLearner<M> {
    /// Starts at the policy as it is. `reference_proxies` are the proxies of rollouts of the reference, which the shaping of
    /// rewards is scaled by; unused without one.
    pub(super) fn start(recipe: Recipe, model: M, reference_proxies: &[f64]) -> Result<Self, TrainerError> {
        let (optimizer, learning_rate) = recipe.optimizer.build();
        // Of what was made before, and of this one's weights before their tracking was given up.
        sweep();
        Ok(Self {
            shaper: recipe.shaping.fit(reference_proxies)?,
            coefficient: recipe.objective.kl.coefficient.get(),
            recipe,
            model,
            optimizer,
            learning_rate,
            clip_fraction: None,
            step: 0,
            stopped: false,
        })
    }

    /// All passes over a batch.
    fn learn(&mut self, experience: &Experience<'_, M::Trace>) -> Result<(), TrainerError> {
        let rows = experience.labels.len();
        let size = rows.div_ceil(self.recipe.minibatches as usize).max(1);
        let (mut clipped, mut looks, mut fresh) = (0, 0, true);
        self.model.begin(experience);
        for epoch in 0..self.recipe.epochs {
            if epoch > 0 && self.strayed(experience) {
                break;
            }
            for first in (0..rows).step_by(size) {
                let part = first..(first + size).min(rows);
                if experience.weight.total(part.clone()) == 0 {
                    continue;
                }
                let pass = Pass {
                    objective: &self.recipe.objective,
                    coefficient: self.coefficient,
                    largest_norm: self.recipe.max_grad_norm,
                    learning_rate: self.learning_rate,
                    minibatches: self.recipe.minibatches,
                    rows: part,
                    later: epoch > 0,
                    fresh,
                };
                let seen = self.model.descend(&pass, experience, &mut self.optimizer);
                let seen = seen.map_err(|fault| self.error(fault))?;
                (clipped, looks) = (clipped + seen.clipped, looks + seen.looks);
                fresh = false;
            }
        }
        let clips = self.recipe.objective.surrogate.is_some() && looks > 0;
        self.clip_fraction = clips.then(|| clipped as f64 / looks as f64);
        Ok(())
    }

    /// Whether the policy has left the one that sampled by more than the target, by the mean k3 estimate.
    fn strayed(&mut self, experience: &Experience<'_, M::Trace>) -> bool {
        let Some(target) = self.recipe.target_kl else { return false };
        let counted = experience.weight.total(0..experience.labels.len());
        self.model.distance(experience) > target * counted as f64
    }

    fn error(&self, fault: Fault) -> TrainerError {
        match fault {
            Fault::Unreadable => TrainerError::Device { step: self.step },
            Fault::Unheld => TrainerError::Unheld { trainer: self.recipe.name },
            Fault::Diverged => TrainerError::Diverged { step: self.step, trainer: self.recipe.name },
        }
    }
}

impl<M: Model> Learner for GradientLearner<M> {
    type Policy = M::Policy;
    type Trace = M::Trace;

    fn policy(&mut self) -> &mut M::Policy {
        self.model.policy()
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

    fn credit(&mut self, experience: &Experience<'_, M::Trace>) -> Credited {
        let objective = &self.recipe.objective;
        let shaped: Vec<f64> = experience.labels.iter().map(|u| self.shaper.apply(*u)).collect();
        let penalty = self.model.penalty(&objective.kl, self.coefficient, experience);
        let reward: Vec<f64> = shaped.iter().zip(&penalty).map(|(u, p)| u - p).collect();
        let paid = Paid {
            objective,
            coefficient: self.coefficient,
            shaped: &shaped,
            penalty: &penalty,
            rewards: &reward,
            functions: &experience.observed.parts,
            groups: &experience.observed.group,
            weight: experience.weight,
        };
        let (advantage, gradient_norm) = self.model.credit(&paid, experience);
        Credited { reward, advantage: Some(advantage), gradient_norm }
    }

    fn update(&mut self, experience: &Experience<'_, M::Trace>, kl: f64) -> Result<(), TrainerError> {
        let kl_penalty = &self.recipe.objective.kl;
        self.stopped |= kl_penalty.stop.is_some_and(|most| kl > most.get());
        if self.stopped {
            self.clip_fraction = None;
            self.step += 1;
            return Ok(());
        }
        self.learn(experience)?;
        if let Controller::Project { target } = self.recipe.objective.kl.controller {
            self.model.hold(target.get()).map_err(|fault| self.error(fault))?;
        }
        self.step += 1;
        let counted = experience.weight.total(0..experience.labels.len());
        self.coefficient = self.recipe.objective.kl.controller.next(self.coefficient, kl, counted);
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, TrainerError> {
        let memory = Memory {
            network: self.model.save().map_err(unusable)?,
            optimizer: self.optimizer.into_bytes().map_err(unusable)?.to_vec(),
            coefficient: self.coefficient,
            step: self.step,
            stopped: self.stopped,
        };
        Ok(memory.to_bytes())
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError> {
        let memory = Memory::from_bytes(state)?;
        let read = self.model.restore(memory.network).map_err(unusable)?;
        let (fresh, _) = self.recipe.optimizer.build();
        self.optimizer = fresh.from_bytes(Bytes::from_bytes_vec(memory.optimizer)).map_err(unusable)?;
        (self.coefficient, self.step, self.stopped) = (memory.coefficient, memory.step, memory.stopped);
        read.map_err(|fault| self.error(fault))
    }
}
