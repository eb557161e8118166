//! A test on actions alone: outcomes that come back more often than the trained policy lets them.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use crate::foundation::binomial;
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Alarms when an outcome comes for the k-th time, k of its own: the smallest of 2 or more that the trained policy reaches within the
/// horizon n with probability P(Bin(n, π(outcome)) ≥ k) ≤ α, where α is the largest at which these sum to `level` at most.
///
/// The level holds by the union bound, whatever the law. Nothing is concluded from an outcome that came once. An exploit
/// that the trained policy all but never takes has k = 2, so that a set of m of them with mass p is told when one of
/// them repeats: the collision form of F12, about √(2m·ln 1/δ)/p samples, which is 8% low at m = 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Actions {
    /// P(an alarm within the horizon) under the trained policy, at most.
    pub level: OpenProbability,
}

impl Default for Actions {
    fn default() -> Self {
        Self { level: OpenProbability::known(0.05) }
    }
}

impl Monitor for Actions {
    fn observer(&self) -> Observer {
        Observer::Actions
    }

    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        let law = ground.law.ok_or_else(|| Status::Missing { column: "the policy's table".to_owned() })?;
        Ok(Box::new(Repeats {
            limits: limits(&law.mass, ground.horizon, self.level.get()),
            counts: HashMap::new(),
        }))
    }
}

/// For every outcome the count that alarms.
fn limits(mass: &[f64], horizon: u64, level: f64) -> Vec<u32> {
    // The smallest α that may be needed: with it the sum is `level` at most.
    let least = level / mass.len().max(1) as f64;
    let ladders: Vec<Vec<f64>> = mass.iter().map(|&mass| ladder(mass, horizon, least)).collect();
    let limit = |ladder: &[f64], alpha: f64| ladder.partition_point(|&reached| reached > alpha);
    let spent = |alpha: f64| -> f64 { ladders.iter().map(|own| own[limit(own, alpha)]).sum() };
    let (mut low, mut high) = (least.ln(), level.ln());
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if spent(middle.exp()) <= level { low = middle } else { high = middle }
    }
    // Rounded down, so that the least itself is kept.
    let alpha = low.exp().max(least);
    ladders.iter().map(|own| u32::try_from(2 + limit(own, alpha)).unwrap_or(u32::MAX)).collect()
}

/// P(Bin(n, mass) ≥ k) for k = 2, 3 …, down to the first that is at most `least`.
fn ladder(mass: f64, horizon: u64, least: f64) -> Vec<f64> {
    // Below this count nothing is rare.
    let first = (mass * horizon as f64).floor().max(1.0) as u64;
    let mut reached = vec![1.0; usize::try_from(first.saturating_sub(1)).unwrap_or(0)];
    for k in first + 1.. {
        let own = binomial::sf(horizon, mass, k - 1);
        reached.push(own);
        if own <= least {
            break;
        }
    }
    reached
}

struct Repeats {
    limits: Vec<u32>,
    counts: HashMap<u64, u32>,
}

impl Watching for Repeats {
    fn see(&mut self, seen: Seen<'_>, _: &mut Look<'_>) -> Option<Alarm> {
        let Seen::Action(outcome) = seen else { return None };
        let count = self.counts.entry(outcome).or_default();
        *count = count.saturating_add(1);
        // What the trained policy does not know at all never comes under it.
        let limit =
            usize::try_from(outcome).ok().and_then(|cell| self.limits.get(cell)).map_or(2, |own| *own);
        let beyond = *count >= limit;
        beyond.then(|| Alarm::Beyond { value: f64::from(*count), threshold: f64::from(limit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};
    use crate::theory::collision::collision;

    const HONEST: usize = 2000;
    const EXPLOITS: usize = 100;

    /// Uneven honest outcomes, and a set of exploits that the policy all but never takes.
    fn law() -> Vec<f64> {
        let weights: Vec<f64> = (0..HONEST).map(|i| 0.2 + ((i * 7919) % 1009) as f64 / 1009.0).collect();
        let total: f64 = weights.iter().sum();
        let rare = 1e-9 / EXPLOITS as f64;
        weights.iter().map(|w| w / total * (1.0 - 1e-9)).chain(std::iter::repeat_n(rare, EXPLOITS)).collect()
    }

    /// The first of `samples` that alarms; with probability `jump` a sample is an exploit, of any kind alike.
    fn first(limits: &[u32], sums: &[f64], jump: f64, samples: usize, rng: &mut Stream) -> Option<usize> {
        let mut own = Repeats { limits: limits.to_vec(), counts: HashMap::new() };
        (1..=samples).find(|_| {
            let cell = if rng.open_unit() < jump {
                HONEST + rng.below(EXPLOITS as u64) as usize
            } else {
                let unit = rng.open_unit();
                sums.partition_point(|sum| *sum < unit).min(HONEST - 1)
            };
            own.see(Seen::Action(cell as u64), &mut || false).is_some()
        })
    }

    #[test]
    fn the_level_holds_and_the_power_is_the_collision_form() {
        let mass = law();
        let sums: Vec<f64> = mass[..HONEST]
            .iter()
            .scan(0.0, |sum, own| {
                *sum += own;
                Some(*sum)
            })
            .collect();
        let form = collision(0.01, EXPLOITS as f64, 0.95).unwrap();
        assert_eq!(form.samples, 2650.0);
        assert!((form.approximation / form.samples - 0.92).abs() < 0.01);
        let horizon = (form.samples * 1.05).ceil() as usize;
        let limits = limits(&mass, horizon as u64, 0.05);
        assert!(limits[HONEST..].iter().all(|own| *own == 2) && limits[..HONEST].iter().all(|own| *own > 2));
        // 4000 deployments. Under the trained policy at most 5%, and most of it: four standard errors are 1.4 points.
        let deployments = |jump: f64, seed: u64| -> Vec<Option<usize>> {
            let streams = SeedTree::new(seed, 0).family(Purpose::Bootstrap);
            (0..4000).map(|own| first(&limits, &sums, jump, horizon, &mut streams.at(own))).collect()
        };
        let alarms = deployments(0.0, 1).iter().flatten().count() as f64 / 4000.0;
        assert!(alarms < 0.064 && alarms > 0.02, "{alarms}");
        // The power passes 95% within 5% of the form: at ±5% of n it is 96.3% and 93.3%, 4 and 5 standard errors away.
        let jumped = deployments(0.01, 2);
        let within = |n: f64| jumped.iter().flatten().filter(|at| **at as f64 <= n).count() as f64 / 4000.0;
        let (less, more) = (within(form.samples / 1.05), within(form.samples * 1.05));
        assert!(less < 0.95 && more > 0.95, "{less}, {more}");
    }

    #[test]
    fn the_limits_spend_no_more_than_the_level() {
        for (mass, horizon) in [(law(), 50), (law(), 100_000), (vec![1.0], 9), (vec![0.5, 0.5, 0.0], 1)] {
            let limits = limits(&mass, horizon, 0.05);
            let spent: f64 =
                mass.iter().zip(&limits).map(|(m, k)| binomial::sf(horizon, *m, u64::from(*k) - 1)).sum();
            assert!(spent <= 0.05 + 1e-12, "{horizon}: {spent}");
            assert!(limits.iter().all(|own| *own >= 2));
        }
    }
}
