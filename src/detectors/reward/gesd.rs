//! The generalised extreme studentised deviate test of each step's rewards.

use super::extreme_deviates::{Removal, critical_values, extreme_deviates};
use crate::detectors::input::{
    counted, digits, digits_at, fingerprint, finite, proxy, scores, step_of, steps,
};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::quantile_sorted;
use crate::foundation::rng::Stream;
use crate::foundation::scalar::OpenProbability;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rosner's many-outlier test (1983, *Technometrics* 25:165) within each step: the score is a reward's studentised
/// deviate divided by the test's critical value, so that exactly the test's outliers score above 1.
///
/// The most extreme reward is taken out again and again; with Rᵢ = |xᵢ − mean|/sd before the i-th is, and λᵢ its critical
/// value, the outliers are the first k, k the largest i with Rᵢ > λᵢ. Of n rewards, with m = n − i + 1 left, λᵢ = (m − 1)·t/√((m − 2 + t²)·m), t the 1 − α/m quantile of Student's t with
/// m − 2 degrees of freedom (1 − α/(2m) where both sides count). So outliers that inflate the sd do not hide each
/// other; the first step of it is Grubbs' test (1969). Outliers are scored by the mean, sd and λ of the rewards of which
/// the k-th was the most extreme, all others by those of the rewards left. Ties with an outlier are outliers. Nothing is
/// learned from the calibration rollouts: a step is judged by itself, and what most of it does is normal. The law of the
/// rest is taken for normal: heavy tails are full of its outliers.
///
/// A step of under 3 rollouts, or of equal rewards, cannot be tested: each scores 0, the score of the mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gesd {
    /// Chance that a step of normal rewards has any outlier.
    pub alpha: OpenProbability,
    /// Largest share of a step that may be outliers, at least one rollout.
    pub most: OpenProbability,
    /// Whether rewards may also be too low, as in Rosner's own test. Otherwise all of `alpha` is spent above.
    pub two_sided: bool,
}

impl Default for Gesd {
    fn default() -> Self {
        Self { alpha: OpenProbability::known(0.05), most: OpenProbability::known(0.1), two_sided: false }
    }
}

impl Detector for Gesd {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn fit(&self, _: &Observed, _: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Deviates::new(self.clone())))
    }
}

struct Deviates {
    settings: Gesd,
    /// Rollouts in the step that `lambda` is for.
    rollouts: usize,
    /// Critical values λ₁, λ₂ ….
    lambda: Vec<f64>,
    /// The tests of the run so far, for explanations.
    run: Vec<Past>,
}

/// A step that was tested.
struct Past {
    step: u64,
    fingerprint: u64,
    test: Test,
}

/// Rewards further from the median than this count as this far: their squares must be numbers.
const FARTHEST: f64 = 1e150;

impl Deviates {
    fn new(settings: Gesd) -> Self {
        Self { settings, rollouts: 0, lambda: Vec::new(), run: Vec::new() }
    }

    /// The test of the step that holds `row`, remembered or made again.
    fn known(&self, batch: &Observed, row: usize, rewards: &[f64]) -> Test {
        let of_step = |step: &u64| self.run.binary_search_by_key(step, |past| past.step).ok();
        let past = batch.step.get(row).and_then(of_step).and_then(|i| self.run.get(i));
        match past.filter(|past| past.fingerprint == fingerprint(rewards)) {
            Some(past) => past.test,
            None => Self::new(self.settings.clone()).test(rewards),
        }
    }

    /// The test of one step's rewards.
    fn test(&mut self, rewards: &[f64]) -> Test {
        let mut ascending: Vec<f64> = rewards.iter().map(|&u| finite(u)).collect();
        ascending.sort_unstable_by(f64::total_cmp);
        let median = quantile_sorted(&ascending, 0.5).unwrap_or(0.0);
        let centre = |u: f64| (finite(u) - median).clamp(-FARTHEST, FARTHEST);
        ascending.iter_mut().for_each(|u| *u = centre(*u));
        let n = ascending.len();
        let Gesd { alpha, most, two_sided } = self.settings;
        let most = ((n as f64 * most.get()) as usize).clamp(1, n.saturating_sub(2).max(1));
        if n >= 3 && self.rollouts != n {
            // One more: what is left over is compared with the next.
            self.lambda = critical_values(n, most + 1, alpha.get(), two_sided);
            self.rollouts = n;
        }
        let deviates = if n < 3 { Vec::new() } else { extreme_deviates(&ascending, most, two_sided) };
        Test::new(&deviates, &self.lambda, median, two_sided)
    }
}

/// What decides the scores of a step.
#[derive(Debug, Clone, Copy)]
struct Test {
    /// Moments and critical value for the outliers, and the rewards (off the median) from which on one is.
    outliers: Option<(Removal, f64)>,
    above: f64,
    below: f64,
    /// Moments and critical value for the rest.
    rest: Option<(Removal, f64)>,
    median: f64,
    two_sided: bool,
    /// Number of removals that count as outliers.
    k: usize,
}

impl Test {
    fn new(deviates: &[Removal], lambda: &[f64], median: f64, two_sided: bool) -> Self {
        let tests = deviates.len().saturating_sub(1);
        let k =
            deviates.iter().take(tests).zip(lambda).rposition(|(r, l)| r.deviate > *l).map_or(0, |i| i + 1);
        let (mut above, mut below) = (f64::INFINITY, f64::NEG_INFINITY);
        for removal in deviates.iter().take(k) {
            if removal.reward > removal.mean {
                above = removal.reward;
            } else {
                below = removal.reward;
            }
        }
        let at = |i: usize| Some((*deviates.get(i)?, *lambda.get(i).or(lambda.last())?));
        let outliers = k.checked_sub(1).and_then(at);
        Self { outliers, above, below, rest: at(k), median, two_sided, k }
    }

    /// The reward off the median, and what it is compared with.
    fn compared(&self, reward: f64) -> (f64, Option<(Removal, f64)>, bool) {
        let x = (finite(reward) - self.median).clamp(-FARTHEST, FARTHEST);
        match self.outliers {
            Some(outliers) if x >= self.above || x <= self.below => (x, Some(outliers), true),
            _ => (x, self.rest, false),
        }
    }

    fn score(&self, reward: f64) -> f64 {
        let (x, Some((removal, lambda)), outlier) = self.compared(reward) else { return 0.0 };
        if removal.sd == 0.0 {
            return 0.0;
        }
        let from = if self.two_sided { (x - removal.mean).abs() } else { x - removal.mean };
        let ratio = from / (removal.sd * lambda);
        // Taking others out moves the mean, towards a reward from the other end too; and where all `most` are outliers, more
        // of the rest would be.
        if outlier { ratio.max(removal.deviate / lambda) } else { ratio.min(1.0) }
    }
}

impl Scorer for Deviates {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let rewards = proxy(batch)?;
        if batch.step.first().zip(self.run.last()).is_some_and(|(first, last)| *first <= last.step) {
            self.restart();
        }
        let mut made = Vec::with_capacity(rewards.len());
        for rows in steps(batch) {
            let (step, Some(rewards)) = (batch.step.get(rows.start), rewards.get(rows)) else { continue };
            let test = self.test(rewards);
            if let Some(&step) = step {
                self.run.push(Past { step, fingerprint: fingerprint(rewards), test });
            }
            made.extend(rewards.iter().map(|&u| test.score(u)));
        }
        scores(made)
    }
    fn restart(&mut self) {
        self.run.clear();
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let reading = digits_at(Some(&batch.proxy), row);
        let (Some(rows), Some(&reward)) = (step_of(batch, row), batch.proxy.get(row)) else {
            return format!("proxy reward {reading}");
        };
        let rewards = batch.proxy.get(rows).unwrap_or_default();
        if rewards.len() < 3 {
            return format!(
                "proxy reward {reading} is one of {} in its step: too few to test",
                rewards.len()
            );
        }
        let test = self.known(batch, row, rewards);
        let (x, Some((removal, lambda)), outlier) = test.compared(reward) else {
            return format!("proxy reward {reading}: its step cannot be tested");
        };
        if removal.sd == 0.0 {
            return format!("proxy reward {reading}: the rewards of its step are equal");
        }
        format!(
            "proxy reward {reading} lies {} standard deviations ({}) from the mean {} of its step's rewards without {}; \
             the critical value is {}",
            digits((x - removal.mean) / removal.sd),
            digits(removal.sd),
            digits(removal.mean + test.median),
            counted(if outlier { test.k - 1 } else { test.k } as u64, "outlier"),
            digits(lambda),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scorer(two_sided: bool) -> Deviates {
        Deviates::new(Gesd { two_sided, ..Gesd::default() })
    }

    fn fixture(name: &str) -> String {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures");
        std::fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn above_1_are_rosners_outliers_in_the_order_in_which_they_were_removed() {
        let oracle: serde_json::Value = serde_json::from_str(&fixture("univariate.json")).unwrap();
        for name in ["gesd_rosner_n54", "univariate_n200"] {
            let text = fixture(&format!("{name}.csv"));
            let proxy: Vec<f64> = text.lines().skip(1).map(|x| x.trim().parse().unwrap()).collect();
            let batch = Observed { proxy, ..Observed::default() };
            let mut judge = scorer(true);
            judge.settings.most = OpenProbability::known(10.5 / batch.len() as f64);
            let made = judge.score(&batch).unwrap();
            let mut flagged: Vec<usize> = (0..batch.len()).filter(|&i| made.values()[i] > 1.0).collect();
            flagged.sort_by(|&a, &b| made.values()[b].total_cmp(&made.values()[a]));
            let removed = oracle[name]["gesd"]["removed_idx"].as_array().unwrap();
            let removed: Vec<usize> = removed.iter().map(|i| i.as_u64().unwrap() as usize).collect();
            assert_eq!(flagged, removed, "{name}");
        }
    }

    #[test]
    fn outliers_do_not_hide_each_other() {
        // Eight of 80 lift the sd so far that the first test passes over them.
        let mut rewards: Vec<f64> = (0..72).map(|i| f64::from(i) / 72.0).collect();
        rewards.extend((0..8).map(|i| 9.0 + 0.01 * f64::from(i)));
        let deviates = extreme_deviates(&rewards, 8, false);
        let lambda = critical_values(80, 8, 0.05, false);
        assert!(deviates[0].deviate < lambda[0] && deviates[7].deviate > lambda[7]);
        let batch = Observed { proxy: rewards, ..Observed::default() };
        let made = scorer(false).score(&batch).unwrap();
        assert!(
            made.values()[72..].iter().all(|s| *s > 1.0) && made.values()[..72].iter().all(|s| *s <= 1.0)
        );
        assert!(made.values().windows(2).all(|pair| pair[0] < pair[1]), "{:?}", made.values());
    }

    #[test]
    fn normal_rewards_have_an_outlier_in_alpha_of_the_steps() {
        // 1000 steps of 40 at alpha .05: 50 with a standard deviation of 6.9; bounds at four of them.
        use rand_distr::{Distribution as _, StandardNormal};
        let mut rng = crate::foundation::rng::SeedTree::new(3, 0)
            .stream(crate::foundation::rng::Purpose::Calibration, 0);
        let proxy: Vec<f64> = (0..40_000).map(|_| StandardNormal.sample(&mut rng)).collect();
        let batch = Observed { proxy, step: (0..40_000).map(|i| i / 40).collect(), ..Observed::default() };
        for two_sided in [false, true] {
            let made = scorer(two_sided).score(&batch).unwrap();
            let alarms = made.values().chunks(40).filter(|step| step.iter().any(|s| *s > 1.0)).count();
            assert!((22..=78).contains(&alarms), "{alarms}");
        }
    }

    #[test]
    fn a_remembered_test_explains_as_one_made_again() {
        let proxy: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60).powi(2)).collect();
        let batch = Observed { proxy, step: (0..60).map(|i| i / 20).collect(), ..Observed::default() };
        let mut asked = scorer(false);
        asked.score(&batch).unwrap();
        let other = Observed { proxy: batch.proxy.iter().map(|u| -u).collect(), ..batch.clone() };
        for row in 0..60 {
            assert_eq!(asked.explain(&batch, row), scorer(false).explain(&batch, row));
            assert_eq!(asked.explain(&other, row), scorer(false).explain(&other, row));
        }
    }

    #[test]
    fn what_cannot_be_tested_scores_nothing() {
        for proxy in [vec![], vec![7.0], vec![1.0, 9.0], vec![2.0; 30]] {
            let batch = Observed { proxy, ..Observed::default() };
            let made = scorer(false).score(&batch).unwrap();
            assert!(made.values().iter().all(|s| *s == 0.0) && made.values().len() == batch.len());
        }
        let extreme = Observed {
            proxy: vec![f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 0.0, 1.0, 1.0],
            ..Observed::default()
        };
        assert!(scorer(true).score(&extreme).is_ok() && scorer(false).score(&extreme).is_ok());
        let nan = Observed { proxy: vec![f64::NAN; 5], ..Observed::default() };
        assert!(matches!(scorer(false).score(&nan), Err(Status::Undefined { .. })));
    }
}
