//! The exponential tilt π ∝ π₀·exp(U/β): the exact optimum of E\[U\] − β·KL(π‖π₀).
//!
//! Derivation: the Lagrangian of a concave problem on the simplex; see Kwa, Thomas & Garriga-Alonso 2024 (arXiv
//! 2407.14503), section 2, or Peters & Schaal 2007. With several prompts the same β holds in each and the KL of the
//! policy is the mean over prompts. KL falls strictly in β, from −ln π₀(argmax U) at β → 0 to 0 at β → ∞, so that a
//! budget has one β, found by Newton steps on ln β inside a shrinking bracket: dKL/d ln β = −Var_π(U)/β².

use crate::foundation::numeric::CompensatedSum;
use crate::record::Outcomes;

/// What tilting can refuse.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TiltError {
    /// No policy on this table is that far from the reference while maximising U.
    #[error(
        "infeasible: a KL budget of {budget} nats, but the largest KL of a tilt of this table is {largest}; choose a smaller budget"
    )]
    Infeasible {
        /// What was asked, in nats.
        budget: f64,
        /// −ln π₀(argmax U), mean over prompts, in nats.
        largest: f64,
    },
    /// β is not a positive finite number.
    #[error("a KL coefficient of {beta}; a finite number above 0 is needed")]
    Coefficient {
        /// What was given.
        beta: f64,
    },
    /// A KL budget that is not a positive finite number.
    #[error("a KL budget of {budget} nats; a finite number above 0 is needed")]
    Budget {
        /// What was given.
        budget: f64,
    },
}

/// The tilt's exact moments. KL in nats; expectations in units of reward.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// A table prepared for tilting: proxies and each prompt's largest one.
#[derive(Debug)]
pub struct Tilter<'a> {
    table: &'a Outcomes,
    proxy: Vec<f64>,
    tops: Vec<f64>,
}

/// Sums over the table at one β.
struct Sums {
    kl: f64,
    variance: f64,
    top_mass: f64,
}

impl<'a> Tilter<'a> {
    /// Computes U = V + X once.
    pub fn new(table: &'a Outcomes) -> Self {
        let proxy: Vec<f64> = (0..table.len()).map(|cell| table.proxy(cell)).collect();
        let tops = proxy
            .chunks(table.outcomes.max(1))
            .map(|row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            .collect();
        Self { table, proxy, tops }
    }

    /// U of a cell.
    pub fn proxy(&self, cell: usize) -> f64 {
        self.proxy[cell]
    }

    /// The largest KL of any tilt: −ln π₀(argmax U), mean over prompts.
    pub fn largest_kl(&self) -> f64 {
        let width = self.table.outcomes.max(1);
        let total: f64 = (self.proxy.chunks(width).zip(self.table.ref_log_prob.chunks(width)))
            .zip(&self.tops)
            .map(|((proxies, logs), top)| {
                let mass: f64 =
                    proxies.iter().zip(logs).filter(|(u, _)| *u == top).map(|(_, l)| l.exp()).sum();
                -mass.ln()
            })
            .sum();
        total / self.tops.len().max(1) as f64
    }

    /// The tilt at a fixed β.
    pub fn at_coefficient(&self, beta: f64) -> Result<Tilt, TiltError> {
        if !(beta.is_finite() && beta > 0.0) {
            return Err(TiltError::Coefficient { beta });
        }
        let (table, width) = (self.table, self.table.outcomes.max(1));
        let prompts = self.tops.len().max(1) as f64;
        let (mut kl, mut reverse, mut log_partition) = (0.0, 0.0, 0.0);
        let (mut utility, mut error, mut squares, mut top_mass) = (0.0, 0.0, 0.0, 0f64);
        let mut weights = vec![0.0; width];
        for (prompt, &top) in self.tops.iter().enumerate() {
            let row = prompt * width..(prompt + 1) * width;
            let log_total = self.weigh(prompt, beta, &mut weights);
            let mut sums = [CompensatedSum::default(); 5];
            for (cell, &weight) in row.zip(&weights) {
                let reference = table.ref_log_prob[cell].exp();
                let gain = (self.proxy[cell] - top) / beta - log_total;
                sums[0].add(if weight > 0.0 { weight * gain } else { 0.0 });
                sums[1].add(if reference > 0.0 { -reference * gain } else { 0.0 });
                sums[2].add(weight * table.utility[cell]);
                sums[3].add(weight * table.error[cell]);
                sums[4].add(weight * weight);
                top_mass = top_mass.max(weight);
            }
            kl += sums[0].value();
            reverse += sums[1].value();
            utility += sums[2].value();
            error += sums[3].value();
            squares += sums[4].value();
            log_partition += log_total + top / beta;
        }
        Ok(Tilt {
            beta,
            kl: (kl / prompts).max(0.0),
            reverse_kl: (reverse / prompts).max(0.0),
            proxy: (utility + error) / prompts,
            utility: utility / prompts,
            error: error / prompts,
            log_partition: log_partition / prompts,
            ess: prompts * prompts / squares,
            top_mass,
        })
    }

    /// The tilt whose KL is `budget` nats.
    pub fn at_budget(&self, budget: f64) -> Result<Tilt, TiltError> {
        if !(budget.is_finite() && budget > 0.0) {
            return Err(TiltError::Budget { budget });
        }
        let largest = self.largest_kl();
        if budget >= largest {
            return Err(TiltError::Infeasible { budget, largest });
        }
        let log_beta = self.solve(|sums| (sums.kl - budget, Some(-sums.variance)));
        self.at_coefficient(log_beta.exp())
    }

    /// β at which the most rewarded outcome of a prompt holds half of its mass (the condensation point of F2);
    /// `None` where the reference gives it half already.
    pub fn condensation(&self) -> Option<f64> {
        let holds = self.sums(f64::MAX.ln()).top_mass;
        (holds < 0.5).then(|| self.solve(|sums| (sums.top_mass - 0.5, None)).exp())
    }

    /// Writes π of one prompt into `weights` and gives ln Σ π₀·exp((U − max U)/β).
    fn weigh(&self, prompt: usize, beta: f64, weights: &mut [f64]) -> f64 {
        let width = self.table.outcomes.max(1);
        let row = prompt * width..(prompt + 1) * width;
        let top = self.tops[prompt];
        let mut peak = f64::NEG_INFINITY;
        for (cell, weight) in row.zip(weights.iter_mut()) {
            *weight = self.table.ref_log_prob[cell] + (self.proxy[cell] - top) / beta;
            peak = peak.max(*weight);
        }
        let mut total = CompensatedSum::default();
        for weight in weights.iter_mut() {
            *weight = (*weight - peak).exp();
            total.add(*weight);
        }
        let scale = 1.0 / total.value();
        for weight in weights.iter_mut() {
            *weight *= scale;
        }
        peak + total.value().ln()
    }

    /// KL, Var(U)/β² and the largest mass at one ln β, in one pass of exponentials a prompt.
    fn sums(&self, log_beta: f64) -> Sums {
        let (beta, width) = (log_beta.exp(), self.table.outcomes.max(1));
        let (mut kl, mut variance, mut top_mass) = (0.0, 0.0, 0f64);
        for (prompt, &top) in self.tops.iter().enumerate() {
            let row = prompt * width..(prompt + 1) * width;
            let logs = &self.table.ref_log_prob[row.clone()];
            let proxies = &self.proxy[row];
            let peak =
                (logs.iter().zip(proxies)).fold(f64::NEG_INFINITY, |m, (l, u)| m.max(l + (u - top) / beta));
            let (mut total, mut first, mut second, mut largest) = (0.0, 0.0, 0.0, 0f64);
            for (log, proxy) in logs.iter().zip(proxies) {
                let gain = (proxy - top) / beta;
                let weight = (log + gain - peak).exp();
                // exp underflows long before the gain does: a cell of weight 0 adds nothing, whatever its gain.
                let gain = gain.max(-1e150);
                total += weight;
                first += weight * gain;
                second += weight * gain * gain;
                largest = if *proxy == top { largest.max(weight) } else { largest };
            }
            let mean = first / total;
            kl += mean - (peak + total.ln());
            variance += (second / total - mean * mean).max(0.0);
            top_mass += largest / total;
        }
        let prompts = self.tops.len().max(1) as f64;
        Sums { kl: kl / prompts, variance: variance / prompts, top_mass: top_mass / prompts }
    }

    /// ln β at which a quantity that falls in β crosses zero. `measure` gives value and, where known, slope in ln β.
    fn solve(&self, measure: impl Fn(&Sums) -> (f64, Option<f64>)) -> f64 {
        let spread = self
            .proxy
            .iter()
            .zip(self.tops.iter().flat_map(|t| std::iter::repeat_n(t, self.table.outcomes.max(1))));
        let scale = spread.map(|(u, t)| t - u).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        // Below scale/1e18 every tilt is the argmax; above scale·1e9 its KL is below 1e-18.
        let (mut low, mut high) =
            ((scale / 1e18).max(f64::MIN_POSITIVE).ln(), (scale * 1e9).min(f64::MAX).ln());
        let mut point = (scale / 10.0).ln();
        for _ in 0..200 {
            let (value, slope) = measure(&self.sums(point));
            if value > 0.0 {
                low = point
            } else {
                high = point
            }
            if value == 0.0 || high - low < 1e-15 * (1.0 + low.abs()) {
                break;
            }
            let newton =
                slope.filter(|s| *s < 0.0).map(|s| point - value / s).filter(|x| *x > low && *x < high);
            let next = newton.unwrap_or(0.5 * (low + high));
            if (next - point).abs() < 1e-15 * (1.0 + point.abs()) {
                break;
            }
            point = next;
        }
        point
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
