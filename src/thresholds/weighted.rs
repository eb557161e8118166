//! Conformal p-values for rollouts of another policy than the one that gave the calibration rows.

use super::monitor::{Alarm, Monitor, Rows, Watcher};
use super::{Flags, Null, comparable, p_value, proper_rate};
use crate::foundation::failure::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the weights of rollouts come from.
const NEEDS: [&str; 2] = ["log_prob", "ref_log_prob"];

/// Alarms are conformal p-values, weighted by w = π/π₀, at or below the rate: p = (Σ wᵢ over the reference with sᵢ ≥ s + w)/(Σ wᵢ + w) of a rollout with score s and weight w.
///
/// One policy π is watched, and the reference's weights are its own too. A step in which no rollout could have come down to
/// the rate is refused with [`Status::Resolution`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Weighted {}

impl Monitor for Weighted {
    fn needs(&self) -> &'static [&'static str] {
        &NEEDS
    }
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status> {
        proper_rate(rate)?;
        Ok(Box::new(WeightedWatcher { ranks: Ranks::of(reference.scores, ln_weights(reference)?)?, rate }))
    }
}

fn ln_weights(rows: Rows<'_>) -> Result<&[f64], Status> {
    rows.ln_weights.ok_or_else(|| Status::Missing { column: NEEDS.join(", ") })
}

struct WeightedWatcher {
    ranks: Ranks,
    rate: f64,
}

impl Watcher for WeightedWatcher {
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status> {
        let found = self.ranks.p_values(rows.scores, ln_weights(rows)?)?;
        if !found.values.is_empty() {
            found.null().resolves(self.rate)?;
        }
        // The margin is that of the resolution.
        let most = self.rate * (1.0 + 1e-12);
        let low = found.values.iter().enumerate().filter(|(_, p)| **p <= most);
        alarms.extend(low.map(|(row, p)| Alarm { row, p_value: Some(*p), threshold: None }));
        Ok(())
    }
    fn threshold(&self) -> Option<f64> {
        None
    }
}

/// Conformal p-values under covariate shift, with what they can resolve.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedPValues {
    /// One p-value a tested row.
    pub values: Vec<f64>,
    /// Effective number of calibration rows, (Σw)²/Σw² (Kish). It does not see mass that calibration never sampled: a
    /// healthy number is no proof.
    pub effective: f64,
    /// Smallest p-value that any of the tested rows could have had.
    pub smallest: f64,
}

impl WeightedPValues {
    /// For [`benjamini_hochberg`](super::benjamini_hochberg).
    pub fn null(&self) -> Null {
        Null::Weighted { effective: self.effective, smallest: self.smallest }
    }

    /// Flags p-values at or below `rate`.
    ///
    /// # Errors
    /// [`Status::Resolution`] where no row could come down to `rate`; [`Status::Undefined`] of a rate outside (0, 1).
    pub fn at_rate(&self, rate: f64) -> Result<Flags, Status> {
        proper_rate(rate)?;
        self.null().resolves(rate)?;
        p_value(&self.values, rate)
    }
}

/// p-values (Σ w over calibration rows that score as high + w of the row)/(Σ w + w of the row), with w = π/π₀ (Tibshirani,
/// Foygel Barber, Candès & Ramdas 2019, *Conformal prediction under covariate shift*).
///
/// Their null: the calibration rows were sampled from π₀ and the tested row from π, and but for that it is exchangeable
/// with them ("exchangeable after reweighting"). Each row comes with ln w = ln π − ln π₀ of its trajectory under the *tested*
/// policy π, in nats: a log that holds the log-probabilities of the policy that sampled each row has those of the tested rows,
/// and calibration rows must be scored by π again. A single weight per run needs a single π: test one step at a time where it
/// moves.
///
/// # Errors
/// [`Status::Resolution`] of no calibration row; [`Status::Undefined`] of NaN, of a weight of ∞, of columns that differ in
/// length, or where all weights of the calibration are 0.
pub fn weighted_conformal_p_values(
    calibration: &[f64],
    calibration_ln_weights: &[f64],
    scores: &[f64],
    ln_weights: &[f64],
) -> Result<WeightedPValues, Status> {
    Ranks::of(calibration, calibration_ln_weights)?.p_values(scores, ln_weights)
}

/// Calibration scores, ascending, with the weight from each on.
struct Ranks {
    ascending: Vec<f64>,
    /// Sum of the weights from a row on, and 0, in units of the largest.
    above: Vec<f64>,
    /// ln of the largest weight.
    largest: f64,
    /// (Σw)²/Σw².
    effective: f64,
}

impl Ranks {
    fn of(calibration: &[f64], ln_weights: &[f64]) -> Result<Self, Status> {
        one_each(calibration, ln_weights)?;
        if calibration.is_empty() {
            return Err(Status::Resolution { have: 0, need: 1 });
        }
        let largest = ln_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return Err(Status::Undefined {
                reason: "no calibration row has any probability under the policy",
            });
        }
        let weight = |ln_weight: &f64| (ln_weight - largest).exp();
        let mut rows: Vec<(f64, f64)> =
            calibration.iter().copied().zip(ln_weights.iter().map(weight)).collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut above = vec![0.0; rows.len() + 1];
        let (mut total, mut squares) = (0.0, 0.0);
        for (i, (_, weight)) in rows.iter().enumerate().rev() {
            total += weight;
            squares += weight * weight;
            above[i] = total;
        }
        let ascending = rows.into_iter().map(|(score, _)| score).collect();
        Ok(Self { ascending, above, largest, effective: total * total / squares })
    }

    fn p_values(&self, scores: &[f64], ln_weights: &[f64]) -> Result<WeightedPValues, Status> {
        one_each(scores, ln_weights)?;
        let at_least = |score: &f64| self.above[self.ascending.partition_point(|x| x < score)];
        let rows = scores.iter().zip(ln_weights);
        let values = rows.map(|(score, ln_weight)| self.share(at_least(score), *ln_weight)).collect();
        let smallest = ln_weights.iter().map(|ln_weight| self.share(0.0, *ln_weight)).fold(1.0, f64::min);
        Ok(WeightedPValues { values, effective: self.effective, smallest })
    }

    /// (mass + w)/(Σ + w) of a row with this ln w.
    fn share(&self, mass: f64, ln_weight: f64) -> f64 {
        let total = self.above.first().copied().unwrap_or_default();
        let own = ln_weight - self.largest;
        // Whichever of the two is larger is 1, so that neither overflows.
        let (rest, own) = if own > 0.0 { ((-own).exp(), 1.0) } else { (1.0, own.exp()) };
        (mass * rest + own) / (total * rest + own)
    }
}

/// Refuses columns of unequal length, NaN, and rows to which π₀ gave probability 0.
fn one_each(scores: &[f64], ln_weights: &[f64]) -> Result<(), Status> {
    if scores.len() != ln_weights.len() {
        return Err(Status::Undefined { reason: "there must be one log-ratio for each score" });
    }
    comparable(scores)?;
    comparable(ln_weights)?;
    if ln_weights.contains(&f64::INFINITY) {
        return Err(Status::Undefined {
            reason: "a log-ratio is infinite: π₀ gave the row probability 0"
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{benjamini_hochberg, conformal_p_values};
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};
    use statrs::function::erf::erfc;

    #[test]
    fn equal_weights_are_plain_conformal() {
        let (calibration, scores) = ([1.0, 2.0, 3.0, 3.0], [9.0, 3.0, 2.5, 0.0]);
        let weighted = weighted_conformal_p_values(&calibration, &[-7.0; 4], &scores, &[-7.0; 4]).unwrap();
        assert_eq!(weighted.values, conformal_p_values(&calibration, &scores).unwrap());
        assert_eq!((weighted.effective, weighted.smallest), (4.0, 0.2));
    }

    #[test]
    fn a_case_by_hand() {
        let ln = f64::ln;
        let found = weighted_conformal_p_values(
            &[1.0, 2.0, 3.0],
            &[ln(1.0), ln(2.0), ln(4.0)],
            &[2.0, 5.0, 5.0],
            &[ln(1.0), ln(1.0), ln(1000.0)],
        )
        .unwrap();
        let expected = [7.0 / 8.0, 1.0 / 8.0, 1000.0 / 1007.0];
        assert!(found.values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        assert!((found.effective - 49.0 / 21.0).abs() < 1e-14 && (found.smallest - 0.125).abs() < 1e-15);
        assert_eq!(found.at_rate(0.125).unwrap().rows, [1]);
        assert_eq!(found.at_rate(0.1), Err(Status::Resolution { have: 2, need: 9 }));
        assert_eq!(
            benjamini_hochberg(&found.values, 0.3, found.null()),
            Err(Status::Resolution { have: 2, need: 9 })
        );
        assert_eq!(benjamini_hochberg(&found.values, 0.375, found.null()).unwrap().rows, [1]);
    }

    #[test]
    fn extreme_and_impossible_weights() {
        let p = |c: &[f64], t: &[f64]| {
            weighted_conformal_p_values(&vec![0.0; c.len()], c, &vec![1.0; t.len()], t)
        };
        let far = p(&[0.0, -5.0], &[2000.0, -2000.0, f64::NEG_INFINITY]).unwrap();
        assert_eq!(far.values, [1.0, 0.0, 0.0]);
        assert!(matches!(p(&[], &[0.0]), Err(Status::Resolution { have: 0, .. })));
        for bad in [f64::NAN, f64::INFINITY] {
            assert!(matches!(p(&[bad], &[0.0]), Err(Status::Undefined { .. })));
            assert!(matches!(p(&[0.0], &[bad]), Err(Status::Undefined { .. })));
        }
        assert!(matches!(p(&[f64::NEG_INFINITY], &[0.0]), Err(Status::Undefined { .. })));
        assert!(weighted_conformal_p_values(&[0.0], &[], &[], &[]).is_err());
    }

    /// Calibration from N(0, 1), tests from N(1, 1), score = the value: ln w = x − ½. The share of p ≤ .1 must be .1 after
    /// weighting (one standard error, from the few hundred calibration rows that carry the weight, is .01), and is the
    /// normal tail P(N(1, 1) > 1.28) = .39 without.
    #[test]
    fn weights_mend_a_shift_that_breaks_plain_ranks() {
        let mut rng = SeedTree::new(3, 0).stream(Purpose::Bootstrap, 0);
        let mut normal = |mean: f64, n: usize| -> Vec<f64> {
            (0..n)
                .map(|_| {
                    let (u, v) = (rng.open_unit(), rng.open_unit());
                    mean + (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
                })
                .collect()
        };
        let (calibration, tested) = (normal(0.0, 20_000), normal(1.0, 20_000));
        let ratio = |x: &[f64]| x.iter().map(|x| x - 0.5).collect::<Vec<f64>>();
        let small = |p: &[f64]| p.iter().filter(|p| **p <= 0.1).count() as f64 / p.len() as f64;
        let weighted =
            weighted_conformal_p_values(&calibration, &ratio(&calibration), &tested, &ratio(&tested))
                .unwrap();
        let mended = small(&weighted.values);
        assert!((mended - 0.1).abs() < 0.04, "{mended}");
        let plain = small(&conformal_p_values(&calibration, &tested).unwrap());
        let broken = 0.5 * erfc((1.281_55 - 1.0) / std::f64::consts::SQRT_2);
        assert!((plain - broken).abs() < 0.04 && plain > 0.3, "{plain} {broken}");
        // E[w]²/E[w²] = 1/e.
        assert!(
            (weighted.effective / 20_000.0 * std::f64::consts::E - 1.0).abs() < 0.3,
            "{}",
            weighted.effective
        );
    }
}
