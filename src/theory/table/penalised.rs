//! The best policy under a divergence penalty other than KL alone: what a χ² term does to the heavy-tail trap.
//!
//! KL grows with ln(π/π₀) only, so that a tiny KL pays for an extreme reward; χ² grows with π/π₀ itself. Penalties
//! χ² and KL + χ²: Huang et al. 2024 (χ²-preference optimisation, arXiv 2407.13399); Laidlaw et al. 2024 (ORPO: χ² of
//! occupancy measures, arXiv 2403.03185). They are compared at one KL, by the multiplier that spends it: π is more
//! concentrated on large U the smaller λ is, so that KL falls in λ.

use super::Reweighting;
use super::ordered::{Ordered, ordered, reweighted};
use super::penalty::Solved;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use crate::theory::error::{positive, require};
use crate::theory::multiplier::{SMALLEST_BUDGET, multiplier, overspent};
use crate::theory::tilt::Tilter;

/// What the distance from the reference is charged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Divergence {
    /// KL(π‖π₀): the exponential tilt.
    Kl,
    /// χ²(π‖π₀) = E_π₀\[(π/π₀ − 1)²\].
    ChiSquared,
    /// KL + `weight`·χ².
    Mixed {
        /// Weight of χ²: a number from 1e-9 to 1e9.
        weight: f64,
    },
}

/// The maximiser of E\[U\] − `multiplier`·D(π‖π₀), D the mean over prompts.
///
/// # Errors
/// A multiplier that is not finite and above 0 or too small for rewards of this size, a weight out of range, a broken
/// table.
pub fn penalised_at(
    table: &Outcomes,
    divergence: Divergence,
    multiplier: f64,
) -> Result<Reweighting, TheoryError> {
    positive("the multiplier", multiplier)?;
    if divergence == Divergence::Kl {
        return Ok(Tilter::new(table).reweighting(multiplier)?);
    }
    let weight = weight(divergence)?;
    let prompts = ordered(table)?;
    let smallest = smallest(&prompts);
    let range = format!("at least {smallest:e}, for rewards of this size,");
    require("the multiplier", multiplier, multiplier >= smallest, &range)?;
    Ok(policy(table, &prompts, weight, multiplier))
}

/// The maximiser of E\[U\] − λ·D(π‖π₀) whose KL(π‖π₀), the mean over prompts, is `kl_budget` nats; the answer's
/// multiplier is λ.
///
/// # Errors
/// A budget below 1e-12, or not below the largest KL on this table, −ln π₀(argmax U); a weight out of range; a broken
/// table.
pub fn penalised(
    table: &Outcomes,
    divergence: Divergence,
    kl_budget: f64,
) -> Result<Reweighting, TheoryError> {
    if divergence == Divergence::Kl {
        let tilter = Tilter::new(table);
        return Ok(tilter.reweighting(tilter.at_budget(kl_budget)?.beta)?);
    }
    let weight = weight(divergence)?;
    let prompts = ordered(table)?;
    let count = prompts.len() as f64;
    let tops = prompts.iter().filter_map(|prompt| prompt.groups.first());
    let largest = tops.map(|top| -top.mass.ln()).sum::<f64>() / count;
    let range =
        format!("at least {SMALLEST_BUDGET:e} and less than {largest}, the largest KL on this table,");
    require("the KL budget", kl_budget, kl_budget >= SMALLEST_BUDGET && kl_budget < largest, &range)?;
    let found = multiplier(spread(&prompts), smallest(&prompts), |log| {
        let kl: f64 = prompts.iter().map(|prompt| solve(prompt, weight, log.exp()).kl(prompt)).sum();
        overspent(kl / count, kl_budget)
    });
    Ok(policy(table, &prompts, weight, found))
}

/// The weight of χ² beside KL; `None` where there is no KL.
fn weight(divergence: Divergence) -> Result<Option<f64>, TheoryError> {
    let Divergence::Mixed { weight } = divergence else { return Ok(None) };
    let valid = (1e-9..=1e9).contains(&weight);
    require("the weight of χ²", weight, valid, "a number from 1e-9 to 1e9").map(Some)
}

fn solve(prompt: &Ordered, weight: Option<f64>, multiplier: f64) -> Solved {
    match weight {
        None => Solved::chi_squared(prompt, multiplier),
        Some(weight) => Solved::mixed(prompt, weight, multiplier),
    }
}

fn policy(table: &Outcomes, prompts: &[Ordered], weight: Option<f64>, multiplier: f64) -> Reweighting {
    let solved: Vec<Solved> = prompts.iter().map(|prompt| solve(prompt, weight, multiplier)).collect();
    reweighted(prompts, table, Some(multiplier), |prompt, group| solved[prompt].log_ratio(group))
}

/// The smallest multiplier at which nothing overflows.
fn smallest(prompts: &[Ordered]) -> f64 {
    spread(prompts).max(1.0) * 1e-250
}

/// The largest difference between two proxies of a prompt.
fn spread(prompts: &[Ordered]) -> f64 {
    prompts.iter().filter_map(|prompt| prompt.groups.last()).fold(0.0, |spread, last| spread.max(-last.depth))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{masses, table};
    use super::*;

    const MASS: [f64; 3] = [0.6, 0.3, 0.1];
    const REWARD: [f64; 3] = [-0.5, 0.7, 4.0];
    const PENALTIES: [Divergence; 4] = [
        Divergence::Kl,
        Divergence::ChiSquared,
        Divergence::Mixed { weight: 0.05 },
        Divergence::Mixed { weight: 3.0 },
    ];

    fn objective(divergence: Divergence, multiplier: f64, p: [f64; 3]) -> f64 {
        let (mut reward, mut kl, mut chi) = (0.0, 0.0, -1.0);
        for ((p, q), u) in p.iter().zip(MASS).zip(REWARD) {
            reward += p * u;
            kl += if *p > 0.0 { p * (p / q).ln() } else { 0.0 };
            chi += p * p / q;
        }
        reward
            - multiplier
                * match divergence {
                    Divergence::Kl => kl,
                    Divergence::ChiSquared => chi,
                    Divergence::Mixed { weight } => kl + weight * chi,
                }
    }

    // The whole simplex of three outcomes, then ever finer around the best point.
    fn brute_force(divergence: Divergence, multiplier: f64) -> f64 {
        let (mut centre, mut width, mut best) = ([0.5, 0.5], 0.5, f64::NEG_INFINITY);
        for _ in 0..25 {
            let around = centre;
            for i in -40..=40 {
                for j in -40..=40 {
                    let (a, b) =
                        (around[0] + width * f64::from(i) / 40.0, around[1] + width * f64::from(j) / 40.0);
                    if a < 0.0 || b < 0.0 || a + b > 1.0 {
                        continue;
                    }
                    let value = objective(divergence, multiplier, [a, b, 1.0 - a - b]);
                    if value > best {
                        (best, centre) = (value, [a, b]);
                    }
                }
            }
            width *= 0.5;
        }
        best
    }

    #[test]
    fn no_policy_on_the_simplex_does_better() {
        let table = table(&MASS, &REWARD);
        for divergence in PENALTIES {
            for multiplier in [0.02, 0.3, 1.0, 5.0, 100.0] {
                let policy = penalised_at(&table, divergence, multiplier).unwrap();
                let p: [f64; 3] = masses(&policy, &table).try_into().unwrap();
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-13, "{divergence:?}, {multiplier}: {p:?}");
                let (found, best) =
                    (objective(divergence, multiplier, p), brute_force(divergence, multiplier));
                assert!((found - best).abs() < 1e-11, "{divergence:?}, {multiplier}: {found} against {best}");
            }
        }
    }

    #[test]
    fn a_budget_is_spent_and_its_multiplier_falls() {
        let table = table(&MASS, &REWARD);
        for divergence in PENALTIES {
            let (mut last, mut proxy) = (f64::INFINITY, f64::NEG_INFINITY);
            for budget in [1e-9, 1e-4, 0.1, 1.0, 2.0, 2.3] {
                let policy = penalised(&table, divergence, budget).unwrap();
                let moments = policy.moments(&table).unwrap();
                assert!((moments.kl / budget - 1.0).abs() < 1e-6, "{divergence:?}, {budget}: {}", moments.kl);
                assert!(
                    policy.multiplier.unwrap() < last && moments.proxy > proxy,
                    "{divergence:?}, {budget}"
                );
                (last, proxy) = (policy.multiplier.unwrap(), moments.proxy);
            }
        }
    }

    #[test]
    fn a_weight_near_nothing_is_the_tilt_and_a_large_one_is_chi_squared() {
        let table = table(&MASS, &REWARD);
        let near = |a: Divergence, b: Divergence| {
            let ratios = [a, b].map(|d| penalised(&table, d, 0.3).unwrap().log_ratio);
            ratios[0].iter().zip(&ratios[1]).all(|(x, y)| (x.exp() - y.exp()).abs() < 1e-7)
        };
        assert!(near(Divergence::Mixed { weight: 1e-9 }, Divergence::Kl));
        assert!(near(Divergence::Mixed { weight: 1e9 }, Divergence::ChiSquared));
        assert!(!near(Divergence::Kl, Divergence::ChiSquared));
    }

    #[test]
    fn prompts_share_the_multiplier_and_the_budget_is_their_mean() {
        let mut table = table(&[0.6, 0.3, 0.1, 0.2, 0.2, 0.6], &[0.0, 1.0, 2.0, 5.0, 0.0, 3.0]);
        (table.prompts, table.outcomes) = (2, 3);
        for divergence in PENALTIES {
            let policy = penalised(&table, divergence, 0.4).unwrap();
            assert!((policy.moments(&table).unwrap().kl - 0.4).abs() < 1e-12, "{divergence:?}");
            let again = penalised_at(&table, divergence, policy.multiplier.unwrap()).unwrap();
            assert_eq!(policy, again);
        }
    }

    #[test]
    fn impossible_requests_are_refused() {
        let table = table(&MASS, &REWARD);
        for divergence in PENALTIES {
            for budget in [0.0, -1.0, f64::NAN, f64::INFINITY, 2.31, 5.0] {
                let message = penalised(&table, divergence, budget).unwrap_err().to_string();
                assert!(message.starts_with(&format!("the KL budget is {budget};")), "{message}");
            }
            for multiplier in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-320] {
                assert!(penalised_at(&table, divergence, multiplier).is_err(), "{divergence:?} {multiplier}");
            }
        }
        assert!(penalised(&table, Divergence::Mixed { weight: 0.0 }, 0.1).is_err());
        assert!(penalised_at(&table, Divergence::Mixed { weight: f64::NAN }, 0.1).is_err());
    }
}
