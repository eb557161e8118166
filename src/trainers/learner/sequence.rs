//! A policy that acts step by step, in training: an advantage for every action.
//!
//! Losses are sums over the actions of a rollout and means over rollouts, so that the gradient is that of the trajectory's
//! objective, unless the trainer averages otherwise ([`LossType`](crate::trainers::loss::average::LossType)).

use super::experience::Experience;
use super::gradient::GradientLearner;
use super::model::{Fault, Model, Pass, Seen};
use super::recipe::Recipe;
use crate::foundation::numeric::sum;
use crate::policies::SequencePolicy;
use crate::rollout::{Choice, Tape};
use crate::trainers::error::TrainerError;
use crate::trainers::loss::average::Averaging;
use crate::trainers::loss::estimators::estimate;
use crate::trainers::loss::kl::{Estimator, KlPenalty};
use crate::trainers::loss::norm::shrinkage;
use crate::trainers::loss::token_credit::{Paid, TokenCredit, total_penalty};
use crate::trainers::loss::token_slopes::{Loss, slopes};
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;

/// A trainer at work on a policy that acts step by step; its trace is the tape.
pub type SequenceLearner = GradientLearner<Sequence>;

/// The policy, and buffers that are reused from step to step.
pub struct Sequence {
    policy: Box<dyn SequencePolicy>,
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
        let model = Sequence {
            gradient: vec![0.0; policy.parameters()],
            policy,
            credit: TokenCredit::default(),
            now: Choice::default(),
            d_logits: Vec::new(),
            d_values: Vec::new(),
        };
        Self::start(recipe, model, reference_proxies)
    }
}

impl Model for Sequence {
    type Policy = dyn SequencePolicy;
    type Trace = Tape;

    fn policy(&mut self) -> &mut (dyn SequencePolicy + 'static) {
        self.policy.as_mut()
    }

    fn penalty(&self, kl: &KlPenalty, coefficient: f64, experience: &Experience<'_, Tape>) -> Vec<f64> {
        total_penalty(kl, coefficient, experience.trace)
    }

    fn credit(&mut self, paid: &Paid<'_>, experience: &Experience<'_, Tape>) -> (Vec<f64>, Option<Vec<f64>>) {
        let tape = experience.trace;
        self.credit.fill(paid, tape);
        let per_row = |of: &dyn Fn(usize) -> f64| tape.per_row(|t, row| of(t * tape.rows + row));
        let mut advantage = per_row(&|place| self.credit.advantage[place]);
        for (advantage, length) in advantage.iter_mut().zip(&tape.lengths) {
            *advantage /= f64::from((*length).max(1));
        }
        let square = per_row(&|place| {
            let prob = &tape.choice.prob[place * tape.actions..][..tape.actions];
            let chosen = prob[tape.chosen[place] as usize];
            let norm = 1.0 - 2.0 * chosen + prob.iter().map(|p| p * p).sum::<f64>();
            self.credit.advantage[place].powi(2) * norm.max(0.0)
        });
        (advantage, Some(square.into_iter().map(f64::sqrt).collect()))
    }

    fn distance(&mut self, experience: &Experience<'_, Tape>) -> f64 {
        let tape = experience.trace;
        tape.reconsider(self.policy.as_mut(), &mut self.now);
        let off = tape.per_row(|t, row| {
            let place = t * tape.rows + row;
            estimate(Estimator::K3, tape.choice.log_prob[place], self.now.log_prob[place]).unwrap_or(0.0)
        });
        sum(experience.weight.select(&off))
    }

    fn descend(
        &mut self,
        pass: &Pass<'_>,
        experience: &Experience<'_, Tape>,
        optimizer: &mut ModuleOptimizer,
    ) -> Result<Seen, Fault> {
        let tape = experience.trace;
        let part;
        let (part, now) = if pass.rows.len() == tape.rows {
            if !pass.fresh {
                tape.reconsider(self.policy.as_mut(), &mut self.now);
            }
            (tape, if pass.fresh { &tape.choice } else { &self.now })
        } else {
            part = tape.select(pass.rows.clone());
            part.reconsider(self.policy.as_mut(), &mut self.now);
            (&part, &self.now)
        };
        let averaging = Averaging {
            loss_type: pass.objective.loss_type,
            mask_truncated: pass.objective.mask_truncated,
            weight: experience.weight,
            minibatches: pass.minibatches,
        };
        let loss = Loss {
            objective: pass.objective,
            coefficient: pass.coefficient,
            credit: &self.credit,
            shares: &averaging.shares(tape, pass.rows.clone()),
            rows: (pass.rows.start, tape.rows),
            later: pass.later,
        };
        let (looks, clipped) = slopes(&loss, part, now, &mut self.d_logits, &mut self.d_values);
        let unreadable = |_| Fault::Unreadable;
        self.policy.backward(&self.d_logits, &self.d_values, &mut self.gradient).map_err(unreadable)?;
        if let Some(factor) =
            pass.largest_norm.and_then(|largest| shrinkage(self.gradient.iter().copied(), largest))
        {
            self.gradient.iter_mut().for_each(|g| *g *= factor);
        }
        self.policy.descend(optimizer, pass.learning_rate, &self.gradient).map_err(unreadable)?;
        if self.policy.weights().iter().any(|w| !w.is_finite()) {
            return Err(Fault::Diverged);
        }
        Ok(Seen { looks, clipped })
    }

    fn hold(&mut self, _: f64) -> Result<(), Fault> {
        Err(Fault::Unheld)
    }

    fn save(&self) -> Result<Vec<u8>, RecordError> {
        self.policy.save()
    }

    fn restore(&mut self, bytes: Vec<u8>) -> Result<Result<(), Fault>, RecordError> {
        self.policy.restore(&bytes).map(Ok)
    }
}
