//! Advantages of rollouts that are compared with each other.

use super::advantage::advantages;
use super::group::{group_relative, leave_one_out, normalised_then_summed};
use super::objective::Credit;
use super::weight::Weight;

/// One advantage a rollout, 0 for those of weight 0; `None` for a critic, which compares with a value head. Rows of a group are
/// adjacent and share their number in `groups`. `functions` are what reward functions of their own pay, which is part of `rewards`.
pub(in crate::trainers) fn compared(
    credit: Credit,
    rewards: &[f64],
    functions: &[(String, Vec<f64>)],
    groups: &[u64],
    weight: Weight<'_>,
) -> Option<Vec<f64>> {
    let apply = |of: &dyn Fn(&[f64]) -> Vec<f64>| Some(weight.apply(rewards, of));
    match credit {
        Credit::Batch(baseline, scale) => apply(&|kept| advantages(kept, baseline, scale)),
        Credit::LeaveOneOut => apply(&|kept| leave_one_out(kept, &weight.select(groups))),
        Credit::Group(scale) => apply(&|kept| group_relative(kept, &weight.select(groups), scale)),
        Credit::EachFunction => apply(&|kept| {
            let mut columns: Vec<Vec<f64>> = functions.iter().map(|(_, paid)| weight.select(paid)).collect();
            let mut rest = kept.to_vec();
            for column in &columns {
                rest.iter_mut().zip(column).for_each(|(rest, paid)| *rest -= paid);
            }
            columns.push(rest);
            normalised_then_summed(&columns, &weight.select(groups))
        }),
        Credit::Critic { .. } => None,
    }
}
