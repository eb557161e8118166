//! When an exploit is first sampled, and how long it then takes to hold the policy (F5).
//!
//! B rollouts a step sight an exploit of mass q with probability 1 − (1 − q)^B, so the first sighting is geometric. Each
//! sighting adds g to the exploit's logit ([`Trainer::growth`]), so that the mass p grows by p·(e^g − 1) at the rate Bp:
//! dp/dt = B·p²·(e^g − 1), which from p = q diverges after W = 1/(Bq(e^g − 1)) steps; about 4 steps are spent at the end,
//! where a step holds many sightings. The findings' simulations lie within 25% of it; the window's standard deviation is
//! about .55 W, being mostly the wait for the second sighting.

use super::TheoryError;
use super::error::require;
use super::influence::Trainer;

/// Steps at the end of the window, in which the mass grows from a sighting a step to half.
const LAST_STEPS: f64 = 4.0;
/// Standard deviation of the window as a share of it, in the findings' simulations.
const SPREAD: f64 = 0.55;

/// A rare exploit under plain SGD on a tabular policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Mean of the geometric first sighting, in steps: 1/(1 − (1 − q)^B), which is 1/(Bq) where Bq is small.
    pub first_sighting: f64,
    /// g: growth of the exploit's logit per sighting.
    pub growth: f64,
    /// Sightings until the exploit holds more than half: ⌈ln((1 − q)/q)/g⌉.
    pub sightings: f64,
    /// W: steps from the first sighting to p > ½; 1 where one sighting is enough.
    pub window: f64,
    /// Its standard deviation; 0 where one sighting is enough.
    pub window_sd: f64,
}

impl Window {
    /// Whether the exploit dominates after the first update that holds the exploit, so that only an audit before the
    /// update can help.
    pub fn is_one_step(&self) -> bool {
        self.sightings <= 1.0
    }
}

/// First sighting and window of an exploit of prior `mass` below ½ and size `proxy`, in standard deviations of the bulk
/// (for REINFORCE: in units of reward), with `batch` rollouts a step and logit step `step_size` per sample.
///
/// # Errors
/// An argument outside its range; an exploit so rare that the steps overflow.
pub fn window(
    mass: f64,
    proxy: f64,
    batch: f64,
    step_size: f64,
    trainer: Trainer,
) -> Result<Window, TheoryError> {
    require(
        "mass",
        mass,
        mass > 0.0 && mass < 0.5,
        "a number strictly between 0 and 1/2 (where dominance begins)",
    )?;
    require(
        "batch",
        batch,
        batch >= 1.0 && batch.fract() == 0.0 && batch.is_finite(),
        "a whole number of 1 or more",
    )?;
    let growth = trainer.growth(proxy, step_size)?;
    let odds = ((1.0 - mass) / mass).ln();
    let per_step = -(batch * (-mass).ln_1p()).exp_m1();
    let sightings = (odds / growth).ceil().max(1.0);
    let one = growth > odds;
    let window = if one { 1.0 } else { 1.0 / (batch * mass * growth.exp_m1()) + LAST_STEPS };
    require("mass", mass, window.is_finite(), "a mass that is sampled within 1e308 steps")?;
    let window_sd = if one { 0.0 } else { SPREAD * window };
    Ok(Window { first_sighting: 1.0 / per_step, growth, sightings, window, window_sd })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(outcomes: f64, batch: f64, proxy: f64, trainer: Trainer) -> Window {
        window(1.0 / outcomes, proxy, batch, 0.05, trainer).unwrap()
    }

    #[test]
    fn the_published_windows() {
        let reinforce = Trainer::Reinforce;
        // The formula at F5's settings, and the findings' simulation with 25% around it.
        for (outcomes, batch, proxy, formula, simulated) in [
            (2000.0, 64.0, 10.0, 52.2, 57.7),
            (2000.0, 64.0, 20.0, 22.2, 21.9),
            (2000.0, 64.0, 50.0, 6.8, 5.4),
            (5000.0, 128.0, 20.0, 26.7, 27.6),
        ] {
            let got = at(outcomes, batch, proxy, reinforce).window;
            assert!((got - formula).abs() < 0.05, "{got} {formula}");
            assert!((got / simulated - 1.0).abs() < 0.27, "{got} {simulated}");
        }
        let ppo = at(5000.0, 128.0, 100.0, Trainer::Ppo { batch: 128.0 });
        assert!((ppo.window - 55.6).abs() < 0.05, "{ppo:?}");
        assert!((ppo.window_sd / ppo.window - 0.55).abs() < 1e-12);
    }

    #[test]
    fn the_first_sighting_is_geometric() {
        let got = at(2000.0, 64.0, 20.0, Trainer::Reinforce);
        let per_step = 1.0 - (1.0 - 1.0 / 2000.0f64).powi(64);
        assert!((got.first_sighting * per_step - 1.0).abs() < 1e-12);
        assert!((got.first_sighting / 31.25 - 1.0).abs() < 0.02);
        assert_eq!(window(0.4, 5.0, 1e5, 0.05, Trainer::Reinforce).unwrap().first_sighting, 1.0);
    }

    #[test]
    fn a_raw_reward_above_the_log_odds_takes_over_in_one_step() {
        let edge = 1999f64.ln() / 0.05;
        let (below, above) = (
            at(2000.0, 64.0, edge * 0.999, Trainer::Reinforce),
            at(2000.0, 64.0, edge * 1.001, Trainer::Reinforce),
        );
        assert!(!below.is_one_step() && below.sightings == 2.0 && below.window > 4.0);
        assert!(above.is_one_step() && above.window == 1.0 && above.window_sd == 0.0);
        // Normalised advantages cannot do it, whatever the reward.
        let bounded = at(2000.0, 64.0, 1e9, Trainer::Grpo { group: 8.0 });
        assert!(bounded.sightings > 60.0, "{bounded:?}");
    }

    #[test]
    fn windows_shrink_with_mass_size_and_batch() {
        let w = |q: f64, u: f64, b: f64| window(q, u, b, 0.05, Trainer::Reinforce).unwrap().window;
        for i in 1..20 {
            let x = f64::from(i);
            assert!(w(1e-4 * x, 20.0, 64.0) > w(1e-4 * (x + 1.0), 20.0, 64.0));
            assert!(w(1e-4, x, 64.0) > w(1e-4, x + 1.0, 64.0));
            assert!(w(1e-4, 20.0, x) > w(1e-4, 20.0, x + 1.0));
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |q: f64, b: f64| window(q, 20.0, b, 0.05, Trainer::Reinforce).unwrap_err().to_string();
        for q in [0.0, 0.5, 1.0, -1.0, f64::NAN] {
            assert!(error(q, 64.0).contains("strictly between 0 and 1/2"), "{q}");
        }
        for b in [0.0, 1.5, f64::INFINITY] {
            assert!(error(1e-3, b).contains("batch is"), "{b}");
        }
        let slow = window(1e-300, 1e-10, 1.0, 1e-5, Trainer::Reinforce).unwrap_err().to_string();
        assert!(slow.contains("1e308 steps"), "{slow}");
    }
}
