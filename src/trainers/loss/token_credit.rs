//! From rewards to an advantage for every action.

use super::advantage::{Baseline, Scale, advantages};
use super::compared::compared;
use super::estimators::estimate;
use super::gae::gae;
use super::kl::{KlPenalty, Per, Place};
use super::objective::{Credit, Objective};
use super::weight::Weight;
use crate::rollout::Tape;

/// What each action is credited with. Arrays have shape \[positions, rows\], as on the tape.
#[derive(Debug, Clone, Default)]
pub(in crate::trainers) struct TokenCredit {
    pub advantage: Vec<f64>,
    /// What the value head should have said; empty without one.
    pub target: Vec<f64>,
    /// What it said when the actions were sampled.
    pub value: Vec<f64>,
}

/// The KL penalty of each rollout, in units of reward; 0 where it is not placed in the reward.
pub(in crate::trainers) fn total_penalty(kl: &KlPenalty, coefficient: f64, tape: &Tape) -> Vec<f64> {
    match (kl.place, kl.per) {
        (Place::Loss, _) => vec![0.0; tape.rows],
        (Place::Reward, Per::Token) => tape.per_row(|t, row| coefficient * token_estimate(kl, tape, t, row)),
        (Place::Reward, Per::Sequence) => {
            let log_prob = tape.per_row(|t, row| tape.choice.log_prob[t * tape.rows + row]);
            let reference = tape.per_row(|t, row| tape.ref_log_prob(t, row));
            let both = log_prob.iter().zip(&reference);
            both.map(|(p, r)| coefficient * estimate(kl.estimator, *p, *r).unwrap_or(0.0)).collect()
        }
    }
}

fn token_estimate(kl: &KlPenalty, tape: &Tape, position: usize, row: usize) -> f64 {
    let log_prob = tape.choice.log_prob[position * tape.rows + row];
    estimate(kl.estimator, log_prob, tape.ref_log_prob(position, row)).unwrap_or(0.0)
}

/// What rollouts are paid, and what they had to pay for leaving the reference.
#[derive(Clone, Copy)]
pub struct Paid<'a> {
    /// The loss.
    pub objective: &'a Objective,
    /// The KL coefficient in force.
    pub coefficient: f64,
    /// Shaped labels, one a row.
    pub shaped: &'a [f64],
    /// KL penalty of each rollout, in units of reward.
    pub penalty: &'a [f64],
    /// Shaped labels less the penalties.
    pub rewards: &'a [f64],
    /// What reward functions of their own pay, by name: part of the labels.
    pub functions: &'a [(String, Vec<f64>)],
    /// Numbers that rows share which are compared with each other.
    pub groups: &'a [u64],
    /// Which rows count.
    pub weight: Weight<'a>,
}

impl TokenCredit {
    /// Fills in the credit of a batch; rows of weight 0 have none.
    pub fn fill(&mut self, paid: &Paid<'_>, tape: &Tape) {
        let credit = paid.objective.credit;
        if let Credit::Critic { scale, gamma, lambda } = credit {
            return self.critic(paid, (scale, gamma, lambda), tape);
        }
        let per_row =
            compared(credit, paid.rewards, paid.functions, paid.groups, paid.weight).unwrap_or_default();
        self.target.clear();
        self.value.clear();
        self.advantage.clear();
        for position in 0..tape.positions {
            let own = |(row, a): (usize, &f64)| if tape.acts(position, row) { *a } else { 0.0 };
            self.advantage.extend(per_row.iter().enumerate().map(own));
        }
    }

    /// Generalised advantage estimation along each rollout: the penalty is paid action by action, the label at the end.
    fn critic(&mut self, paid: &Paid<'_>, (scale, gamma, lambda): (Scale, f64, f64), tape: &Tape) {
        let Paid { objective: Objective { kl, .. }, coefficient, shaped, penalty, weight, .. } = *paid;
        let rows = tape.rows;
        for numbers in [&mut self.advantage, &mut self.target, &mut self.value] {
            numbers.clear();
            numbers.resize(tape.positions * rows, 0.0);
        }
        let by_token = (kl.place, kl.per) == (Place::Reward, Per::Token);
        let (mut flat, mut places) = (Vec::new(), Vec::new());
        for row in (0..rows).filter(|&row| weight.counts(row)) {
            let length = tape.lengths[row] as usize;
            let value = |t: usize| tape.choice.values.get(t * rows + row).copied().map_or(0.0, f64::from);
            let values: Vec<f64> = (0..length).map(value).collect();
            let mut rewards: Vec<f64> = if by_token {
                (0..length).map(|t| -coefficient * token_estimate(kl, tape, t, row)).collect()
            } else {
                vec![0.0; length]
            };
            if let Some(last) = rewards.last_mut() {
                *last += shaped[row] - if by_token { 0.0 } else { penalty[row] };
            }
            let done: Vec<bool> = (1..=length).map(|t| t == length).collect();
            for (t, own) in gae(&rewards, &values, &done, 0.0, gamma, lambda).into_iter().enumerate() {
                let place = t * rows + row;
                (self.value[place], self.target[place]) = (values[t], own + values[t]);
                flat.push(own);
                places.push(place);
            }
        }
        if scale != Scale::Raw {
            flat = advantages(&flat, Baseline::Mean, scale);
        }
        for (place, own) in places.into_iter().zip(flat) {
            self.advantage[place] = own;
        }
    }
}
