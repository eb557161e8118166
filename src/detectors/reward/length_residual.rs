//! What a reward is beyond what its completion's length explains.

use crate::detectors::input::{digits, digits_at, finite, named, numbers, proxy, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::{MAD_TO_SD, median};
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The residual of the proxy from a straight line in length, in 1.4826·MADs of the calibration's residuals.
///
/// The slope is Theil's incomplete estimate (1950): in order of length, rollout i is paired with rollout i + n/2, and the
/// slope is the median of the pairs' slopes; the intercept is the median of what is left. It takes a sort, needs no tuning
/// and holds while a quarter of the rollouts is off in reward or in length, where Huber's M-estimate already follows one
/// hack of unheard-of length. Where length explains nothing it is `robust_z`; a reward that is high because the answer is
/// long scores low, so a hack that works *by* length is not for it.
///
/// Refuses with [`Status::Missing`] without lengths, [`Status::TooFew`] under 20 rollouts or 10 pairs of unequal length,
/// [`Status::ZeroMad`] where more than half of the rewards lie on the line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LengthResidual {}

/// Fewest pairs whose median slope is worth anything.
const MIN_PAIRS: usize = 10;

const LENGTH: &str = "length";

impl Detector for LengthResidual {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn needs(&self) -> Vec<String> {
        named(&[LENGTH])
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Line::of(calibration) {
            Ok(line) => Fitted::Ready(Box::new(line)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Line {
    intercept: f64,
    slope: f64,
    sd: f64,
}

/// Rewards and lengths.
fn columns(batch: &Observed) -> Result<(&[f64], &[f64]), Status> {
    let length = numbers(batch, LENGTH)?;
    if length.iter().any(|l| !l.is_finite()) {
        return Err(Status::Undefined { reason: "a length is not a finite number" });
    }
    Ok((proxy(batch)?, length))
}

impl Line {
    fn of(calibration: &Observed) -> Result<Self, Status> {
        let (rewards, lengths) = columns(calibration)?;
        let n = rewards.len();
        if n < 2 * MIN_PAIRS {
            return Err(Status::TooFew { what: "calibration rollouts", have: n, need: 2 * MIN_PAIRS });
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_unstable_by(|&a, &b| {
            lengths[a].total_cmp(&lengths[b]).then(rewards[a].total_cmp(&rewards[b])).then(a.cmp(&b))
        });
        let (short, long) = order.split_at(n / 2);
        let slopes: Vec<f64> = (short.iter().zip(&long[n % 2..]))
            .filter(|(a, b)| lengths[**a] < lengths[**b])
            .map(|(&a, &b)| {
                (0.5 * finite(rewards[b]) - 0.5 * finite(rewards[a])) / (0.5 * lengths[b] - 0.5 * lengths[a])
            })
            .collect();
        if slopes.len() < MIN_PAIRS {
            let what = "pairs of calibration rollouts of unequal length";
            return Err(Status::TooFew { what, have: slopes.len(), need: MIN_PAIRS });
        }
        let too_large =
            || Status::Undefined { reason: "the line through the calibration rewards is not finite" };
        let slope = median(&slopes).filter(|slope| slope.is_finite()).ok_or_else(too_large)?;
        let flat = Self { intercept: 0.0, slope, sd: 1.0 };
        let left: Vec<f64> = rewards.iter().zip(lengths).map(|(&u, &l)| flat.residual(u, l)).collect();
        let intercept = median(&left).filter(|x| x.is_finite()).ok_or_else(too_large)?;
        let away: Vec<f64> = left.iter().map(|x| finite(x - intercept).abs()).collect();
        let sd = MAD_TO_SD * median(&away).ok_or_else(too_large)?;
        match sd {
            0.0 => Err(Status::ZeroMad),
            sd if sd.is_finite() => Ok(Self { intercept, slope, sd }),
            _ => Err(too_large()),
        }
    }

    /// What the line does not explain, in units of sd.
    fn residual(&self, reward: f64, length: f64) -> f64 {
        finite((finite(reward) - self.expected(length)) / self.sd)
    }

    fn expected(&self, length: f64) -> f64 {
        finite(self.intercept + finite(self.slope * length))
    }
}

impl Scorer for Line {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let (rewards, lengths) = columns(batch)?;
        scores(rewards.iter().zip(lengths).map(|(&u, &l)| self.residual(u, l)).collect())
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let length = batch.length.as_deref();
        let (reading, measured) = (digits_at(Some(&batch.proxy), row), digits_at(length, row));
        let (Some(&reward), Some(&length)) = (batch.proxy.get(row), length.and_then(|l| l.get(row))) else {
            return format!("proxy reward {reading}, length {measured}");
        };
        format!(
            "proxy reward {reading} lies {} robust standard deviations ({}) from the {} expected at length {measured} \
             ({} for each unit of length)",
            digits(self.residual(reward, length)),
            digits(self.sd),
            digits(self.expected(length)),
            digits(self.slope),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};
    use rand_distr::{Distribution as _, StandardNormal};

    /// U = 3 + .02·length + noise, lengths from 10 to 510.
    fn log(n: usize) -> Observed {
        let mut rng = SeedTree::new(5, 0).stream(Purpose::Calibration, 0);
        let length: Vec<f64> = (0..n).map(|_| (10.0 + 500.0 * rng.open_unit()).floor()).collect();
        let noise = |rng: &mut Stream| -> f64 { StandardNormal.sample(rng) };
        let proxy = length.iter().map(|l| 3.0 + 0.02 * l + noise(&mut rng)).collect();
        Observed { proxy, length: Some(length), ..Observed::default() }
    }

    #[test]
    fn the_line_is_found_and_a_quarter_of_hacks_of_unheard_of_length_does_not_move_it() {
        // The slope's standard error is √(8π/n)·sd/range = 1.6e-4 at n = 4000, the intercept's .05: five of each.
        let mut log = log(4000);
        let line = Line::of(&log).unwrap();
        assert!((line.slope - 0.02).abs() < 8e-4, "{}", line.slope);
        assert!((line.intercept - 3.0).abs() < 0.25 && (line.sd - 1.0).abs() < 0.1);
        // 20% hacks of unheard-of length: least squares would fall to a slope of some −.01.
        log.proxy[..800].fill(-100.0);
        log.length.as_mut().unwrap()[..800].fill(5000.0);
        let bent = Line::of(&log).unwrap();
        assert!((bent.slope - 0.02).abs() < 0.02, "{}", bent.slope);
    }

    #[test]
    fn a_long_answer_with_the_reward_of_its_length_is_nothing_special() {
        let mut scorer = Line::of(&log(4000)).unwrap();
        let batch = Observed {
            proxy: vec![13.0, 9.0, f64::INFINITY, f64::NEG_INFINITY],
            length: Some(vec![500.0, 100.0, 1.0, 1e300]),
            ..Observed::default()
        };
        let made = scorer.score(&batch).unwrap();
        assert!(made.values()[0].abs() < 0.3 && (made.values()[1] - 4.0).abs() < 0.4, "{:?}", made.values());
        assert!(
            scorer.explain(&batch, 1).contains("expected at length 100 ("),
            "{}",
            scorer.explain(&batch, 1)
        );
    }

    #[test]
    fn degenerate_calibration_is_a_status() {
        let refusal = |proxy: Vec<f64>, length: Vec<f64>| {
            Line::of(&Observed { proxy, length: Some(length), ..Observed::default() }).err()
        };
        let rising: Vec<f64> = (0..40).map(f64::from).collect();
        assert!(matches!(
            refusal(vec![1.0; 9], vec![1.0; 9]),
            Some(Status::TooFew { have: 9, need: 20, .. })
        ));
        assert!(matches!(
            refusal(rising.clone(), vec![7.0; 40]),
            Some(Status::TooFew { have: 0, need: 10, .. })
        ));
        assert_eq!(refusal(rising.clone(), rising.clone()), Some(Status::ZeroMad));
        assert!(matches!(refusal(rising.clone(), vec![f64::NAN; 40]), Some(Status::Undefined { .. })));
        let missing = Line::of(&Observed { proxy: rising, ..Observed::default() }).err();
        assert_eq!(missing, Some(Status::Missing { column: "length".into() }));
    }
}
