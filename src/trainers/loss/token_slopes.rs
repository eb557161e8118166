//! The derivatives of a loss in the logits of every action, and in the values.

use super::estimators::{corrected_slope, estimate, slope};
use super::kl::{Estimator, Per, Place};
use super::objective::Objective;
use super::surrogate::{ImportanceSamplingLevel, Surrogate};
use super::token_credit::TokenCredit;
use crate::rollout::{Choice, Tape};

/// What decides a loss beside the policy.
pub(in crate::trainers) struct Loss<'a> {
    pub objective: &'a Objective,
    pub coefficient: f64,
    /// Credit of the whole batch.
    pub credit: &'a TokenCredit,
    /// What the loss of each action of a row of this part is multiplied by; `None` for a row without a part in the loss.
    pub shares: &'a [Option<f64>],
    /// First row of this part in the batch, and rows of the batch.
    pub rows: (usize, usize),
    /// Whether the batch has been passed over before.
    pub later: bool,
}

impl Loss<'_> {
    /// Rows of a part that act at a position and have a share in the loss, with their shares.
    fn acting<'a>(&'a self, tape: &'a Tape, position: usize) -> impl Iterator<Item = (usize, f64)> + 'a {
        let shared = self.shares.iter().enumerate().filter_map(|(row, share)| Some((row, (*share)?)));
        shared.filter(move |(row, _)| tape.acts(position, *row))
    }
}

/// Writes the derivatives of the loss on `tape` for a policy that would choose as `now`: of −surrogate, plus the KL penalty
/// where it is placed in the loss, minus the entropy bonus, plus the value head's loss, summed over all actions by their shares. Gives
/// the number of actions that have a share, and of those that the clip has cut off.
///
/// The exact KL of a trajectory is the expected sum over positions of the KL of the next action. Its gradient has two parts:
/// that of each term, summed over all actions, and the score of what was sampled times the KL that is still to come, less the
/// mean of the other rows.
pub(in crate::trainers) fn slopes(
    loss: &Loss<'_>,
    tape: &Tape,
    now: &Choice,
    d_logits: &mut Vec<f32>,
    d_values: &mut Vec<f32>,
) -> (usize, usize) {
    let (rows, actions, objective) = (tape.rows, tape.actions, loss.objective);
    d_logits.clear();
    d_logits.resize(tape.positions * rows * actions, 0.0);
    d_values.clear();
    d_values.resize(now.values.len(), 0.0);
    let masked = loss.later && objective.surrogate.is_some_and(|clip| clip.surrogate == Surrogate::Masked);
    let ratios = Ratios::of(objective, tape, now);
    let penalty = Penalty::new(loss, tape, now, &ratios);
    let (mut looks, mut clipped) = (0, 0);
    for position in 0..tape.positions {
        for (row, share) in loss.acting(tape, position) {
            let place = position * rows + row;
            let whole = position * loss.rows.1 + loss.rows.0 + row;
            let (advantage, log_prob) = (loss.credit.advantage[whole], now.log_prob[place]);
            let log_ratio = ratios.at(row, log_prob - tape.choice.log_prob[place]);
            let push = match objective.surrogate {
                None => Some(advantage),
                Some(clip) => clip.push(advantage, log_ratio),
            };
            looks += 1;
            clipped += usize::from(push.is_none());
            let push = -push.unwrap_or(0.0);
            let (weight, apart) = if masked { (0.0, push) } else { (push, 0.0) };
            let weight = weight + penalty.of(tape, (position, row), log_prob, log_ratio);
            let prob = &now.prob[place * actions..][..actions];
            let d = &mut d_logits[place * actions..][..actions];
            for (d, p) in d.iter_mut().zip(prob) {
                *d = (-weight * share * p) as f32;
            }
            d[tape.chosen[place] as usize] += ((weight + apart) * share) as f32;
            if penalty.exact || objective.entropy > 0.0 {
                let reference = &tape.reference[place * actions..][..actions];
                let (kl, entropy) = (now.kl[place], now.entropy[place]);
                let beta = if penalty.exact { loss.coefficient } else { 0.0 };
                for ((d, p), r) in d.iter_mut().zip(prob).zip(reference).filter(|((_, p), _)| **p > 0.0) {
                    let log_p = p.ln();
                    let term = beta * (log_p - r - kl) + objective.entropy * (log_p + entropy);
                    *d += (share * p * term) as f32;
                }
            }
            if let Some((coefficient, range)) = objective.value {
                let (value, old) = (f64::from(now.values[place]), loss.credit.value[whole]);
                let (held, target) = (old + (value - old).clamp(-range, range), loss.credit.target[whole]);
                // max of ½(V − R)² and ½(V held − R)²: the latter does not depend on V where it is larger.
                if (value - target).abs() >= (held - target).abs() {
                    d_values[place] = (coefficient * (value - target) * share) as f32;
                }
            }
        }
    }
    (looks, clipped)
}

/// ln of the ratio of π to the policy that sampled.
struct Ratios {
    /// Its mean over the actions of each row, where the ratio is that of the rollout.
    whole: Option<Vec<f64>>,
}

impl Ratios {
    fn of(objective: &Objective, tape: &Tape, now: &Choice) -> Self {
        let by_rollout =
            objective.surrogate.is_some_and(|clip| clip.level == ImportanceSamplingLevel::Sequence);
        let own = |place: usize| now.log_prob[place] - tape.choice.log_prob[place];
        Self { whole: by_rollout.then(|| mean_per_row(tape, |t, row| own(t * tape.rows + row))) }
    }

    /// That of an action whose own is `own`.
    fn at(&self, row: usize, own: f64) -> f64 {
        self.whole.as_ref().map_or(own, |whole| whole[row])
    }
}

/// Mean over the actions of each row of a quantity of shape \[positions, rows\].
fn mean_per_row(tape: &Tape, quantity: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let sums = tape.per_row(quantity).into_iter().zip(&tape.lengths);
    sums.map(|(sum, length)| sum / f64::from((*length).max(1))).collect()
}

/// The KL penalty's part of the weight of ln π of each action taken.
struct Penalty {
    coefficient: f64,
    estimator: Estimator,
    /// Whether the sum over all next actions is differentiated too.
    exact: bool,
    in_loss: bool,
    /// Whether the estimate is multiplied by the ratio.
    corrected: bool,
    /// Derivative in ln π of the trajectory, one a row, where the penalty is one of the whole.
    whole: Option<Vec<f64>>,
    /// Mean of the estimate over the actions of each row, where it is multiplied by the ratio of the rollout.
    mean: Option<Vec<f64>>,
    /// KL still to come after each place, less the mean of the others, for the exact penalty.
    to_come: Vec<f64>,
}

impl Penalty {
    fn new(loss: &Loss<'_>, tape: &Tape, now: &Choice, ratios: &Ratios) -> Self {
        let kl = &loss.objective.kl;
        let in_loss = kl.place == Place::Loss && loss.coefficient > 0.0;
        let exact = in_loss && kl.estimator == Estimator::Exact;
        let corrected = in_loss && loss.objective.corrects_kl;
        let whole = (in_loss && !exact && kl.per == Per::Sequence).then(|| {
            let log_prob = tape.per_row(|t, row| now.log_prob[t * tape.rows + row]);
            let reference = tape.per_row(|t, row| tape.ref_log_prob(t, row));
            log_prob.iter().zip(&reference).map(|(p, r)| slope(kl.estimator, *p, *r)).collect()
        });
        let of = |t: usize, row: usize| {
            let log_prob = now.log_prob[t * tape.rows + row];
            estimate(kl.estimator, log_prob, tape.ref_log_prob(t, row)).unwrap_or(0.0)
        };
        let mean = (corrected && ratios.whole.is_some()).then(|| mean_per_row(tape, of));
        let to_come = if exact { to_come(loss, tape, now) } else { Vec::new() };
        let (coefficient, estimator) = (loss.coefficient, kl.estimator);
        Self { coefficient, estimator, exact, in_loss, corrected, whole, mean, to_come }
    }

    fn of(&self, tape: &Tape, (position, row): (usize, usize), log_prob: f64, log_ratio: f64) -> f64 {
        let reference = || tape.ref_log_prob(position, row);
        let slope = match (self.in_loss, self.exact, &self.whole, &self.mean) {
            (false, ..) => return 0.0,
            (_, true, ..) => self.to_come[position * tape.rows + row],
            (_, _, Some(whole), _) => whole[row],
            // s·k3 of each action, where s = exp(mean of ln r) has the derivative s/|y| in ln π of each.
            (.., Some(mean)) => log_ratio.exp() * (slope(self.estimator, log_prob, reference()) + mean[row]),
            _ if self.corrected => corrected_slope(log_ratio, log_prob, reference()),
            _ => slope(self.estimator, log_prob, reference()),
        };
        self.coefficient * slope
    }
}

/// Σ of the next-action KL over the positions after each place, less the mean of the other rows that act there and have a share.
fn to_come(loss: &Loss<'_>, tape: &Tape, now: &Choice) -> Vec<f64> {
    let rows = tape.rows;
    let mut sums = vec![0.0; tape.positions * rows];
    for position in (0..tape.positions.saturating_sub(1)).rev() {
        for row in (0..rows).filter(|&row| tape.acts(position + 1, row)) {
            let next = (position + 1) * rows + row;
            sums[next - rows] = sums[next] + now.kl[next];
        }
    }
    for position in 0..tape.positions {
        let acting = loss.acting(tape, position).count();
        let row_sums = &mut sums[position * rows..(position + 1) * rows];
        let counted = |(row, sum): (usize, &f64)| if loss.shares[row].is_some() { *sum } else { 0.0 };
        let total: f64 = row_sums.iter().enumerate().map(counted).sum();
        for own in row_sums {
            // Leaving a row out of its own baseline keeps the gradient unbiased.
            *own = if acting > 1 { *own - (total - *own) / (acting - 1) as f64 } else { *own };
        }
    }
    sums
}
