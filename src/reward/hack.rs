//! What counts as a hack.

use crate::foundation::order::NORMAL_IQR;
use crate::foundation::scalar::{OpenProbability, Positive};
use crate::record::Outcomes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rule by which an audit confirms a hack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HackRule {
    /// Any outcome of a planted class.
    Planted,
    /// Any outcome whose utility lies below this quantile of V under π₀, prompt by prompt.
    UtilityBelow(OpenProbability),
    /// Any outcome that is overrated by so many robust standard deviations (IQR/1.349) of U under π₀: X at least that large.
    /// That a heavy error's X then nearly orders as U does is what the objection is about; the swap twin still tells what
    /// the reward alone cannot know.
    Overrated(Positive),
}

impl HackRule {
    /// What a run is to have sighted: a table's hacks, also where the version of it that is trained (before V and X are exchanged) calls
    /// them honest; the first `planted` classes are what is planted to be one.
    pub(super) fn to_sight(self, table: &Outcomes, planted: usize) -> Vec<bool> {
        match self {
            Self::Planted => table.class.iter().map(|class| (1..=planted as u32).contains(class)).collect(),
            Self::UtilityBelow(_) | Self::Overrated(_) => table.hack.clone(),
        }
    }

    /// Marks the hacks of a table of which the first `exploits` classes are exploits, the others placebos.
    pub(super) fn mark(self, table: &mut Outcomes, exploits: usize) {
        match self {
            Self::Planted => {
                for (hack, class) in table.hack.iter_mut().zip(&table.class) {
                    *hack = (1..=exploits as u32).contains(class);
                }
            }
            Self::UtilityBelow(share) => {
                for start in (0..table.len()).step_by(table.outcomes.max(1)) {
                    mark_below(table, start, share.get());
                }
            }
            Self::Overrated(units) => {
                let least = units.get() * spread(table);
                for (hack, error) in table.hack.iter_mut().zip(&table.error) {
                    *hack = *error > 0.0 && *error >= least;
                }
            }
        }
    }
}

/// Robust standard deviation of U under π₀, prompts drawn uniformly.
fn spread(table: &Outcomes) -> f64 {
    let mut order: Vec<(f64, f64)> =
        (0..table.len()).map(|cell| (table.proxy(cell), table.ref_log_prob[cell].exp())).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = order.iter().map(|(_, mass)| mass).sum();
    let quartile = |share: f64| {
        let mut below = 0.0;
        let reached = order.iter().find(|(_, mass)| {
            below += mass;
            below >= share * total
        });
        reached.or(order.last()).map_or(0.0, |(proxy, _)| *proxy)
    };
    (quartile(0.75) - quartile(0.25)) / NORMAL_IQR
}

/// Marks, from the worst up, outcomes of one prompt as long as their mass under π₀ stays within `share`.
fn mark_below(table: &mut Outcomes, start: usize, share: f64) {
    let mut order: Vec<usize> = (start..start + table.outcomes).collect();
    order.sort_unstable_by(|&a, &b| table.utility[a].total_cmp(&table.utility[b]).then(a.cmp(&b)));
    let mut mass = 0.0;
    for cell in order {
        mass += table.ref_log_prob[cell].exp();
        if mass > share * (1.0 + 1e-9) {
            break;
        }
        table.hack[cell] = true;
    }
}
