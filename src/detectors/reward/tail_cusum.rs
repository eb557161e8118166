//! Early warning: do more rewards reach into the calibration's tail than used to?

use crate::detectors::input::{
    digits, digits_at, fingerprint, finite, named, proxy, scores, step_of, steps, words,
};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::{median, quantile_sorted, sorted};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{OpenProbability, Positive};
use crate::record::{Observed, Scores};
use crate::tails::MIN_EXCESSES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Page's one-sided CUSUM (1954, *Biometrika* 41:100) of the share of a step's rewards above the (1 − `tail_fraction`)
/// quantile of the calibration: S_t = max(0, S_{t−1} + ln L_t), in nats, L_t the likelihood ratio of the step's count at a
/// share of p₀·(1 + `rise`) against the calibration's p₀.
///
/// A rollout above the quantile scores S_t of its step plus at most 1e-6 that rises with its reward; one at or below it is
/// no part of what raised the alarm and scores between −1 and 0, rising with its reward. The p-value is e^(−S_t) above
/// and 1 below: while the share is p₀, S_t reaches h with probability at most e^(−h) at any one step (Ville's
/// inequality on the products of L taken backwards). Alarm by p-value: one batch of calibration rollouts has the score of
/// one step, and says nothing of a run. It sees any rise, so also what a policy gains honestly.
///
/// Refuses with [`Status::TooFew`] under 10 calibration rewards above the quantile, [`Status::Degenerate`] where the
/// share to be found is no probability, and [`Status::Missing`] without steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TailCusum {
    /// Share of the calibration rewards taken as the tail.
    pub tail_fraction: OpenProbability,
    /// Rise of that share to be found soonest: 1 is twice as many.
    pub rise: Positive,
}

impl Default for TailCusum {
    fn default() -> Self {
        Self { tail_fraction: OpenProbability::known(0.01), rise: Positive::known(1.0) }
    }
}

const STEP: &str = "step";

impl Detector for TailCusum {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn needs(&self) -> Vec<String> {
        named(&[STEP])
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Chart::of(calibration, self) {
            Ok(chart) => Fitted::Ready(Box::new(chart)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Chart {
    quantile: f64,
    /// Share of the calibration rewards above it.
    share: f64,
    /// Median excess of these: half of the order within a step is spent below it.
    excess: f64,
    /// What a reward above and one at or below the quantile add to ln L.
    above: f64,
    below: f64,
    /// The run so far.
    run: Vec<Tick>,
}

/// The chart after one step.
#[derive(Debug, Clone, Copy)]
struct Tick {
    step: u64,
    cusum: f64,
    fingerprint: u64,
}

impl Chart {
    fn of(calibration: &Observed, settings: &TailCusum) -> Result<Self, Status> {
        let ascending = sorted(proxy(calibration)?);
        let quantile = quantile_sorted(&ascending, 1.0 - settings.tail_fraction.get()).map(finite);
        let first = quantile.map_or(0, |q| ascending.partition_point(|x| *x <= q));
        let tail: Vec<f64> =
            ascending[first..].iter().map(|x| finite(finite(*x) - quantile.unwrap_or(0.0))).collect();
        let (Some(quantile), Some(excess), true) = (quantile, median(&tail), tail.len() >= MIN_EXCESSES)
        else {
            let what = "calibration rewards above the quantile";
            return Err(Status::TooFew { what, have: tail.len(), need: MIN_EXCESSES });
        };
        let share = tail.len() as f64 / ascending.len() as f64;
        let raised = share * (1.0 + settings.rise.get());
        if raised >= 1.0 {
            return Err(Status::Degenerate {
                reason: "the risen share of the tail is 1 or more: lower rise or tail_fraction",
            });
        }
        let above = settings.rise.get().ln_1p();
        let below = ((1.0 - raised) / (1.0 - share)).ln();
        Ok(Self { quantile, share, excess, above, below, run: Vec::new() })
    }

    /// The chart after the rewards of one more step.
    fn next(&self, cusum: f64, rewards: &[f64]) -> f64 {
        let above = self.count(rewards) as f64;
        (cusum + above * self.above + (rewards.len() as f64 - above) * self.below).max(0.0)
    }

    fn count(&self, rewards: &[f64]) -> usize {
        rewards.iter().filter(|u| **u > self.quantile).count()
    }

    fn judge(&self, cusum: f64, reward: f64) -> f64 {
        let from = finite(finite(reward) - self.quantile);
        let order = from / (from.abs() + self.excess);
        // Above the largest number a half of it is no less far.
        let order = if order.is_nan() { from.signum() } else { order };
        if from > 0.0 { cusum + 1e-6 * order } else { order }
    }

    /// The chart at `step`: as remembered where that step is the one in the batch, else from the batch as a run of its own.
    fn at(&self, batch: &Observed, step: u64, rewards: &[f64]) -> f64 {
        let known = self.run.binary_search_by_key(&step, |tick| tick.step).ok().and_then(|i| self.run.get(i));
        match known.filter(|tick| tick.fingerprint == fingerprint(rewards)) {
            Some(tick) => tick.cusum,
            None => {
                let until = batch.step.partition_point(|s| *s <= step);
                let rows = steps(batch).into_iter().take_while(|rows| rows.end <= until);
                rows.filter_map(|rows| batch.proxy.get(rows)).fold(0.0, |cusum, own| self.next(cusum, own))
            }
        }
    }
}

impl Scorer for Chart {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let rewards = proxy(batch)?;
        let step = words(batch, STEP)?;
        if step.first().zip(self.run.last()).is_some_and(|(first, last)| *first <= last.step) {
            self.restart();
        }
        let (mut made, mut p_values) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for rows in steps(batch) {
            let Some((&step, rewards)) = step.get(rows.start).zip(rewards.get(rows)) else { continue };
            let cusum = self.next(self.run.last().map_or(0.0, |tick| tick.cusum), rewards);
            self.run.push(Tick { step, cusum, fingerprint: fingerprint(rewards) });
            let p = (-cusum).exp();
            made.extend(rewards.iter().map(|&u| self.judge(cusum, u)));
            p_values.extend(rewards.iter().map(|&u| if u > self.quantile { p } else { 1.0 }));
        }
        Ok(scores(made)?.with_p_values(p_values))
    }

    fn restart(&mut self) {
        self.run.clear();
    }

    fn explain(&self, batch: &Observed, row: usize) -> String {
        let reading = digits_at(Some(&batch.proxy), row);
        let (Some(rows), Some(&reward), Some(&step)) =
            (step_of(batch, row), batch.proxy.get(row), batch.step.get(row))
        else {
            return format!("proxy reward {reading}, its step is absent");
        };
        let rewards = batch.proxy.get(rows).unwrap_or_default();
        let cusum = digits(self.at(batch, step, rewards));
        format!(
            "proxy reward {reading} is {} the calibration's {} quantile {}; {} of the {} rewards of step {step} are ({} \
             expected), and the CUSUM of that share stands at {cusum} nats",
            if reward > self.quantile { "above" } else { "not above" },
            digits(1.0 - self.share),
            digits(self.quantile),
            self.count(rewards),
            rewards.len(),
            digits(rewards.len() as f64 * self.share),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1000 calibration rewards, of which 10 are above the .99 quantile.
    fn chart() -> Chart {
        let proxy = (0..1000).map(f64::from).collect();
        Chart::of(&Observed { proxy, ..Observed::default() }, &TailCusum::default()).unwrap()
    }

    fn batch(step: &[u64], proxy: &[f64]) -> Observed {
        Observed { step: step.to_vec(), proxy: proxy.to_vec(), ..Observed::default() }
    }

    #[test]
    fn the_chart_is_that_of_page() {
        let mut chart = chart();
        assert_eq!((chart.share, chart.count(&[989.0, 989.5, 991.0, f64::INFINITY])), (0.01, 3));
        let run = batch(&[0, 0, 1, 1, 2, 3], &[5.0, 995.0, 6.0, 7.0, 1e9, 8.0]);
        let made = chart.score(&run).unwrap();
        let (up, down) = (2f64.ln(), (0.98f64 / 0.99).ln());
        let expected = [up + down, up + 3.0 * down, 2.0 * up + 3.0 * down, 2.0 * up + 4.0 * down];
        for (tick, cusum) in chart.run.iter().zip(expected) {
            assert!((tick.cusum - cusum).abs() < 1e-12, "{tick:?} {cusum}");
        }
        for (row, tick) in [(1, 0), (4, 2)] {
            let (score, p) = (made.values()[row], made.p_values().unwrap()[row]);
            assert!(score > expected[tick] && score <= expected[tick] + 1.1e-6);
            assert!((p - (-expected[tick]).exp()).abs() < 1e-12);
        }
        for row in [0, 2, 3, 5] {
            assert!((-1.0..=0.0).contains(&made.values()[row]) && made.p_values().unwrap()[row] == 1.0);
        }
        assert!(made.values()[0] < made.values()[2] && made.values()[2] < made.values()[3]);
        let why = chart.explain(&run, 4);
        assert!(
            why.contains("1 of the 1 rewards of step 2 are (0.01 expected)") && why.contains("1.3558"),
            "{why}"
        );
        assert!(chart.explain(&batch(&[2], &[1e9]), 0).contains("1.3558"), "alone, by what was seen before");
    }

    #[test]
    fn it_starts_anew_with_another_run_and_never_falls_below_zero() {
        let mut chart = chart();
        let quiet = batch(&[0; 500], &[1.0; 500]);
        assert!(chart.score(&quiet).is_ok() && chart.run[0].cusum == 0.0);
        let loud = batch(&[1, 2], &[1e9, 1e9]);
        let first = chart.score(&loud).unwrap();
        assert_eq!(chart.run.len(), 3);
        let again = chart.score(&loud).unwrap();
        assert_eq!((first, chart.run.len()), (again, 2));
    }

    #[test]
    fn false_alarms_are_as_rare_as_promised() {
        // Uniform rewards, 400 runs of 60 steps of 64. At the last step S reaches ln 20 in at most 5% of the runs: 20, and
        // 37 is four standard deviations (4.4) more. With twice the share above, it nearly always does.
        use crate::foundation::rng::{Purpose, SeedTree};
        let mut rng = SeedTree::new(9, 0).stream(Purpose::Calibration, 0);
        let mut alarms = |share: f64| {
            let mut runs = 0;
            for _ in 0..400 {
                let mut chart = chart();
                let proxy: Vec<f64> =
                    (0..60 * 64).map(|_| if rng.open_unit() < share { 995.0 } else { 5.0 }).collect();
                let step: Vec<u64> = (0..60 * 64).map(|i| i / 64).collect();
                chart.score(&batch(&step, &proxy)).unwrap();
                runs += usize::from(chart.run.last().unwrap().cusum >= 20f64.ln());
            }
            runs
        };
        let (null, risen) = (alarms(0.01), alarms(0.02));
        assert!(null <= 37 && risen > 320, "{null} {risen}");
    }

    #[test]
    fn what_it_cannot_do_is_a_status() {
        let of = |proxy: Vec<f64>, settings: &TailCusum| {
            Chart::of(&Observed { proxy, ..Observed::default() }, settings).err()
        };
        let default = TailCusum::default();
        assert!(matches!(of(vec![], &default), Some(Status::TooFew { have: 0, .. })));
        assert!(matches!(of(vec![1.0; 5000], &default), Some(Status::TooFew { have: 0, need: 10, .. })));
        let steep = TailCusum { rise: Positive::known(200.0), ..TailCusum::default() };
        assert!(matches!(of((0..1000).map(f64::from).collect(), &steep), Some(Status::Degenerate { .. })));
        let no_step = Observed { proxy: vec![1.0], ..Observed::default() };
        assert_eq!(chart().score(&no_step).err(), Some(Status::Missing { column: "step".into() }));
        let extreme = batch(&[0; 4], &[f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 0.0]);
        assert!(chart().score(&extreme).is_ok());
    }
}
