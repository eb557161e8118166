//! One detector on one log: fit on what is normal, score batch by batch, apply the rule.

use super::alarm::{Alarm, Watch};
use super::ask_back::Question;
use super::baseline::{Baseline, Normal, segments};
use super::calibration::Calibration;
use super::flags::{Collected, Collector, Flag, Listing};
use super::rule::{Rule, Unit};
use super::visit::{Cut, Judge, Scored, Skipped, Stop};
use crate::foundation::failure::Status;
use crate::record::Error;
use crate::thresholds::{Alarm as Called, Rows, Watcher};
use crate::thresholds::{Null, benjamini_hochberg, calibrated_threshold};
use std::borrow::Cow;

/// What a detector said.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The flagged, most suspicious first; at most as many as are listed.
    pub flags: Vec<Flag>,
    /// How many were flagged.
    pub flagged: usize,
    /// How many were judged.
    pub judged: usize,
    /// The threshold in force.
    pub threshold: Option<f64>,
    /// What it is compared with.
    pub unit: Unit,
    /// The share of its reference rollouts that it flags, where its p-values are those of a law that it takes for granted.
    pub own_rate: Option<f64>,
    /// Steps that were not judged, because their window cannot carry the detector.
    pub skipped: Skipped,
    /// Whether alarms come more often than they should, where there is a reference apart from the log.
    pub alarm: Option<Result<Alarm, Status>>,
}

impl<'a> Judge<'a> {
    /// Judges the log.
    pub(super) fn judge(&self) -> Result<Answer, Stop> {
        let mut fixed = self.fixed()?;
        let own_p = self.has_p_values(&mut fixed)? && !self.ranks_serve(&fixed);
        let (cut, threshold, unit) = self.cut(&mut fixed, own_p)?;
        let mut collector = Collector::new(self.listing, matches!(cut, Cut::Top(_)));
        if let Cut::Top(audits) = cut {
            collector.keep(audits);
        }
        // A budget needs no p-values, so it asks for no ranks.
        let ranked = !own_p && matches!(self.rule, Rule::AlertRate(_) | Rule::Fdr(_));
        let mut stream = self.stream(&mut fixed)?;
        let mut watch = self.watch(&mut fixed)?;
        let mut judged = 0;
        let mut called: Vec<Called> = Vec::new();
        let skipped =
            self.each_batch(&mut fixed, ranked, &mut |Scored { fit, batch, scores, p_values }| {
                judged += scores.len();
                called.clear();
                if let Some(stream) = &mut stream {
                    stream.watch(Rows::from(*scores), &mut called)?;
                }
                let mut called = called.iter().peekable();
                for (row, &score) in scores.iter().enumerate() {
                    let mut p_value = p_values.and_then(|p| p.get(row)).copied();
                    let mut moving = None;
                    let flagged = match cut {
                        Cut::P(most) => p_value.is_some_and(|p| p <= most),
                        Cut::Above(threshold) => score > threshold,
                        Cut::Top(_) => true,
                        Cut::Stream => called.next_if(|alarm| alarm.row == row).is_some_and(|alarm| {
                            (p_value, moving) = (alarm.p_value, alarm.threshold);
                            true
                        }),
                    };
                    if flagged {
                        let reason = || fit.explain(&batch.observed, row);
                        collector.offer(batch, row, (score, p_value, moving), &reason);
                    }
                }
                if let Some(Ok(watch)) = &mut watch {
                    watch.see(&batch.observed.step, scores)?;
                }
                Ok(())
            })?;
        if let (0, Some(status)) = (judged, &skipped.status) {
            return Err(status.clone().into());
        }
        let own_rate = if own_p { self.own_rate(&mut fixed)? } else { None };
        let Collected { mut flags, flagged, runner_up } = collector.finish();
        let threshold = match cut {
            Cut::Top(_) => flags.last().map(|flag| flag.score),
            Cut::Stream => stream.and_then(|stream| stream.threshold()),
            _ => threshold,
        };
        if let (Rule::Fdr(_), Unit::PValue) = (self.rule, unit) {
            adjust(&mut flags, judged);
        }
        if self.listing == Listing::Reasons {
            let question = Question { cut, runner_up, ranked };
            self.ask_back(&mut fixed, &mut flags, question)?;
        }
        let alarm = watch.map(|watch| watch.map(Watch::finish));
        Ok(Answer { flags, flagged, judged, threshold, unit, own_rate, skipped, alarm })
    }

    /// The fit that serves the whole log, where there is one.
    fn fixed(&self) -> Result<Option<Baseline<'a>>, Status> {
        match self.normal {
            Normal::Rollouts { calibration, .. } => {
                Ok(Some(Baseline::new(self.spec, Calibration::Whole(Cow::Borrowed(calibration)))?))
            }
            Normal::Window { .. } => Ok(None),
        }
    }

    /// The moving threshold, where the rule asks for one.
    fn stream(&self, fixed: &mut Option<Baseline<'_>>) -> Result<Option<Box<dyn Watcher>>, Stop> {
        let (Rule::Streaming(kind, rate), Some(baseline)) = (self.rule, fixed) else { return Ok(None) };
        Ok(Some(kind.monitor().part().start(Rows::from(baseline.scores()?), rate)?))
    }

    /// The test whether alarms come too often.
    fn watch(&self, fixed: &mut Option<Baseline<'_>>) -> Result<Option<Result<Watch, Status>>, Stop> {
        let (Normal::Rollouts { own: false, .. }, Some(baseline)) = (self.normal, fixed) else {
            return Ok(None);
        };
        if self.listing == Listing::Rows {
            return Ok(None);
        }
        let rate = match self.rule {
            Rule::AlertRate(rate) | Rule::Streaming(_, rate) => Some(rate),
            Rule::Fdr(_) | Rule::Budget(_) => None,
        };
        Ok(Some(Watch::new(baseline.ascending()?, rate, self.known.clone())))
    }

    /// Whether the detector has p-values of its own, by the first rollouts that it scores.
    fn has_p_values(&self, fixed: &mut Option<Baseline<'_>>) -> Result<bool, Stop> {
        let mut refusal = None;
        for segment in segments(self.source, self.normal) {
            let (calibration, rows) = segment?;
            let Some(rows) = self.source.batches(rows, true).into_iter().next() else { continue };
            let batch = self.source.batch(rows)?;
            let scores = match fixed {
                Some(baseline) => baseline.fit.score(&batch.observed)?,
                None => match Baseline::new(self.spec, calibration) {
                    Ok(mut baseline) => baseline.fit.score(&batch.observed)?,
                    Err(status) => {
                        refusal = refusal.or(Some(status));
                        continue;
                    }
                },
            };
            return Ok(scores.p_values().is_some());
        }
        match (refusal, fixed) {
            (Some(status), _) => Err(status.into()),
            (None, Some(_)) => Ok(false),
            (None, None) => Err(self.no_window().into()),
        }
    }

    /// Whether ranks among the reference take the place of p-values that hold for one law alone: where there is a reference apart
    /// from the log, and enough of it to tell the rate.
    fn ranks_serve(&self, fixed: &Option<Baseline<'_>>) -> bool {
        let (Rule::AlertRate(rate), Normal::Rollouts { own: false, .. }) = (self.rule, self.normal) else {
            return false;
        };
        // The margin lets 1/(n + 1) meet an equal rate.
        let resolved = |baseline: &Baseline<'_>| (baseline.len() + 1) as f64 * rate * (1.0 + 1e-12) >= 1.0;
        self.spec.part().assumes_a_law() && fixed.as_ref().is_some_and(resolved)
    }

    /// The share of the reference rollouts that the detector flags at the alert rate, where its p-values take a law for granted.
    fn own_rate(&self, fixed: &mut Option<Baseline<'_>>) -> Result<Option<f64>, Stop> {
        let Rule::AlertRate(rate) = self.rule else { return Ok(None) };
        if !self.spec.part().assumes_a_law() || self.listing == Listing::Rows {
            return Ok(None);
        }
        let (mut flagged, mut seen) = (0usize, 0usize);
        self.each_baseline(fixed, &|_| true, &mut |baseline, _| {
            let p_values = baseline.p_values()?;
            flagged += p_values.iter().filter(|p| **p <= rate).count();
            seen += p_values.len();
            Ok(())
        })?;
        Ok(Some(flagged as f64 / seen.max(1) as f64))
    }

    fn no_window(&self) -> Status {
        let need = match self.normal {
            Normal::Window { width, lag } => width + lag + 1,
            Normal::Rollouts { .. } => 1,
        };
        Status::TooFew { what: "steps", have: self.source.spans().len(), need }
    }

    /// What decides, the threshold to show and its unit.
    fn cut(&self, fixed: &mut Option<Baseline<'_>>, own_p: bool) -> Result<(Cut, Option<f64>, Unit), Stop> {
        match (self.rule, self.normal) {
            (Rule::Budget(audits), _) => Ok((Cut::Top(audits), None, Unit::Score)),
            (Rule::Streaming(..), _) => Ok((Cut::Stream, None, Unit::Score)),
            (Rule::AlertRate(rate), _) => match fixed {
                Some(baseline) if !own_p => {
                    let threshold = calibrated_threshold(baseline.scores()?, rate)?;
                    Ok((Cut::Above(threshold), Some(threshold), Unit::Score))
                }
                _ => Ok((Cut::P(rate), Some(rate), Unit::PValue)),
            },
            (Rule::Fdr(_), Normal::Rollouts { own: true, .. }) if !own_p => Err(Status::Degenerate {
                reason: "it has no p-values of its own, and ranks among the same rollouts decide nothing",
            }
            .into()),
            (Rule::Fdr(rate), _) => {
                let threshold = self.discoveries(fixed, rate, own_p)?;
                let cut = threshold.map_or(f64::NEG_INFINITY, |(largest, _)| largest);
                Ok((Cut::P(cut), threshold.map(|(_, line)| line), Unit::PValue))
            }
        }
    }

    /// The largest p-value that is a discovery, and the line that it lies below.
    fn discoveries(
        &self,
        fixed: &mut Option<Baseline<'_>>,
        rate: f64,
        own_p: bool,
    ) -> Result<Option<(f64, f64)>, Stop> {
        // Only p-values up to the rate can be discoveries: the others need not be kept.
        let (mut small, mut judged) = (Vec::new(), 0usize);
        self.each_batch(fixed, !own_p, &mut |scored| {
            let p_values = scored.p_values.unwrap_or_default();
            judged += p_values.len();
            small.extend(p_values.iter().copied().filter(|p| *p <= rate));
            Ok(())
        })?;
        let null =
            if own_p { Null::Parametric } else { Null::Conformal { calibration: self.smallest(fixed)? } };
        if small.is_empty() {
            small.push(1.0);
        }
        // i·q/m with the m of all rollouts.
        let share = rate * small.len() as f64 / judged.max(1) as f64;
        let flags = benjamini_hochberg(&small, share, null)?;
        let largest = flags.rows.last().and_then(|&row| small.get(row)).copied();
        Ok(largest.zip(flags.threshold))
    }

    /// Fewest calibration rollouts of a fit.
    fn smallest(&self, fixed: &Option<Baseline<'_>>) -> Result<usize, Error> {
        if let Some(baseline) = fixed {
            return Ok(baseline.len());
        }
        let mut fewest = usize::MAX;
        for segment in segments(self.source, self.normal) {
            fewest = fewest.min(segment?.0.len());
        }
        Ok(fewest)
    }
}

/// Each flag's smallest false discovery rate: min over j ≥ i of m·p₍ⱼ₎/j. The flags are the smallest p-values.
fn adjust(flags: &mut [Flag], judged: usize) {
    let mut least = f64::INFINITY;
    for (i, flag) in flags.iter_mut().enumerate().rev() {
        if let Some(p) = flag.p_value {
            least = least.min(p * judged as f64 / (i + 1) as f64);
            flag.needs_rate = Some(least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;
    use crate::detectors::{DetectorSpec, Fit};
    use crate::foundation::rng::{Purpose, SeedTree};
    use crate::record::Observed;
    use crate::record::{Log, Rollouts, open_log};
    use crate::thresholds::{Flags, alert_rate, budget, p_value};
    use std::fmt::Write as _;

    /// A log of `n` rollouts in steps of `per_step`, a few of them extreme.
    fn log(n: usize, per_step: usize) -> Log<Rollouts> {
        let mut rng = SeedTree::new(11, 0).stream(Purpose::Bootstrap, 1);
        let mut csv = "step,prompt,reward,advantage\n".to_owned();
        for i in 0..n {
            let reward: f64 = (0..6).map(|_| rng.open_unit()).sum::<f64>() - 3.0;
            let reward = if i % 4999 == 7 { reward + 9.0 } else { reward };
            writeln!(csv, "{},{},{reward},{}", i / per_step, i / 8, reward - 0.1).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, csv).unwrap();
        open_log(&[path], &Default::default()).unwrap()
    }

    fn named(name: &str) -> DetectorSpec {
        serde_json::from_value(serde_json::json!({ name: {} })).unwrap()
    }

    fn rows(flags: &Flags) -> Vec<usize> {
        let mut rows = flags.rows.clone();
        rows.sort_unstable();
        rows
    }

    /// What the rules of `thresholds` flag when the whole log is scored in one call.
    fn in_one_piece(spec: &DetectorSpec, all: &Observed, rule: Rule) -> Vec<usize> {
        let scores = Fit::new(spec, all, &SeedTree::new(0, 0)).unwrap().score(all).unwrap();
        rows(
            &match (rule, scores.p_values()) {
                (Rule::AlertRate(rate), Some(p)) => p_value(p, rate),
                (Rule::AlertRate(rate), None) => alert_rate(scores.values(), scores.values(), rate),
                (Rule::Fdr(rate), Some(p)) => benjamini_hochberg(p, rate, Null::Parametric),
                (Rule::Budget(audits), _) => budget(scores.values(), audits),
                _ => panic!("no p-values"),
            }
            .unwrap(),
        )
    }

    #[test]
    fn batches_and_pieces_flag_what_one_call_flags() {
        // Small steps of which many make a batch, and one step that is cut in pieces where the detector allows it.
        for (n, per_step) in [(40_000, 96), (40_000, 40_000)] {
            let log = log(n, per_step);
            let all = log.rollouts.rows(0..n).unwrap();
            let source = Source::new(&log.rollouts, None).unwrap();
            assert_eq!(source.batches(0..n, true).len(), 3);
            let normal = Normal::Rollouts { calibration: Box::new(source.sample(0..n).unwrap()), own: true };
            for name in ["robust_z", "gpd_tail", "top_reward", "influence"] {
                let spec: DetectorSpec = named(name);
                let rules = [Rule::AlertRate(1e-3), Rule::Budget(11), Rule::Fdr(0.1)];
                for rule in rules {
                    if matches!(rule, Rule::Fdr(_)) && matches!(name, "top_reward" | "influence") {
                        continue;
                    }
                    for listing in [Listing::Reasons, Listing::Rows] {
                        let known = None;
                        let judge =
                            Judge { spec: &spec, source: &source, normal: &normal, rule, listing, known };
                        let answer = judge.judge().unwrap_or_else(|stop| panic!("{name} {stop:?}"));
                        let mut found: Vec<usize> = answer.flags.iter().map(|flag| flag.row).collect();
                        found.sort_unstable();
                        assert_eq!(found, in_one_piece(&spec, &all, rule), "{name} {rule:?} {per_step}");
                        assert_eq!((answer.flagged, answer.judged), (found.len(), n));
                    }
                }
            }
        }
    }

    #[test]
    fn each_step_is_judged_by_its_window_alone() {
        let (n, per_step) = (2000, 100);
        let log = log(n, per_step);
        let source = Source::new(&log.rollouts, None).unwrap();
        let normal = Normal::Window { width: 3, lag: 2 };
        let spec: DetectorSpec = named("top_reward");
        let (rule, listing) = (Rule::AlertRate(0.02), Listing::Reasons);
        let judge = Judge { spec: &spec, source: &source, normal: &normal, rule, listing, known: None };
        let answer = judge.judge().unwrap_or_else(|stop| panic!("{stop:?}"));
        assert_eq!(answer.judged, n - 5 * per_step);
        let proxy = log.rollouts.rows(0..n).unwrap().proxy;
        let mut expected = Vec::new();
        for step in 5..n / per_step {
            let window = &proxy[(step - 5) * per_step..(step - 2) * per_step];
            let flags = alert_rate(window, &proxy[step * per_step..(step + 1) * per_step], 0.02).unwrap();
            expected.extend(flags.rows.iter().map(|row| step * per_step + row));
        }
        expected.sort_unstable();
        let mut found: Vec<usize> = answer.flags.iter().map(|flag| flag.row).collect();
        found.sort_unstable();
        assert!(found.len() > 10);
        assert_eq!(found, expected);
    }

    #[test]
    fn the_sample_of_a_large_log_is_fair_and_the_same_each_time() {
        use crate::monitor::source::MAX_CALIBRATION;
        let n = MAX_CALIBRATION + 40_000;
        let log = log(n, 1000);
        let source = Source::new(&log.rollouts, None).unwrap();
        let sample = source.sample(0..n).unwrap();
        assert_eq!(sample.len(), MAX_CALIBRATION);
        assert!(sample.trajectory.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(sample.trajectory, source.sample(0..n).unwrap().trajectory);
        // The mean row number has a standard deviation of n/√(12·m)·√(1 − m/n): five of them.
        let (m, total) = (MAX_CALIBRATION as f64, n as f64);
        let mean = sample.trajectory.iter().map(|row| *row as f64).sum::<f64>() / m;
        let sd = total / (12.0 * m).sqrt() * (1.0 - m / total).sqrt();
        assert!((mean - total / 2.0).abs() < 5.0 * sd, "{mean} {sd}");
    }
}
