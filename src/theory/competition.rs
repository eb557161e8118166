//! What the rest of a policy learns while an exploit waits to be sampled again.
//!
//! K outcomes of equal prior mass with rewards N(0, 1) are visited B/K times a step; a visit of an outcome with advantage A
//! adds a = α·A·n(A) to its logit, n the updates of a batch. Visits are Poisson, so that the mean weight w(v) of the outcomes
//! with reward v grows by dw/dν = (w²/Z)·(e^a − 1) in the number ν of visits to an average outcome, with Z the mean of w
//! over v. Their rewards less the KL penalty give the advantages. An exploit that is not sampled meanwhile loses ln Z of its
//! log-odds: slowly at first, like ½·Var(θ), then, where the KL penalty is weak, all at once, when the best of the rest
//! gather the policy. Many epochs hasten that: PPO's clip lets every advantage above 1 move its logit by about ln 1.2.

use super::influence::Trainer;
use crate::foundation::special::normal_upper_quantile;

/// Values of the reward at which the rest is followed.
const NODES: usize = 121;
/// Entries of the table.
const ENTRIES: usize = 1200;
/// Visits between entries at a step size of .05 or more; a smaller one learns as much in more visits.
const VISITS: f64 = 0.05;
/// A loss of log-odds beyond which nothing competes any more.
const LARGEST_LOSS: f64 = 8.0;
/// A spread of the rewards less their penalty below which advantages are noise.
const SMALLEST_SPREAD: f64 = 1e-3;

/// The rest of a policy, by the number of visits to an average outcome.
#[derive(Debug, Clone)]
pub(super) struct Competition {
    /// Visits between entries.
    every: f64,
    states: Vec<State>,
    /// ∫Z⁻¹dν up to each entry: how many visits' worth of chances an exploit had.
    chances: Vec<f64>,
}

/// The rest at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    /// ln Z: what an exploit that was not sampled has lost of its log-odds.
    pub loss: f64,
    /// Mean of the rewards less the KL penalty.
    pub mean: f64,
    /// Their standard deviation.
    pub spread: f64,
}

impl Competition {
    /// The rest of `outcomes` outcomes under `trainer`, with `batch` rollouts a step, logit step `step_size` per sample and
    /// KL penalty `kl_coefficient` in the reward.
    pub fn new(trainer: Trainer, outcomes: f64, batch: f64, step_size: f64, kl_coefficient: f64) -> Self {
        let every = VISITS * (VISITS / step_size).max(1.0);
        // The best of so many draws is about this far out.
        let far = normal_upper_quantile(1.0 / (outcomes + 1.0)).max(1.0);
        let node = |i: usize| far * (2.0 * i as f64 / (NODES - 1) as f64 - 1.0);
        let rewards: Vec<f64> = (0..NODES).map(node).collect();
        let weights: Vec<f64> = rewards.iter().map(|v| (-v * v / 2.0).exp()).collect();
        let all: f64 = weights.iter().sum();
        let own = 1.0 - 1.0 / trainer.compared_with(batch);
        let mut logits = vec![0.0; NODES];
        let mut table = Self { every, states: Vec::new(), chances: Vec::new() };
        while table.states.len() < ENTRIES {
            let shares: Vec<f64> =
                weights.iter().zip(&logits).map(|(w, l): (_, &f64)| w / all * l.exp()).collect();
            let z: f64 = shares.iter().sum();
            let loss = z.ln();
            let paid: Vec<f64> =
                rewards.iter().zip(&logits).map(|(v, l)| v - kl_coefficient * (l - loss)).collect();
            let mean = shares.iter().zip(&paid).map(|(s, r)| s / z * r).sum::<f64>();
            let variance = shares.iter().zip(&paid).map(|(s, r)| s / z * (r - mean).powi(2)).sum::<f64>();
            table.push(State { loss, mean, spread: variance.sqrt() });
            if !(loss < LARGEST_LOSS && variance.sqrt() > SMALLEST_SPREAD) {
                break;
            }
            let unit = if trainer == Trainer::Reinforce { 1.0 } else { variance.sqrt() };
            for (logit, reward) in logits.iter_mut().zip(&paid) {
                let once = step_size * own * (reward - mean) / unit;
                let moved = once * trainer.updates(once);
                // The bounds keep a step of the table from overshooting where all gathers at once.
                *logit += every * (*logit - loss).exp().min(20.0) * moved.min(2.0).exp_m1();
            }
        }
        table
    }

    fn push(&mut self, state: State) {
        let before = self.chances.last().copied().zip(self.states.last());
        let so_far = before.map_or(0.0, |(chances, last)| {
            chances + self.every * ((-last.loss).exp() + (-state.loss).exp()) / 2.0
        });
        self.chances.push(so_far);
        self.states.push(state);
    }

    /// The rest after `visits`; as at the end of the table from there on.
    pub fn at(&self, visits: f64) -> State {
        let nearest = (visits / self.every).round() as usize;
        let last = self.states.len().saturating_sub(1);
        self.states.get(nearest.min(last)).copied().unwrap_or(State { loss: 0.0, mean: 0.0, spread: 1.0 })
    }

    /// The visits after which an exploit had `more` chances since `visits`; `None` beyond the end of the table.
    pub fn after(&self, visits: f64, more: f64) -> Option<f64> {
        let (entry, part) = ((visits / self.every) as usize, (visits / self.every).fract());
        let here = self.chances.get(entry)?;
        let slope = self.chances.get(entry + 1)? - here;
        let wanted = here + part * slope + more;
        let next = self.chances.partition_point(|c| *c <= wanted);
        let (above, below) = (self.chances.get(next)?, self.chances.get(next.checked_sub(1)?)?);
        Some(self.every * ((next - 1) as f64 + (wanted - below) / (above - below)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ppo(beta: f64) -> Competition {
        Competition::new(Trainer::Ppo { batch: 64.0 }, 2000.0, 64.0, 0.05, beta)
    }

    /// ln Z of the masked learner itself (K = 2000, B = 64, α = .05, no exploit; means of 60 runs).
    /// Independent visits overstate it by up to a half, where a few outcomes hold most of the policy.
    #[test]
    fn the_loss_is_that_of_a_simulated_learner() {
        for (beta, simulated) in [
            (0.5, [(1.0, 0.021), (2.0, 0.086), (3.0, 0.273), (4.0, 0.524), (6.0, 0.893), (10.0, 1.274)]),
            (1.0, [(1.0, 0.020), (2.0, 0.066), (3.0, 0.136), (4.0, 0.216), (6.0, 0.346), (10.0, 0.479)]),
        ] {
            for (visits, want) in simulated {
                let got = ppo(beta).at(visits).loss;
                assert!((got - want).abs() < 0.02 + 0.5 * want, "β {beta}, {visits}: {got} against {want}");
            }
        }
    }

    #[test]
    fn at_first_it_is_half_the_variance_of_the_logits() {
        let once = Competition::new(Trainer::Normalised { batch: 1e6 }, 1e6, 1e6, 0.01, 0.5);
        for visits in [1.0, 2.0, 4.0] {
            // Poisson visits of mean ν, each worth αA: Var(θ) = α²(ν² + ν).
            let want = 0.5 * 1e-4 * (visits * visits + visits);
            let got = once.at(visits).loss;
            assert!((got / want - 1.0).abs() < 0.1, "{visits}: {got} {want}");
        }
    }

    #[test]
    fn chances_are_visits_while_nothing_is_lost() {
        let still = Competition::new(Trainer::Normalised { batch: 64.0 }, 2000.0, 64.0, 1e-6, 0.5);
        for (from, more) in [(0.0, 3.0), (17.3, 0.01), (500.0, 1e3)] {
            let got = still.after(from, more).unwrap();
            assert!((got - from - more).abs() < 1e-3 * more, "{from} {more}: {got}");
        }
        assert_eq!(still.after(0.0, 1e12), None);
        let lost = ppo(0.5);
        assert!(lost.after(0.0, 5.0).unwrap() > 6.0);
        assert!((0..600).all(|i| lost.chances[i] < lost.chances[i + 1]));
    }
}
