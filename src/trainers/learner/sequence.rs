//! The learner of policies that act step by step: the same recipes as on a table, with an advantage for every action.
//!
//! Losses are sums over the actions of a rollout and means over rollouts, so that the gradient is that of the trajectory's
//! objective; libraries that average over tokens take a step smaller by the length.

use super::checkpoint::{Memory, unusable};
use super::recipe::Recipe;
use crate::foundation::numeric::sum;
use crate::policies::SequencePolicy;
use crate::record::{GRADIENT_NORM, Observed};
use crate::rollout::{Choice, Tape};
use crate::trainers::error::TrainerError;
use crate::trainers::loss::estimators::estimate;
use crate::trainers::loss::kl::Estimator;
use crate::trainers::loss::shaping::Shaper;
use crate::trainers::loss::token_credit::{Paid, TokenCredit, total_penalty};
use crate::trainers::loss::token_slopes::{Loss, slopes};
use burn::optim::ModuleOptimizer;
use burn::tensor::Bytes;

/// A trainer at work on a policy that acts step by step.
pub struct SequenceLearner {
    recipe: Recipe,
    shaper: Shaper,
    policy: Box<dyn SequencePolicy>,
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    coefficient: f64,
    clip_fraction: Option<f64>,
    step: u64,
    stopped: bool,
    credit: TokenCredit,
    now: Choice,
    d_logits: Vec<f32>,
    d_values: Vec<f32>,
    gradient: Vec<f32>,
}

impl SequenceLearner {
    /// Starts at the policy as it is. `reference_proxies` are the proxies of rollouts of the reference, which the shaping of
    /// rewards is scaled by; unused without one.
    ///
    /// # Errors
    /// The reference's proxies have no spread to scale by.
    pub fn new(
        recipe: Recipe,
        policy: Box<dyn SequencePolicy>,
        reference_proxies: &[f64],
    ) -> Result<Self, TrainerError> {
        let (optimizer, learning_rate) = recipe.optimizer.build();
        Ok(Self {
            shaper: recipe.shaping.fit(reference_proxies)?,
            coefficient: recipe.objective.kl.coefficient.get(),
            gradient: vec![0.0; policy.parameters()],
            recipe,
            policy,
            optimizer,
            learning_rate,
            clip_fraction: None,
            step: 0,
            stopped: false,
            credit: TokenCredit::default(),
            now: Choice::default(),
            d_logits: Vec::new(),
            d_values: Vec::new(),
        })
    }

    /// The policy as it is now. Between a rollout and the update that learns from it nobody else may show it anything.
    pub fn policy(&mut self) -> &mut dyn SequencePolicy {
        self.policy.as_mut()
    }

    /// The KL coefficient in force, in units of reward per nat.
    pub fn coefficient(&self) -> f64 {
        self.coefficient
    }

    /// Share of actions that the surrogate's clip has cut off, over all passes of the last update; `None` without a clip.
    pub fn clip_fraction(&self) -> Option<f64> {
        self.clip_fraction
    }

    /// Fills `reward` (what is optimised, KL penalty taken off), `advantage` (the mean over the rollout's actions) and the
    /// feature `gradient_norm`: the norm of the rollout's term of the policy gradient, in the logits.
    pub fn credit(&mut self, observed: &mut Observed, tape: &Tape) {
        let penalty = total_penalty(&self.recipe.objective.kl, self.coefficient, tape);
        let shaped: Vec<f64> = observed.proxy.iter().map(|u| self.shaper.apply(*u)).collect();
        observed.reward = Some(shaped.iter().zip(&penalty).map(|(u, p)| u - p).collect());
        let paid = Paid {
            kl: &self.recipe.objective.kl,
            coefficient: self.coefficient,
            proxies: &shaped,
            penalty: &penalty,
        };
        self.credit.fill(self.recipe.objective.credit, &paid, &observed.group, tape);
        let per_row = |of: &dyn Fn(usize) -> f64| tape.per_row(|t, row| of(t * tape.rows + row));
        let advantage = per_row(&|place| self.credit.advantage[place]);
        let length = |row: usize| f64::from(tape.lengths[row].max(1));
        observed.advantage = Some(advantage.iter().enumerate().map(|(row, a)| a / length(row)).collect());
        let square = per_row(&|place| {
            let prob = &tape.choice.prob[place * tape.actions..][..tape.actions];
            let chosen = prob[tape.chosen[place] as usize];
            let norm = 1.0 - 2.0 * chosen + prob.iter().map(|p| p * p).sum::<f64>();
            self.credit.advantage[place].powi(2) * norm.max(0.0)
        });
        observed.features.push((GRADIENT_NORM.to_owned(), square.into_iter().map(f64::sqrt).collect()));
    }

    /// Moves π by one batch that was credited last; `kl` is KL(π‖π₀) of the policy that sampled, in nats.
    ///
    /// # Errors
    /// The weights are no longer finite, or cannot be read back.
    pub fn update(&mut self, tape: &Tape, kl: f64) -> Result<(), TrainerError> {
        self.stopped |= self.recipe.objective.kl.stop.is_some_and(|stop| kl > stop.get());
        if self.stopped {
            self.clip_fraction = None;
            self.step += 1;
            return Ok(());
        }
        self.learn(tape)?;
        self.step += 1;
        self.coefficient = self.recipe.objective.kl.controller.next(self.coefficient, kl, tape.rows);
        Ok(())
    }

    /// All that a later step depends on, as bytes.
    ///
    /// # Errors
    /// burn could not write the weights.
    pub fn save(&self) -> Result<Vec<u8>, TrainerError> {
        let memory = Memory {
            network: self.policy.save().map_err(unusable)?,
            optimizer: self.optimizer.into_bytes().map_err(unusable)?.to_vec(),
            coefficient: self.coefficient,
            step: self.step,
            stopped: self.stopped,
        };
        Ok(memory.to_bytes())
    }

    /// Goes on from what was saved.
    ///
    /// # Errors
    /// The bytes are damaged, or of another policy.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError> {
        let memory = Memory::from_bytes(state)?;
        self.policy.restore(&memory.network).map_err(unusable)?;
        let (fresh, _) = self.recipe.optimizer.build();
        self.optimizer = fresh.from_bytes(Bytes::from_bytes_vec(memory.optimizer)).map_err(unusable)?;
        (self.coefficient, self.step, self.stopped) = (memory.coefficient, memory.step, memory.stopped);
        Ok(())
    }

    fn learn(&mut self, tape: &Tape) -> Result<(), TrainerError> {
        let size = tape.rows.div_ceil(self.recipe.minibatches as usize).max(1);
        let (mut clipped, mut looks, mut fresh) = (0, 0, true);
        for epoch in 0..self.recipe.epochs {
            if epoch > 0 && self.strayed(tape) {
                break;
            }
            for first in (0..tape.rows).step_by(size) {
                let rows = first..(first + size).min(tape.rows);
                let part;
                let (part, now) = if rows.len() == tape.rows {
                    if !fresh {
                        tape.reconsider(self.policy.as_mut(), &mut self.now);
                    }
                    (tape, if fresh { &tape.choice } else { &self.now })
                } else {
                    part = tape.select(rows.clone());
                    part.reconsider(self.policy.as_mut(), &mut self.now);
                    (&part, &self.now)
                };
                let loss = Loss {
                    objective: &self.recipe.objective,
                    coefficient: self.coefficient,
                    credit: &self.credit,
                    rows: (first, tape.rows),
                    later: epoch > 0,
                };
                let seen = slopes(&loss, part, now, &mut self.d_logits, &mut self.d_values);
                (clipped, looks) = (clipped + seen.clipped, looks + seen.actions);
                self.descend()?;
                fresh = false;
            }
        }
        self.clip_fraction =
            (self.recipe.objective.surrogate.is_some() && looks > 0).then(|| clipped as f64 / looks as f64);
        Ok(())
    }

    /// Whether the policy has left the one that sampled by more than the target, by the mean k3 estimate of each next action.
    fn strayed(&mut self, tape: &Tape) -> bool {
        let Some(target) = self.recipe.target_kl else { return false };
        tape.reconsider(self.policy.as_mut(), &mut self.now);
        let off = tape.per_row(|t, row| {
            let place = t * tape.rows + row;
            estimate(Estimator::K3, tape.choice.log_prob[place], self.now.log_prob[place]).unwrap_or(0.0)
        });
        sum(off) > target * tape.rows as f64
    }

    /// One step of the optimizer along the derivatives in the logits and values.
    fn descend(&mut self) -> Result<(), TrainerError> {
        let unreadable = |_| TrainerError::Device { step: self.step };
        self.policy.backward(&self.d_logits, &self.d_values, &mut self.gradient).map_err(unreadable)?;
        if let Some(largest) = self.recipe.max_grad_norm {
            let norm = self.gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            if norm > largest {
                let scale = (largest / norm) as f32;
                self.gradient.iter_mut().for_each(|g| *g *= scale);
            }
        }
        let unreadable = |_| TrainerError::Device { step: self.step };
        self.policy.descend(&mut self.optimizer, self.learning_rate, &self.gradient).map_err(unreadable)?;
        if self.policy.weights().iter().any(|w| !w.is_finite()) {
            return Err(TrainerError::Diverged { step: self.step, trainer: self.recipe.name });
        }
        Ok(())
    }
}
