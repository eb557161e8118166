//! What a policy is worth: summed over every trajectory where that is possible, beside which sampled estimates can be held.

use crate::foundation::numeric::{CompensatedSum, mean, variance};
use crate::metrics::harm::{attributable_loss, sampled_loss};
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::reward::{Propagated, RewardModel};
use crate::rollout::{Batch, Tape};
use serde::{Deserialize, Serialize};

/// Cells that are added up plainly; blocks are added with compensation.
const BLOCK: usize = 64;

/// Expectations under π, prompts drawn uniformly. KL and entropy in nats, of whole trajectories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectations {
    /// How they were made.
    pub method: Method,
    /// E\[V\].
    pub utility: f64,
    /// Standard error of `utility`; `None` where it is exact.
    pub utility_se: Option<f64>,
    /// E\[X\].
    pub error: f64,
    /// KL(π‖π₀).
    pub kl: f64,
    /// Entropy of π.
    pub entropy: f64,
    /// Probability of a hack.
    pub p_hack: f64,
    /// E\[U·1(hack)\]: the part of the proxy that hacks supply.
    pub proxy_from_hacks: f64,
    /// Attributable loss: what the mass on hacks costs, E\[V | not hack\] − E\[V\], prompt by prompt where it is exact. `None`
    /// where nothing but hacks is left.
    pub loss: Option<f64>,
    /// Standard error of `loss`; `None` where it is exact, and where no hack was sampled.
    pub loss_se: Option<f64>,
    /// The same of placebos, where some are planted: a measure of harm must find none in them.
    pub placebo_loss: Option<f64>,
    /// Largest probability of a trajectory given its prompt, where all were summed over.
    pub top_mass: Option<f64>,
}

/// How expectations were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Summed over every trajectory.
    #[default]
    Enumerated,
    /// Utility, KL, entropy and P(hack) summed over states by dynamic programming; the error too where triggers are all of it, else
    /// it is the sample's mean.
    Propagated,
    /// Means of the sample. KL and entropy are sums of those of each next action, given what was sampled before it: unbiased,
    /// and far less noisy than the mean log-ratio.
    Sampled,
}

impl Method {
    /// The name in `steps.csv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enumerated => "enumerated",
            Self::Propagated => "propagated",
            Self::Sampled => "sampled",
        }
    }
}

impl Expectations {
    /// Sums over the table.
    pub fn enumerated(policy: &Snapshot, table: &Outcomes) -> Self {
        let mut sums = [CompensatedSum::default(); 7];
        let mut top_mass = 0f64;
        let mut cells = policy.rows().flat_map(|row| row.probs().zip(row.log_probs()));
        let (mut probs, mut log_probs) = ([0.0; BLOCK], [0.0; BLOCK]);
        for start in (0..table.len()).step_by(BLOCK) {
            let own = start..(start + BLOCK).min(table.len());
            let to = probs.iter_mut().zip(&mut log_probs);
            to.zip(cells.by_ref().take(own.len())).for_each(|((p, log_p), now)| (*p, *log_p) = now);
            let (utility, error) = (&table.utility[own.clone()], &table.error[own.clone()]);
            let columns = utility.iter().zip(error).zip(&table.ref_log_prob[own.clone()]);
            let mut block = [0.0; 7];
            for ((p, log_p), ((utility, error), reference)) in probs.iter().zip(&log_probs).zip(columns) {
                block[0] += p * utility;
                block[1] += p * error;
                // Without mass there is nothing to add, also where the reference has none.
                block[2] += if *p > 0.0 { p * (log_p - reference) } else { 0.0 };
                block[3] -= if *p > 0.0 { p * log_p } else { 0.0 };
                top_mass = if *p > top_mass { *p } else { top_mass };
            }
            if table.hack[own.clone()].contains(&true) {
                for (cell, p) in own.zip(&probs).filter(|(cell, _)| table.hack[*cell]) {
                    block[4] += p;
                    block[5] += p * table.proxy(cell);
                    block[6] += p * table.utility[cell];
                }
            }
            sums.iter_mut().zip(block).for_each(|(sum, block)| sum.add(block));
        }
        let prompts = table.prompts.max(1) as f64;
        let [utility, error, kl, entropy, p_hack, proxy_from_hacks, within] =
            sums.map(|s| s.value() / prompts);
        let loss = match table.prompts {
            _ if p_hack == 0.0 => Some(0.0),
            1 => attributable_loss(p_hack, within, utility),
            _ => by_prompt(policy, table, &|cell| table.hack[cell]),
        };
        Self {
            method: Method::Enumerated,
            utility,
            utility_se: None,
            error,
            kl: kl.max(0.0),
            entropy,
            p_hack: p_hack.min(1.0),
            proxy_from_hacks,
            loss,
            loss_se: None,
            placebo_loss: None,
            top_mass: Some(top_mass),
        }
    }

    /// The same, with what the placebos of the reward model cost.
    pub fn placebos(self, policy: &Snapshot, table: &Outcomes, model: &RewardModel) -> Self {
        let is_placebo = |cell: usize| model.is_placebo(table.class[cell]);
        let loss = || by_prompt(policy, table, &is_placebo);
        Self { placebo_loss: model.has_placebos().then(loss).flatten(), ..self }
    }

    /// Means of a batch of a reward model's rollouts.
    pub fn sampled(batch: &Batch, tape: &Tape, model: &RewardModel) -> Self {
        let (observed, truth) = (&batch.observed, &batch.truth);
        let average = |values: &[f64]| mean(values).unwrap_or(0.0);
        let rows = observed.len().max(1) as f64;
        let loss = sampled_loss(&truth.utility, &truth.hack).ok();
        let placebo = || {
            let placebos: Vec<bool> = truth.class.iter().map(|class| model.is_placebo(*class)).collect();
            Some(sampled_loss(&truth.utility, &placebos).ok()?.0)
        };
        let hacks = || truth.hack.iter().zip(&observed.proxy).filter(|(hack, _)| **hack);
        Self {
            method: Method::Sampled,
            utility: average(&truth.utility),
            utility_se: variance(&truth.utility).map(|v| (v / rows).sqrt()),
            error: average(&truth.error),
            kl: average(&tape.per_row(|t, row| tape.choice.kl[t * tape.rows + row])),
            entropy: average(&tape.per_row(|t, row| tape.choice.entropy[t * tape.rows + row])),
            p_hack: hacks().count() as f64 / rows,
            proxy_from_hacks: hacks().map(|(_, u)| u).sum::<f64>() / rows,
            loss: loss.map(|(loss, _)| loss),
            loss_se: loss.and_then(|(_, se)| se),
            placebo_loss: model.has_placebos().then(placebo).flatten(),
            top_mass: None,
        }
    }

    /// The sample's means, with what dynamic programming knows exactly put in their place.
    pub fn propagated(self, known: &Propagated) -> Self {
        Self {
            method: Method::Propagated,
            utility: known.utility,
            utility_se: None,
            error: known.error.unwrap_or(self.error),
            kl: known.kl,
            entropy: known.entropy,
            p_hack: known.p_hack.unwrap_or(self.p_hack),
            ..self.fired(known)
        }
    }

    /// The losses that dynamic programming knows: of hacks where these are what fires a trigger, of placebos where triggers are.
    fn fired(self, known: &Propagated) -> Self {
        match (known.p_hack, known.honest) {
            (None, _) => self,
            (Some(_), false) => Self { loss: known.fired_loss, loss_se: None, ..self },
            (Some(_), true) => {
                Self { loss: Some(0.0), loss_se: None, placebo_loss: known.fired_loss, ..self }
            }
        }
    }

    /// E\[U\] = E\[V\] + E\[X\].
    pub fn proxy(&self) -> f64 {
        self.utility + self.error
    }
}

/// Attributable loss of the cells of a kind: the mean of the prompts', `None` where a prompt has nothing else left.
fn by_prompt(policy: &Snapshot, table: &Outcomes, is_of_kind: &dyn Fn(usize) -> bool) -> Option<f64> {
    let mut cell = 0;
    let losses = policy.rows().map(|row| {
        let (mut mass, mut within, mut utility) = (0.0, 0.0, 0.0);
        for p in row.probs() {
            utility += p * table.utility[cell];
            if is_of_kind(cell) {
                mass += p;
                within += p * table.utility[cell];
            }
            cell += 1;
        }
        attributable_loss(mass, within, utility)
    });
    Some(losses.sum::<Option<f64>>()? / table.prompts.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_states_know_stands_in_for_the_sample_and_nothing_else_does() {
        let batch = Batch {
            observed: crate::record::Observed { proxy: vec![1.0, 5.0], ..Default::default() },
            truth: crate::record::Truth {
                utility: vec![1.0, 2.0],
                error: vec![0.0, 3.0],
                class: vec![0, 1],
                hack: vec![false, true],
            },
            cells: Vec::new(),
        };
        let environment: crate::environments::EnvironmentSpec = serde_json::from_value(
            serde_json::json!({ "bandit": { "outcomes": 2, "utility": { "normal": {} } } }),
        )
        .unwrap();
        let seeds = crate::foundation::rng::SeedTree::new(1, 0);
        let model =
            RewardModel::build(environment.part(), &Default::default(), &seeds, crate::reward::Twin::Itself)
                .unwrap();
        let sampled = Expectations::sampled(&batch, &Tape::default(), &model);
        assert_eq!(
            (sampled.utility, sampled.error, sampled.p_hack, sampled.proxy_from_hacks),
            (1.5, 1.5, 0.5, 2.5)
        );
        let known = |error, p_hack: Option<f64>| Propagated {
            utility: 1.2,
            error,
            kl: 0.3,
            entropy: 0.4,
            p_hack,
            fired_loss: p_hack.map(|_| 0.25),
            honest: false,
        };
        let all = sampled.propagated(&known(Some(0.7), Some(0.1)));
        assert_eq!((all.utility, all.error, all.kl, all.p_hack, all.utility_se), (1.2, 0.7, 0.3, 0.1, None));
        let some = sampled.propagated(&known(None, None));
        assert_eq!((some.error, some.p_hack, some.loss), (1.5, 0.5, sampled.loss));
        assert_eq!((all.loss, all.loss_se, sampled.loss), (Some(0.25), None, Some(-0.5)));
    }
}
