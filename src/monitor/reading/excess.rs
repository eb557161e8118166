//! Do more rollouts enter the k highest than exchangeable ones would?
//!
//! Whether the nth enters is a coin of its own with P = min(1, k/n) where scores are exchangeable (Rényi 1962), so their number
//! is Poisson-binomial. They are counted twice, of scores as they are and in units of their step's own spread, and must be too many
//! both times: neither a spread that grows while a policy learns is news, nor one that collapses.

use super::list::{Offer, Ranking, Scored};
use crate::foundation::order::{mad, median};
use serde::{Deserialize, Serialize};

/// Probability of saying so of scores that are exchangeable.
pub(super) const LEVEL: f64 = 0.005;
/// Rollouts of a step below which its spread is not known.
const NEEDED: usize = 8;
/// Rollouts whose coins are followed one by one; of later ones the numbers are Poisson to within k²/n.
const FOLLOWED: u64 = 1 << 15;
/// Entries beyond which probabilities are not told apart.
const MOST: usize = 512;

/// Entries against their law.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excess {
    /// Entries after the reference, in the count with the fewer of them.
    pub entries: usize,
    /// How many were expected.
    pub expected: f64,
    /// Probability of as many, the larger of the two counts'.
    pub p_value: f64,
}

/// Counts entries of scores as they are, and in units of their step's spread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Count {
    plain: Entries,
    scaled: Entries,
    /// Whether every step so far had a spread.
    whole: bool,
}

/// Entries of one kind of score.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entries {
    ranking: Ranking,
    entries: usize,
    /// P(i entries so far), the last for that many or more.
    law: Vec<f64>,
    /// Expected number of the later ones.
    later: f64,
    expected: f64,
}

impl Count {
    pub fn new(places: usize) -> Self {
        Self { plain: Entries::new(places), scaled: Entries::new(places), whole: true }
    }

    /// The rollouts of a step.
    pub fn see(&mut self, rollouts: &[Scored], reference: bool) {
        let scores: Vec<f64> = rollouts.iter().map(Scored::score).collect();
        let spread = mad(&scores).filter(|spread| *spread > 0.0 && scores.len() >= NEEDED);
        let (Some(spread), Some(middle)) = (spread, median(&scores)) else {
            self.whole &= rollouts.is_empty();
            return;
        };
        for (rollout, score) in rollouts.iter().zip(&scores) {
            self.plain.see(rollout, *score, reference);
            self.scaled.see(rollout, (score - middle) / spread, reference);
        }
    }

    /// `None` where steps had no spread to be measured by.
    pub fn finish(self) -> Option<Excess> {
        let (plain, scaled) = (self.plain.finish(), self.scaled.finish());
        let expected = plain.expected;
        let larger = if plain.p_value > scaled.p_value { plain } else { scaled };
        (self.whole && expected > 0.0).then_some(larger)
    }
}

impl Entries {
    fn new(places: usize) -> Self {
        let mut law = vec![0.0; MOST + 1];
        if let Some(none) = law.first_mut() {
            *none = 1.0;
        }
        Self { ranking: Ranking::new(places), entries: 0, law, later: 0.0, expected: 0.0 }
    }

    fn see(&mut self, rollout: &Scored, score: f64, reference: bool) {
        // What was sampled does not matter here: equal completions count each.
        let own = Scored { reward: score, centre: 0.0, outcome: rollout.row, ..*rollout };
        let entered = self.ranking.offer(own) == Offer::Entered;
        if reference {
            return;
        }
        self.entries += usize::from(entered);
        let p = (self.ranking.places as f64 / self.ranking.seen as f64).min(1.0);
        self.expected += p;
        match self.ranking.seen <= FOLLOWED {
            true => self.flip(p),
            false => self.later += p,
        }
    }

    fn flip(&mut self, p: f64) {
        for i in (0..=MOST).rev() {
            let Some(&own) = self.law.get(i) else { continue };
            let moved = i.checked_sub(1).and_then(|below| self.law.get(below)).map_or(0.0, |below| below * p);
            if let Some(place) = self.law.get_mut(i) {
                *place = if i == MOST { own + moved } else { own * (1.0 - p) + moved };
            }
        }
    }

    fn finish(self) -> Excess {
        let (mut p_value, mut poisson) = (0.0, (-self.later).exp());
        // P(N + L ≥ entries), L Poisson with mean `later`.
        for later in 0..=self.entries {
            let need = (self.entries - later).min(MOST);
            p_value += poisson * self.law.iter().skip(need).sum::<f64>();
            poisson *= self.later / (later + 1) as f64;
            if later == self.entries {
                p_value += (1.0 - poisson_cdf(self.later, self.entries)).max(0.0);
            }
        }
        Excess { entries: self.entries, expected: self.expected, p_value: p_value.min(1.0) }
    }
}

/// P(L ≤ most) of a Poisson law.
fn poisson_cdf(mean: f64, most: usize) -> f64 {
    let (mut term, mut sum) = ((-mean).exp(), 0.0);
    for i in 0..=most {
        sum += term;
        term *= mean / (i + 1) as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn counted(rewards: &[f64], batch: usize, places: usize) -> Option<Excess> {
        let mut count = Count::new(places);
        for (step, rewards) in rewards.chunks(batch).enumerate() {
            let rollouts: Vec<Scored> = (rewards.iter().enumerate())
                .map(|(i, &reward)| {
                    let row = (step * batch + i) as u64;
                    Scored { row, step: step as u64, reward, centre: 0.0, outcome: row }
                })
                .collect();
            count.see(&rollouts, step < 3);
        }
        count.finish()
    }

    #[test]
    fn the_law_is_that_of_exchangeable_scores_and_a_rising_tail_breaks_it() {
        // 400 logs each: of exchangeable scores 0.5% and three standard errors; a level and a spread that move from step to step are no
        // news, to 5%.
        for (law, spec) in ["student_t:df=1.5", "normal"].iter().enumerate() {
            let law_of: DistributionSpec = spec.parse().unwrap();
            for (kind, most) in [(0, 7), (1, 20)] {
                let mut stream = SeedTree::new(41, kind).stream(Purpose::Utility, law as u64);
                let said = (0..400).filter(|_| {
                    let mut rewards = vec![0.0; 30 * 64];
                    law_of.part().fill(&mut rewards, &mut stream);
                    let by_step = |i: usize| kind as f64 * (i / 64) as f64;
                    let moved = |(i, x): (usize, &f64)| x * (1.0 + by_step(i) / 10.0);
                    let rewards: Vec<f64> = rewards.iter().enumerate().map(moved).collect();
                    counted(&rewards, 64, 5).unwrap().p_value <= LEVEL
                });
                let said = said.count();
                assert!(said <= most, "{spec} {kind}: {said} of 400");
            }
        }
        let mut stream = SeedTree::new(42, 0).stream(Purpose::Utility, 0);
        let rising: Vec<f64> = (0..60 * 64)
            .map(|i| {
                let x = stream.open_unit() + stream.open_unit();
                if i % 16 == 3 { x + i as f64 / 100.0 } else { x }
            })
            .collect();
        assert!(counted(&rising, 64, 3).unwrap().p_value < 1e-6);
        assert_eq!(counted(&[1.0; 640], 64, 3), None);
    }
}
