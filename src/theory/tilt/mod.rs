//! The exponential tilt π ∝ π₀·exp(U/β): the exact optimum of E\[U\] − β·KL(π‖π₀).
//!
//! Derivation: the Lagrangian of a concave problem on the simplex; see Kwa, Thomas & Garriga-Alonso 2024 (arXiv
//! 2407.14503), section 2, or Peters & Schaal 2007. With several prompts the same β holds in each and the KL of the
//! policy is the mean over prompts. KL falls strictly in β, from −ln π₀(argmax U) at β → 0 to 0 at β → ∞, so that a
//! budget has one β, found on the logarithms of both.
//!
//! With d = U − max U and Z = E_π₀\[exp(d/β)\]: KL(π‖π₀) = E_π\[d\]/β − ln Z and KL(π₀‖π) = ln Z − E_π₀\[d\]/β, so that
//! one walk over the table gives all moments at every β.

mod error;
mod kernel;
mod reference;

pub use error::TiltError;

use crate::record::Outcomes;
use crate::theory::multiplier::{SMALLEST_BUDGET, multiplier, overspent};
use crate::theory::table::{Reweighting, check};
use kernel::{Prompt, Sums, walk};
use reference::{Reference, columns};

/// U/β stays below its inverse, so that no moment overflows.
const SMALLEST_RATIO: f64 = 1e-307;

/// The tilt's exact moments. KL in nats; expectations in units of reward.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Tilt {
    /// KL coefficient β.
    pub beta: f64,
    /// KL(π‖π₀).
    pub kl: f64,
    /// KL(π₀‖π).
    pub reverse_kl: f64,
    /// E\[U\].
    pub proxy: f64,
    /// E\[V\].
    pub utility: f64,
    /// E\[X\].
    pub error: f64,
    /// ln E_π₀\[exp(U/β)\], mean over prompts.
    pub log_partition: f64,
    /// Effective sample size 1/Σπ², of the whole table (prompts drawn uniformly).
    pub ess: f64,
    /// Largest probability of an outcome given its prompt.
    pub top_mass: f64,
}

/// A table prepared for tilting: each prompt's depths below its largest proxy, and its reference moments.
#[derive(Debug)]
pub struct Tilter<'a> {
    table: &'a Outcomes,
    fault: Option<TiltError>,
    depths: Vec<f64>,
    prompts: Vec<Reference>,
    largest: f64,
    spread: f64,
}

impl<'a> Tilter<'a> {
    /// Computes U = V + X, its largest value and the reference's moments once.
    pub fn new(table: &'a Outcomes) -> Self {
        let fault = check(table).err().map(TiltError::Table);
        let width = table.outcomes.max(1);
        let mut depths: Vec<f64> = table.utility.iter().zip(&table.error).map(|(v, x)| v + x).collect();
        let largest = depths.iter().fold(0f64, |m, u| m.max(u.abs()));
        let mut spread = 0f64;
        let mut prompts = Vec::with_capacity(table.prompts);
        for (prompt, (row, log)) in depths.chunks_mut(width).zip(table.ref_log_prob.chunks(width)).enumerate()
        {
            let (reference, range) = Reference::of(table, row, log, prompt);
            spread = spread.max(range);
            prompts.push(reference);
        }
        Self { table, fault, depths, prompts, largest, spread }
    }

    /// The largest KL of any tilt: −ln π₀(argmax U), mean over prompts.
    pub fn largest_kl(&self) -> f64 {
        let total: f64 = self.prompts.iter().map(|prompt| prompt.log_mass() - prompt.top_mass.ln()).sum();
        (total / self.prompts.len().max(1) as f64).max(0.0)
    }

    /// The tilt at a fixed β.
    ///
    /// # Errors
    /// β is not above 0, too small for rewards of this size, or the table is broken.
    pub fn at_coefficient(&self, beta: f64) -> Result<Tilt, TiltError> {
        self.refuse(beta)?;
        let mut sums = [Sums::new(1.0 / beta)];
        Ok(self.tilt(beta, &self.walk_all(&mut sums)))
    }

    /// The tilts at several β, in their order, from one walk over the table.
    ///
    /// # Errors
    /// As [`Tilter::at_coefficient`], for the first β that is refused.
    pub fn path(&self, betas: &[f64]) -> Result<Vec<Tilt>, TiltError> {
        betas.iter().try_for_each(|beta| self.refuse(*beta))?;
        let mut sums: Vec<Sums> = betas.iter().map(|beta| Sums::new(1.0 / beta)).collect();
        let prompts = self.walk_all(&mut sums);
        let tilt = |(i, beta): (usize, &f64)| {
            let own: Vec<Prompt> = prompts.iter().skip(i).step_by(betas.len()).copied().collect();
            self.tilt(*beta, &own)
        };
        Ok(betas.iter().enumerate().map(tilt).collect())
    }

    /// The tilt whose KL is `budget` nats.
    ///
    /// # Errors
    /// A budget that is not above 1e-12 or that no tilt of this table reaches, or a broken table.
    pub fn at_budget(&self, budget: f64) -> Result<Tilt, TiltError> {
        if !(budget.is_finite() && budget >= SMALLEST_BUDGET) {
            return Err(TiltError::Budget { budget, smallest: SMALLEST_BUDGET });
        }
        self.sound()?;
        let largest = self.largest_kl();
        if budget >= largest {
            return Err(TiltError::Infeasible { budget, largest });
        }
        let beta = multiplier(self.spread, self.smallest(), |log| {
            let (inverse, tilted) = self.at_log(log);
            overspent(self.kl(inverse, &tilted), budget)
        });
        self.at_coefficient(beta)
    }

    /// β at which the most rewarded outcome of a prompt holds half of its mass (the condensation point of F2);
    /// `None` where the reference gives it half already, where ties keep it from half, or where the table is broken.
    pub fn condensation(&self) -> Option<f64> {
        self.sound().ok()?;
        let mean = |mass: &dyn Fn(usize, &Reference) -> f64| {
            let masses = self.prompts.iter().enumerate().map(|(i, prompt)| mass(i, prompt));
            masses.sum::<f64>() / self.prompts.len() as f64
        };
        let least = mean(&|_, prompt| (prompt.top_log - prompt.log_mass()).exp());
        let most = mean(&|_, prompt| prompt.top_log.exp() / prompt.top_mass);
        (least < 0.5 && most > 0.5).then(|| {
            multiplier(self.spread, self.smallest(), |log| {
                let (_, tilted) = self.at_log(log);
                mean(&|i, prompt| {
                    (prompt.top_log - prompt.log_mass() - prompt.log_partition(&tilted[i])).exp()
                }) - 0.5
            })
        })
    }

    /// The tilt at a fixed β as a policy: ln(π/π₀) of each cell.
    ///
    /// # Errors
    /// As [`Tilter::at_coefficient`].
    pub fn reweighting(&self, beta: f64) -> Result<Reweighting, TiltError> {
        self.refuse(beta)?;
        let prompts = self.walk_all(&mut [Sums::new(1.0 / beta)]);
        let rows = self.depths.chunks(self.table.outcomes.max(1)).zip(self.prompts.iter().zip(&prompts));
        let log_ratio = rows.flat_map(|(row, (reference, tilted))| {
            let log_partition = reference.log_partition(tilted);
            row.iter().map(move |depth| depth / beta - log_partition)
        });
        Ok(Reweighting { log_ratio: log_ratio.collect(), multiplier: Some(beta) })
    }

    fn sound(&self) -> Result<(), TiltError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    /// The smallest β at which nothing overflows.
    fn smallest(&self) -> f64 {
        (self.largest * SMALLEST_RATIO).max(SMALLEST_RATIO)
    }

    fn refuse(&self, beta: f64) -> Result<(), TiltError> {
        if !(beta.is_finite() && beta > 0.0) {
            return Err(TiltError::Coefficient { beta });
        }
        self.sound()?;
        let smallest = self.smallest();
        if beta < smallest { Err(TiltError::Overflow { beta, smallest }) } else { Ok(()) }
    }

    /// Moments of each prompt at each of the sums' β: β runs fastest.
    fn walk_all(&self, sums: &mut [Sums]) -> Vec<Prompt> {
        let width = self.table.outcomes.max(1);
        let mut out = Vec::with_capacity(self.prompts.len() * sums.len());
        for (prompt, row) in self.depths.chunks(width).enumerate() {
            walk(columns(self.table, row, prompt), sums);
            out.extend(sums.iter_mut().map(Sums::take));
        }
        out
    }

    fn tilt(&self, beta: f64, tilted: &[Prompt]) -> Tilt {
        let prompts = tilted.len().max(1) as f64;
        let inverse = 1.0 / beta;
        let (mut reverse, mut log_partition) = (0.0, 0.0);
        let (mut utility, mut error, mut squares, mut top_mass) = (0.0, 0.0, 0.0, 0f64);
        for (reference, tilted) in self.prompts.iter().zip(tilted) {
            let log_total = reference.log_partition(tilted);
            reverse += log_total - reference.moments.depth * inverse;
            utility += tilted.utility;
            error += tilted.error;
            squares += tilted.squares;
            log_partition += log_total + reference.top * inverse;
            top_mass = top_mass.max(1.0 / tilted.total);
        }
        Tilt {
            beta,
            kl: self.kl(inverse, tilted),
            reverse_kl: (reverse / prompts).max(0.0),
            proxy: (utility + error) / prompts,
            utility: utility / prompts,
            error: error / prompts,
            log_partition: log_partition / prompts,
            ess: prompts * prompts / squares,
            top_mass,
        }
    }

    /// 1/β and each prompt's moments at one ln β.
    fn at_log(&self, log_beta: f64) -> (f64, Vec<Prompt>) {
        let inverse = (-log_beta).exp();
        (inverse, self.walk_all(&mut [Sums::new(inverse)]))
    }

    fn kl(&self, inverse: f64, tilted: &[Prompt]) -> f64 {
        let total: f64 = (self.prompts.iter().zip(tilted))
            .map(|(reference, tilted)| tilted.depth * inverse - reference.log_partition(tilted))
            .sum();
        (total / tilted.len().max(1) as f64).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(prompts: usize, utility: Vec<f64>, error: Vec<f64>) -> Outcomes {
        let cells = utility.len();
        let outcomes = cells / prompts;
        Outcomes {
            prompts,
            outcomes,
            ref_log_prob: vec![-(outcomes as f64).ln(); cells],
            utility,
            error,
            class: vec![0; cells],
            hack: vec![false; cells],
        }
    }

    #[test]
    fn two_outcomes_have_the_closed_form() {
        let table = table(1, vec![0.0, 0.0], vec![0.0, 2.0]);
        let tilt = Tilter::new(&table).at_coefficient(1.0).unwrap();
        let p = 1.0 / (1.0 + (-2f64).exp());
        assert!((tilt.error - 2.0 * p).abs() < 1e-14);
        assert!((tilt.kl - (p * (2.0 * p).ln() + (1.0 - p) * (2.0 * (1.0 - p)).ln())).abs() < 1e-14);
        assert!((tilt.top_mass - p).abs() < 1e-15);
        // Half the mass on one of two is where β → ∞: the reference holds it already.
        assert_eq!(Tilter::new(&table).condensation(), None);
    }

    #[test]
    fn ties_never_condense() {
        assert_eq!(
            Tilter::new(&table(1, vec![0.0; 6], vec![1.0, 5.0, 5.0, 5.0, 0.0, 2.0])).condensation(),
            None
        );
        assert_eq!(Tilter::new(&table(1, vec![2.0; 3], vec![1.0; 3])).condensation(), None);
        // One of four equal masses holds half where exp(1/β) = 3.
        let beta = Tilter::new(&table(1, vec![1.0, 0.0, 0.0, 0.0], vec![0.0; 4])).condensation().unwrap();
        assert!((beta * 3f64.ln() - 1.0).abs() < 1e-13, "{beta}");
    }

    // The two best differ by so little that β must be far below the spread to tell them apart.
    #[test]
    fn near_ties_are_told_apart() {
        let table = table(1, vec![0.0, 1.0, 1.0 - 1e-14], vec![0.0; 3]);
        let tilt = Tilter::new(&table).at_budget(1.0).unwrap();
        assert!((tilt.kl - 1.0).abs() < 1e-12 && tilt.beta < 1e-13, "{tilt:?}");
    }

    #[test]
    fn a_budget_is_spent_to_the_last_digits() {
        let utility: Vec<f64> = (0..2000).map(|i| ((i * 7919) % 2000) as f64 / 300.0).collect();
        let error: Vec<f64> = (0..2000).map(|i| 1.0 / (1.0 + i as f64).powf(0.7) * 40.0).collect();
        let table = table(2, utility, error);
        let tilter = Tilter::new(&table);
        for budget in [1e-6, 1e-3, 0.1, 1.0, 3.0, 6.5] {
            let tilt = tilter.at_budget(budget).unwrap();
            assert!((tilt.kl / budget - 1.0).abs() < 1e-8, "{budget}: {}", tilt.kl);
        }
    }

    #[test]
    fn budgets_beyond_the_argmax_are_infeasible() {
        let table = table(1, vec![0.0, 0.0, 0.0, 0.0], vec![0.0, 1.0, 2.0, 2.0]);
        let tilter = Tilter::new(&table);
        assert!((tilter.largest_kl() - 2f64.ln()).abs() < 1e-15);
        assert!(matches!(tilter.at_budget(0.7), Err(TiltError::Infeasible { .. })));
        assert!(tilter.at_budget(f64::NAN).is_err() && tilter.at_coefficient(0.0).is_err());
    }

    #[test]
    fn equal_rewards_leave_the_reference() {
        let table = table(1, vec![1.0; 5], vec![2.0; 5]);
        let tilt = Tilter::new(&table).at_coefficient(1e-300).unwrap();
        assert_eq!((tilt.kl, tilt.proxy), (0.0, 3.0));
    }
}
