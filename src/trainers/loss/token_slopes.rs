//! The derivatives of a loss in the logits of every action, and in the values.

use super::estimators::slope;
use super::kl::{Estimator, Per, Place};
use super::objective::Objective;
use super::surrogate::Surrogate;
use super::token_credit::TokenCredit;
use super::weight::Weight;
use crate::rollout::{Choice, Tape};

/// What decides a loss beside the policy.
pub(in crate::trainers) struct Loss<'a> {
    pub objective: &'a Objective,
    pub coefficient: f64,
    /// Credit of the whole batch.
    pub credit: &'a TokenCredit,
    /// Which rows of the whole batch count.
    pub weight: Weight<'a>,
    /// First row of this part in the batch, and rows of the batch.
    pub rows: (usize, usize),
    /// Whether the batch has been passed over before.
    pub later: bool,
}

impl Loss<'_> {
    /// Whether a row of this part counts.
    fn counts(&self, row: usize) -> bool {
        self.weight.counts(self.rows.0 + row)
    }
}

/// Writes the derivatives of the loss on `tape` for a policy that would choose as `now`: of −(1/B) Σ surrogate, plus the KL
/// penalty where it is placed in the loss, minus the entropy bonus, plus the value head's loss, over the B rows that count. Gives
/// the number of their actions, and of those that the clip has cut off.
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
    let share = 1.0 / loss.weight.total(loss.rows.0..loss.rows.0 + rows) as f64;
    d_logits.clear();
    d_logits.resize(tape.positions * rows * actions, 0.0);
    d_values.clear();
    d_values.resize(now.values.len(), 0.0);
    let penalty = Penalty::new(loss, tape, now);
    let masked = loss.later && matches!(objective.surrogate, Some((Surrogate::Masked, _)));
    let (mut looks, mut clipped) = (0, 0);
    for position in 0..tape.positions {
        for row in (0..rows).filter(|&row| tape.acts(position, row) && loss.counts(row)) {
            let place = position * rows + row;
            let whole = position * loss.rows.1 + loss.rows.0 + row;
            let (advantage, log_prob) = (loss.credit.advantage[whole], now.log_prob[place]);
            let push = match objective.surrogate {
                None => Some(advantage),
                Some((kind, epsilon)) => {
                    kind.push(advantage, log_prob - tape.choice.log_prob[place], epsilon)
                }
            };
            looks += 1;
            clipped += usize::from(push.is_none());
            let push = -push.unwrap_or(0.0);
            let (weight, apart) = if masked { (0.0, push) } else { (push, 0.0) };
            let weight = weight + penalty.of(tape, position, row, log_prob);
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

/// The KL penalty's part of the weight of ln π of each action taken.
struct Penalty {
    coefficient: f64,
    estimator: Estimator,
    /// Whether the sum over all next actions is differentiated too.
    exact: bool,
    in_loss: bool,
    /// Derivative in ln π of the trajectory, one a row, where the penalty is one of the whole.
    whole: Option<Vec<f64>>,
    /// KL still to come after each place, less the mean of the others, for the exact penalty.
    to_come: Vec<f64>,
}

impl Penalty {
    fn new(loss: &Loss<'_>, tape: &Tape, now: &Choice) -> Self {
        let kl = &loss.objective.kl;
        let in_loss = kl.place == Place::Loss && loss.coefficient > 0.0;
        let exact = in_loss && kl.estimator == Estimator::Exact;
        let whole = (in_loss && !exact && kl.per == Per::Sequence).then(|| {
            let log_prob = tape.per_row(|t, row| now.log_prob[t * tape.rows + row]);
            let reference = tape.per_row(|t, row| tape.ref_log_prob(t, row));
            log_prob.iter().zip(&reference).map(|(p, r)| slope(kl.estimator, *p, *r)).collect()
        });
        let to_come = if exact { to_come(loss, tape, now) } else { Vec::new() };
        Self { coefficient: loss.coefficient, estimator: kl.estimator, exact, in_loss, whole, to_come }
    }

    fn of(&self, tape: &Tape, position: usize, row: usize, log_prob: f64) -> f64 {
        let slope = match (self.in_loss, self.exact, &self.whole) {
            (false, ..) => return 0.0,
            (_, true, _) => self.to_come[position * tape.rows + row],
            (_, _, Some(whole)) => whole[row],
            _ => slope(self.estimator, log_prob, tape.ref_log_prob(position, row)),
        };
        self.coefficient * slope
    }
}

/// Σ of the next-action KL over the positions after each place, less the mean of the other rows that act there and count.
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
        let acting = (0..rows).filter(|&row| tape.acts(position, row) && loss.counts(row)).count();
        let row_sums = &mut sums[position * rows..(position + 1) * rows];
        let counted = |(row, sum): (usize, &f64)| if loss.counts(row) { *sum } else { 0.0 };
        let total: f64 = row_sums.iter().enumerate().map(counted).sum();
        for own in row_sums {
            // Leaving a row out of its own baseline keeps the gradient unbiased.
            *own = if acting > 1 { *own - (total - *own) / (acting - 1) as f64 } else { *own };
        }
    }
    sums
}
