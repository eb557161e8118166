//! When an exploit is first sampled, and how long it then takes to hold the policy (F5).
//!
//! B rollouts a step sight an exploit of mass q with probability 1 − (1 − q)^B, so the first sighting is geometric. Each
//! sighting adds g to the exploit's logit ([`super::influence::Trainer::growth`]), so that the next is waited for 1/(Bq·e^g) steps, and so on:
//! to leading order the window is W = 1/(Bq(e^g − 1)) steps, mostly the wait for the second sighting. What is missing there
//! is counted by a chain of sightings ([`super::race`]), drawn 4,000 times: steps at the end that hold several sightings, the
//! KL penalty, what the rest of the policy learns meanwhile (PPO's windows are a fourth to a half longer for it, those of other
//! trainers a few percent), and batches in which PPO's clip lets another update through.

use super::TheoryError;
use super::error::require;
use super::race::{Length, Race};

/// Chains from which the window's mean is taken.
const RUNS: usize = 4000;

/// When it is first sampled and how long it then takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Mean of the geometric first sighting, in steps: 1/(1 − (1 − q)^B), which is 1/(Bq) where Bq is small.
    pub first_sighting: f64,
    /// g: growth of the exploit's logit per lone sighting.
    pub growth: f64,
    /// Lone sightings until the exploit holds more than half: ⌈ln((1 − q)/q)/g⌉.
    pub sightings: f64,
    /// The window; in words, why there is none.
    pub length: Result<Length, String>,
}

impl Window {
    /// Whether the exploit dominates after the first update that holds the exploit, so that only an audit before the
    /// update can help.
    pub fn is_one_step(&self) -> bool {
        self.sightings <= 1.0
    }
}

/// First sighting and window of an exploit. The window lies within 10% of simulations of the learner, PPO's within 20%, or
/// is refused.
///
/// # Errors
/// An argument outside its range; an exploit so rare that the steps overflow.
pub fn window(race: &Race) -> Result<Window, TheoryError> {
    along(race, RUNS)
}

/// As [`window`], quicker and by a few percent less exact: for a figure.
///
/// # Errors
/// As for [`window`].
pub fn window_sketched(race: &Race) -> Result<Window, TheoryError> {
    along(race, RUNS / 10)
}

fn along(race: &Race, runs: usize) -> Result<Window, TheoryError> {
    let Race { mass, proxy, batch, step_size, trainer, .. } = *race;
    let below_half = "a number strictly between 0 and 1/2 (where dominance begins)";
    require("mass", mass, mass > 0.0 && mass < 0.5, below_half)?;
    let whole = batch >= 1.0 && batch.fract() == 0.0 && batch.is_finite();
    require("batch", batch, whole, "a whole number of 1 or more")?;
    require(
        "outcomes",
        race.outcomes,
        race.outcomes >= 2.0 && race.outcomes.is_finite(),
        "a number of 2 or more",
    )?;
    let kl = race.kl_coefficient;
    require("kl-coefficient", kl, kl >= 0.0 && kl.is_finite(), "a finite number of 0 or more")?;
    let growth = trainer.growth(proxy, step_size)?;
    let odds = ((1.0 - mass) / mass).ln();
    let first_sighting = -1.0 / (batch * (-mass).ln_1p()).exp_m1();
    require("mass", mass, first_sighting.is_finite(), "a mass that is sampled within 1e308 steps")?;
    let sightings = (odds / growth).ceil().max(1.0);
    let length = if growth > odds {
        Ok(Length { mean: 1.0, sd: 0.0 })
    } else {
        in_regime(race, sightings).and_then(|()| race.drawn(sightings, runs))
    };
    Ok(Window { first_sighting, growth, sightings, length })
}

/// Refuses what simulations of the learner do not bear out.
fn in_regime(race: &Race, sightings: f64) -> Result<(), String> {
    let Race { mass, batch, step_size, outcomes, kl_coefficient, .. } = *race;
    let refused = [
        (
            kl_coefficient < 0.5,
            "below a KL coefficient of .5 the best of the other outcomes may win before the exploit is met",
        ),
        (outcomes < 500.0, "among fewer than 500 outcomes a few of them decide"),
        (
            outcomes * mass < 0.95,
            "with fewer than 1/mass outcomes the others are visited more often than the exploit",
        ),
        (batch < 8.0, "fewer than 8 rollouts a step are no mean to compare a reward with"),
        (batch > outcomes, "a batch above the number of outcomes moves them all in every step"),
        (step_size > 0.2, "with logit steps above .2 ordinary rewards move the policy as the exploit does"),
        (sightings > 1e5, "more than 100,000 sightings are needed"),
    ];
    refused.iter().find(|(holds, _)| *holds).map_or(Ok(()), |(_, why)| Err((*why).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::influence::Trainer;

    fn at(outcomes: f64, batch: f64, proxy: f64, step_size: f64, trainer: Trainer) -> Race {
        Race { mass: 1.0 / outcomes, proxy, batch, step_size, trainer, outcomes, kl_coefficient: 0.5 }
    }

    fn length(race: &Race) -> Length {
        window(race).unwrap().length.unwrap()
    }

    /// Means of 200 to 400 simulated runs of the learner (masked surrogate; standard error 1 to 4%), β = .5 and K = 1/q unless
    /// said.
    #[test]
    fn windows_are_those_of_simulated_learners() {
        let (raw, ppo) = (Trainer::Reinforce, |batch| Trainer::Ppo { batch });
        let (batch, group) = (|batch| Trainer::Normalised { batch }, Trainer::Grpo { group: 8.0 });
        let strong = |race: Race| Race { kl_coefficient: 1.0, ..race };
        let wide = |race: Race| Race { outcomes: 20_000.0, ..race };
        for (race, simulated, sd, off) in [
            (at(2000.0, 64.0, 10.0, 0.05, raw), 56.7, 0.46, 0.1),
            (at(2000.0, 64.0, 20.0, 0.05, raw), 22.8, 0.55, 0.1),
            (at(1000.0, 64.0, 5.0, 0.05, raw), 72.5, 0.35, 0.1),
            (at(5000.0, 128.0, 100.0, 0.05, batch(128.0)), 59.2, 0.47, 0.1),
            (at(2000.0, 64.0, 20.0, 0.01, batch(64.0)), 434.8, 0.17, 0.1),
            (at(2000.0, 64.0, 6.0, 0.05, group), 294.8, 0.31, 0.1),
            (at(1000.0, 256.0, 20.0, 0.05, group), 36.4, 0.28, 0.1),
            (at(5000.0, 128.0, 100.0, 0.05, ppo(128.0)), 70.4, 0.62, 0.2),
            (at(1300.0, 48.0, 14.0, 0.03, ppo(48.0)), 197.4, 0.60, 0.2),
            (at(2000.0, 64.0, 20.0, 0.05, ppo(64.0)), 107.8, 0.74, 0.2),
            (strong(at(2000.0, 64.0, 20.0, 0.05, ppo(64.0))), 83.0, 0.44, 0.2),
            (at(2000.0, 64.0, 20.0, 0.01, ppo(64.0)), 144.7, 0.30, 0.2),
            (at(10_000.0, 256.0, 30.0, 0.05, ppo(256.0)), 48.5, 0.62, 0.2),
            (at(1000.0, 256.0, 20.0, 0.05, ppo(256.0)), 8.6, 0.41, 0.2),
            (at(2000.0, 16.0, 30.0, 0.1, ppo(16.0)), 449.9, 0.78, 0.2),
            (wide(at(1300.0, 48.0, 14.0, 0.03, ppo(48.0))), 112.6, 0.34, 0.2),
        ] {
            let got = length(&race);
            assert!((got.mean / simulated - 1.0).abs() < off, "{race:?}: {got:?} against {simulated}");
            assert!((got.sd / got.mean - sd).abs() < 0.45 * sd + 0.03, "{race:?}: {got:?} against {sd}");
        }
    }

    #[test]
    fn the_leading_order_is_what_is_left_where_nothing_else_acts() {
        // Rare, far above the rest, not normalised, among very many outcomes, with a KL penalty too weak to pull it back.
        let race = Race { outcomes: 1e9, ..at(1e7, 64.0, 60.0, 0.01, Trainer::Reinforce) };
        let leading = 1e7 / 64.0 / (0.6f64 * 63.0 / 64.0).exp_m1();
        assert!((length(&race).mean / leading - 1.0).abs() < 0.06, "{:?} {leading}", length(&race));
    }

    #[test]
    fn the_first_sighting_is_geometric() {
        let race = at(2000.0, 64.0, 20.0, 0.05, Trainer::Reinforce);
        let got = window(&race).unwrap();
        let per_step = 1.0 - (1.0 - 1.0 / 2000.0f64).powi(64);
        assert!((got.first_sighting * per_step - 1.0).abs() < 1e-12);
        assert!((got.first_sighting / 31.25 - 1.0).abs() < 0.02);
        assert_eq!(window(&Race { mass: 0.4, batch: 1e5, ..race }).unwrap().first_sighting, 1.0);
    }

    #[test]
    fn a_raw_reward_above_the_log_odds_takes_over_in_one_step() {
        let edge = 1999f64.ln() / 0.05;
        let raw = |proxy: f64| window(&at(2000.0, 64.0, proxy, 0.05, Trainer::Reinforce)).unwrap();
        let (below, above) = (raw(edge * 0.999), raw(edge * 1.001));
        assert!(!below.is_one_step() && below.sightings == 2.0 && below.length.unwrap().mean > 1.0);
        assert!(above.is_one_step() && above.length == Ok(Length { mean: 1.0, sd: 0.0 }));
        // Normalised advantages cannot do it, whatever the reward.
        let bounded = window(&at(2000.0, 64.0, 1e9, 0.05, Trainer::Grpo { group: 8.0 })).unwrap();
        assert!(bounded.sightings > 60.0, "{bounded:?}");
    }

    #[test]
    fn windows_shrink_with_mass_size_and_batch() {
        let w = |k: f64, u: f64, b: f64| {
            window_sketched(&at(k, b, u, 0.05, Trainer::Reinforce)).unwrap().length.unwrap().mean
        };
        for i in 1..8 {
            let x = f64::from(i);
            assert!(w(1e4 / x, 20.0, 64.0) > w(1e4 / (x + 1.0), 20.0, 64.0));
            assert!(w(1e4, 6.0 * x, 64.0) > w(1e4, 6.0 * (x + 1.0), 64.0));
            assert!(w(1e4, 20.0, 8.0 * x) > w(1e4, 20.0, 8.0 * (x + 1.0)));
        }
    }

    /// Where simulations end otherwise, a reason and no number: in 30% of PPO's runs at β = .25 the exploit never wins.
    #[test]
    fn what_simulations_do_not_bear_out_has_no_window() {
        let ppo = at(2000.0, 64.0, 20.0, 0.05, Trainer::Ppo { batch: 64.0 });
        let why = |race: Race| window(&race).unwrap().length.unwrap_err();
        assert!(why(Race { kl_coefficient: 0.25, ..ppo }).contains("KL coefficient of .5"));
        assert!(why(Race { outcomes: 1000.0, ..ppo }).contains("fewer than 1/mass"));
        assert!(why(Race { batch: 4096.0, ..ppo }).contains("batch above the number"));
        assert!(why(Race { batch: 4.0, ..ppo }).contains("fewer than 8"));
        assert!(why(Race { step_size: 0.3, ..ppo }).contains("above .2"));
        assert!(why(Race { step_size: 1e-7, ..ppo }).contains("100,000 sightings"));
        assert!(why(Race { mass: 0.1, outcomes: 100.0, ..ppo }).contains("500 outcomes"));
        // At β = .5 an exploit of 4 among 1,000 does not pay for ln 1000 nats: simulated runs end otherwise.
        let small = at(1000.0, 64.0, 4.0, 0.05, Trainer::Grpo { group: 8.0 });
        assert!(why(small).contains("win first"));
    }

    #[test]
    fn faults_are_named() {
        let race = at(2000.0, 64.0, 20.0, 0.05, Trainer::Reinforce);
        let error = |race: Race| window(&race).unwrap_err().to_string();
        for mass in [0.0, 0.5, 1.0, -1.0, f64::NAN] {
            assert!(error(Race { mass, ..race }).contains("strictly between 0 and 1/2"), "{mass}");
        }
        for batch in [0.0, 1.5, f64::INFINITY] {
            assert!(error(Race { batch, ..race }).contains("batch is"), "{batch}");
        }
        assert!(error(Race { outcomes: f64::NAN, ..race }).contains("outcomes is NaN"));
        assert!(error(Race { kl_coefficient: -1.0, ..race }).contains("kl-coefficient is -1"));
        let never = error(Race { mass: f64::from_bits(1), batch: 1.0, ..race });
        assert!(never.contains("1e308 steps"), "{never}");
    }
}
