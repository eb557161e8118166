//! The KL of a policy that acts step by step, along the ray on which it is brought back to the reference.

use crate::rollout::Tape;

/// What comes back is allowed, and no more than this share of it away.
const NEAR: f64 = 0.999;
/// Evaluations at most; each halves what is open, or nearly solves it.
const MOST: usize = 40;

/// π_s ∝ π₀·exp(s·ln(π/π₀)), action by action, along episodes that π sampled.
pub(super) struct Ray<'a> {
    tape: &'a Tape,
    /// ln(π/π₀) of every action, in nats, \[positions, rows, actions\]; what π never does, it does not do along the ray either.
    log_ratio: Vec<f64>,
}

impl<'a> Ray<'a> {
    pub fn new(tape: &'a Tape) -> Self {
        let ratio = |(prob, reference): (&f64, &f64)| match *prob > 0.0 {
            true => prob.ln() - reference,
            false => f64::NEG_INFINITY,
        };
        Self { tape, log_ratio: tape.choice.prob.iter().zip(&tape.reference).map(ratio).collect() }
    }

    /// KL(π_s‖π₀) in nats: at s = 1 the mean over episodes of the sum of the KLs of the next action, else with each position weighted by what π_s makes
    /// of the actions before it. Unbiased at each s.
    pub fn kl(&self, share: f64) -> f64 {
        let tape = self.tape;
        let mean = |total: f64| total / tape.rows.max(1) as f64;
        if share == 1.0 {
            return mean(tape.per_row(|t, row| tape.choice.kl[t * tape.rows + row]).iter().sum());
        }
        let (mut weights, mut total) = (vec![1.0; tape.rows], 0.0);
        for position in 0..tape.positions {
            for row in (0..tape.rows).filter(|row| tape.acts(position, *row)) {
                let place = position * tape.rows + row;
                let cells = place * tape.actions..(place + 1) * tape.actions;
                let (reference, ratio) = (&tape.reference[cells.clone()], &self.log_ratio[cells]);
                let (mut norm, mut mean) = (0.0, 0.0);
                for (reference, ratio) in reference.iter().zip(ratio).filter(|(_, ratio)| ratio.is_finite()) {
                    let weight = (reference + share * ratio).exp();
                    norm += weight;
                    mean += weight * share * ratio;
                }
                let log_norm = norm.ln();
                total += weights[row] * (mean / norm - log_norm).max(0.0);
                // π_s/π of what was done.
                weights[row] *= ((share - 1.0) * ratio[tape.chosen[place] as usize] - log_norm).exp();
            }
        }
        mean(total)
    }
}

/// The largest share s ≤ 1, to a thousandth of the KL, at which `kl` is at most `most`; `kl` rises with the share and is 0 at 0.
pub(super) fn share(most: f64, kl: impl Fn(f64) -> f64) -> f64 {
    let aim = most * (0.5 + 0.5 * NEAR);
    let (mut low, mut high, mut at) = (0.0, 1.0, 1.0);
    let mut power = 2.0;
    let mut before: Option<(f64, f64)> = None;
    for round in 0..MOST {
        let found = kl(at);
        if found <= most {
            if at == 1.0 || found >= most * NEAR {
                return at;
            }
            low = at;
        } else {
            high = at;
        }
        // KL ∝ s^power, by the two points seen last.
        if let Some((other, then)) = before {
            let steep = (found / then).ln() / (at / other).ln();
            power = if steep.is_finite() { steep.clamp(1.0, 50.0) } else { power };
        }
        before = Some((at, found));
        let next = at * (aim / found).powf(1.0 / power);
        at = if round % 4 != 3 && next > low && next < high { next } else { low + 0.5 * (high - low) };
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_bytes;
    use crate::foundation::rng::{Purpose, SeedTree};
    use crate::policies::{Backend, Shape};
    use crate::reward::{RewardModel, Twin};
    use crate::rollout::{Actor, Roller};
    use burn::optim::SgdConfig;

    const WORLD: &str = "question = '?'\nseed = 5\n[environment.tokens]\nvocabulary = 4\nlength = 5\n[policy.gru]\nhidden = 6\n[trainer.reinforce]\n";

    /// A network off the reference, its episodes, and its exact KL when f is scaled.
    #[test]
    fn along_the_ray_the_estimate_is_the_sum_over_all_strings() {
        let loaded = from_bytes("own.toml", WORLD.as_bytes(), &[]).unwrap();
        let document = &loaded.document;
        let seeds = SeedTree::new(5, 0);
        let model =
            RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself).unwrap();
        let sequence = model.sequence().unwrap();
        let process = sequence.process();
        let shape = Shape {
            prompts: process.prompts(),
            symbols: process.symbols(),
            actions: process.actions(),
            horizon: process.horizon(),
            value: false,
        };
        let built = || {
            let mut policy = document.policy.sequence(&shape, &seeds, &Backend::default()).unwrap();
            let direction: Vec<f32> =
                (0..policy.parameters()).map(|i| ((i * 7919 % 101) as f32 / 50.0 - 1.0) * 1.2).collect();
            policy.descend(&mut SgdConfig::new().init(), 1.0, &direction).unwrap();
            policy
        };
        let rolled = |policy: &mut dyn crate::policies::SequencePolicy, count| {
            let mut tape = Tape::default();
            let roller = Roller::apart(&seeds, Purpose::Projection);
            roller.batch(sequence, Actor::Fixed(policy), &mut tape, (0, 0, count), false);
            tape
        };
        let mut policy = built();
        let tape = rolled(policy.as_mut(), 20_000);
        let tree = crate::rollout::Tree::new(process);
        let mut exact = Vec::new();
        for share in [1.0, 0.9, 0.7, 0.4] {
            let mut scaled = built();
            assert!(scaled.scale(shape.actions, share as f32).unwrap());
            let mut log_ratios = Vec::new();
            tree.log_ratios(scaled.as_mut(), &mut log_ratios);
            // Every string has the same mass under the reference.
            let mass = 1.0 / log_ratios.len() as f64;
            let norm: f64 = log_ratios.iter().map(|l| mass * l.exp()).sum();
            let known: f64 = log_ratios.iter().map(|l| mass * l.exp() / norm * (l - norm.ln())).sum();
            let found = Ray::new(&tape).kl(share);
            assert!((found / known - 1.0).abs() < 0.03, "{share}: {found} against {known}");
            exact.push(known);
        }
        assert!(exact[0] > 0.5 && exact.windows(2).all(|pair| pair[0] > 1.1 * pair[1]), "{exact:?}");
        // What is held is held by fresh rollouts, too.
        let most = 0.5 * exact[0];
        let share = share(most, |share| Ray::new(&tape).kl(share));
        policy.scale(shape.actions, share as f32).unwrap();
        let after = Ray::new(&rolled(policy.as_mut(), 20_000)).kl(1.0);
        assert!((after / most - 1.0).abs() < 0.03, "{after} against {most}");
    }

    #[test]
    fn the_share_is_the_largest_that_is_allowed() {
        for power in [1.5f64, 2.0, 6.0, 20.0] {
            for most in [0.001, 0.3, 0.99] {
                let found = share(most, |s| s.powf(power));
                let at = found.powf(power);
                assert!(at <= most && at >= 0.999 * most, "{power}, {most}: {at}");
            }
        }
        assert_eq!(share(2.0, |s| s), 1.0, "what is allowed stays");
        // A cliff, as of an exploit that is either taken or not.
        let cliff = |s: f64| if s > 0.83 { 5.0 * s } else { 0.2 * s };
        let found = share(0.5, cliff);
        assert!((found - 0.83).abs() < 1e-6, "{found}");
    }
}
