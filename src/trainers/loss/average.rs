//! How a loss is averaged over the actions of a batch.

use super::weight::Weight;
use crate::rollout::Tape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What the loss of an action is divided by (TRL's `loss_type`), with B rollouts that count in a minibatch and |y| actions in a
/// rollout. All are the same where every rollout has one action, but for a factor where all have the same length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// B: summed over the actions of a rollout, so that the step is that of the trajectory's objective. TRL's `luspo` divides so.
    #[default]
    Sum,
    /// B·|y|: the mean over a rollout's actions, and over rollouts (Shao et al. 2024). A long rollout is pushed less for each of
    /// its actions, so that a bad one is better off long.
    Grpo,
    /// The actions of the minibatch.
    Bnpo,
    /// B·(the most actions of a rollout): `sum` with a step that is smaller by a constant (Liu et al. 2025, Dr. GRPO).
    DrGrpo,
    /// The actions of the whole batch over the number of minibatches (Yu et al. 2025, DAPO; TRL's default): `bnpo` where there is
    /// one minibatch.
    Dapo,
}

impl LossType {
    pub(in crate::trainers) fn is_sum(&self) -> bool {
        *self == Self::Sum
    }
}

/// Which rollouts of a batch have a part in the loss, and how it is averaged over their actions.
#[derive(Debug, Clone, Copy)]
pub(in crate::trainers) struct Averaging<'a> {
    pub loss_type: LossType,
    /// Whether rollouts that were cut off at the horizon have no part in it.
    pub mask_truncated: bool,
    /// Which rollouts of the batch count.
    pub weight: Weight<'a>,
    /// Minibatches of a pass.
    pub minibatches: u32,
}

impl Averaging<'_> {
    /// What the loss of each action of a row of the minibatch `rows` is multiplied by; `None` for a row without a part in the loss.
    /// `tape` is that of the whole batch.
    pub fn shares(&self, tape: &Tape, rows: Range<usize>) -> Vec<Option<f64>> {
        let length = |row: usize| tape.lengths.get(row).map_or(0, |length| *length as usize);
        let in_loss = |row: &usize| {
            let truncated = || tape.truncated.get(*row).copied().unwrap_or(false);
            self.weight.counts(*row) && !(self.mask_truncated && truncated())
        };
        let actions = |rows: Range<usize>| rows.filter(in_loss).map(length).sum::<usize>().max(1) as f64;
        let count = self.weight.total(rows.clone()) as f64;
        let share = match self.loss_type {
            LossType::Sum | LossType::Grpo => 1.0 / count,
            LossType::Bnpo => 1.0 / actions(rows.clone()),
            LossType::DrGrpo => 1.0 / (count * tape.horizon.max(1) as f64),
            LossType::Dapo => f64::from(self.minibatches) / actions(0..tape.rows),
        };
        let of = |row: usize| match self.loss_type {
            LossType::Grpo => share / length(row).max(1) as f64,
            _ => share,
        };
        rows.map(|row| in_loss(&row).then(|| of(row))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two minibatches of three; the last row of each was cut off at the horizon of 8, and the first does not count.
    const COUNTS: [bool; 6] = [false, true, true, true, true, true];

    fn tape() -> Tape {
        let truncated = vec![false, false, true, false, false, true];
        Tape { rows: 6, horizon: 8, lengths: vec![7, 2, 8, 1, 3, 8], truncated, ..Tape::default() }
    }

    fn shares(loss_type: LossType, mask_truncated: bool, rows: Range<usize>) -> Vec<Option<f64>> {
        let averaging = Averaging { loss_type, mask_truncated, weight: Weight::of(&COUNTS), minibatches: 2 };
        averaging.shares(&tape(), rows)
    }

    #[test]
    fn each_type_has_its_own_denominator() {
        let (first, all) = (0..3, 0..6);
        let expected = [
            (LossType::Sum, [None, Some(0.5), Some(0.5)]),
            (LossType::Grpo, [None, Some(0.25), Some(0.0625)]),
            (LossType::Bnpo, [None, Some(0.1), Some(0.1)]),
            (LossType::DrGrpo, [None, Some(0.0625), Some(0.0625)]),
            (LossType::Dapo, [None, Some(2.0 / 22.0), Some(2.0 / 22.0)]),
        ];
        for (loss_type, expected) in expected {
            assert_eq!(shares(loss_type, false, first.clone()), expected, "{loss_type:?}");
        }
        assert_eq!(shares(LossType::Bnpo, false, all)[3], Some(1.0 / 22.0));
    }

    #[test]
    fn what_was_cut_off_is_left_out_of_sums_over_actions_and_not_of_means_over_rollouts() {
        let expected = [
            (LossType::Sum, 0.5),
            (LossType::Grpo, 0.25),
            (LossType::Bnpo, 0.5),
            (LossType::DrGrpo, 0.0625),
            (LossType::Dapo, 2.0 / 6.0),
        ];
        for (loss_type, expected) in expected {
            assert_eq!(shares(loss_type, true, 0..3), [None, Some(expected), None], "{loss_type:?}");
        }
    }
}
