//! One detector on one log: fit on what is normal, score batch by batch, apply the rule.

use super::alarm::{Alarm, Watch};
use super::flags::{Collected, Collector, Flag, Listing};
use super::source::{Batch, Source};
use super::stream::Streaming;
use crate::detectors::{DetectorSpec, Fitted, Scorer, would_not_flag_below};
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::{Error, Observed};
use crate::thresholds::{Alarm as Called, Rows, Watcher};
use crate::thresholds::{Null, benjamini_hochberg, calibrated_threshold, conformal_p_values};
use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;

/// Flags of each detector for which it is asked what would not have been flagged.
const COUNTERFACTUALS: usize = 1000;
/// The same where each step has a fit of its own.
const WINDOW_COUNTERFACTUALS: usize = 100;

/// Who is flagged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    /// A nominal rate of false alarms a rollout.
    AlertRate(f64),
    /// A false discovery rate among the flagged.
    Fdr(f64),
    /// A number of audits for each detector.
    Budget(usize),
    /// A nominal rate of false alarms, under a threshold that goes along with the stream of scores.
    Streaming(Streaming, f64),
}

/// What a threshold is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Flagged at or below.
    PValue,
    /// Flagged above; under a budget at or above.
    Score,
}

/// From what a detector learns what is normal.
#[derive(Debug, Clone)]
pub(super) enum Normal {
    /// The same rollouts for all steps; `own` if they are those that are judged.
    Rollouts { calibration: Box<Observed>, own: bool },
    /// For each step, the `width` steps that ended `lag` steps before it.
    Window { width: usize, lag: usize },
}

/// What a detector said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
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
    /// Whether alarms come more often than they should, where there is a reference apart from the log.
    pub alarm: Option<Result<Alarm, Status>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Stop {
    /// The data cannot carry this detector or this rule.
    Status(Status),
    /// The log could not be read.
    Failure(Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failure(error)
    }
}

/// A detector, the log, what is normal and who is flagged.
pub(super) struct Judge<'a> {
    pub spec: &'a DetectorSpec,
    /// Place among the detectors: which random numbers are its own.
    pub number: usize,
    pub source: &'a Source<'a>,
    pub normal: &'a Normal,
    pub rule: Rule,
    pub listing: Listing,
    /// Steps of the log that are the reference, and so no news.
    pub known: Option<Range<u64>>,
}

/// What decides, once it is known.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Flagged: p-values at or below.
    P(f64),
    /// Flagged: scores above.
    Above(f64),
    /// Flagged: as many as there are audits.
    Top(usize),
    /// Flagged: what the stream calls an anomaly.
    Stream,
}

/// Rows that are judged by one fit.
struct Segment<'a> {
    calibration: Cow<'a, Observed>,
    rows: Range<usize>,
}

/// A batch that was scored, with p-values where there are any.
struct Scored<'a> {
    scorer: &'a dyn Scorer,
    batch: &'a Batch,
    scores: &'a [f64],
    p_values: Option<&'a [f64]>,
}

/// Scores of the calibration rollouts, ascending, where p-values are ranks among them.
type Ranks = Option<Vec<f64>>;

impl Judge<'_> {
    /// Judges the log.
    pub(super) fn judge(&self) -> Result<Answer, Stop> {
        let own_p = self.has_p_values()?;
        let (cut, threshold, unit) = self.cut(own_p)?;
        let mut collector = Collector::new(self.listing, matches!(cut, Cut::Top(_)));
        if let Cut::Top(audits) = cut {
            collector.keep(audits);
        }
        // A budget needs no p-values, so it asks for no ranks.
        let ranked = !own_p && matches!(self.rule, Rule::AlertRate(_) | Rule::Fdr(_));
        let mut stream = self.stream()?;
        let mut watch = self.watch()?;
        let mut judged = 0;
        let mut called: Vec<Called> = Vec::new();
        self.each_batch(ranked, &mut |Scored { scorer, batch, scores, p_values }| {
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
                    let reason = || scorer.explain(&batch.observed, row);
                    collector.offer(batch, row, (score, p_value, moving), &reason);
                }
            }
            if let Some(Ok(watch)) = &mut watch {
                watch.see(&batch.observed.step, scores)?;
            }
            Ok(())
        })?;
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
            self.ask_back(&mut flags, cut, runner_up, ranked)?;
        }
        let alarm = watch.map(|watch| watch.map(Watch::finish));
        Ok(Answer { flags, flagged, judged, threshold, unit, alarm })
    }

    /// The moving threshold, where the rule asks for one.
    fn stream(&self) -> Result<Option<Box<dyn Watcher>>, Stop> {
        let (Rule::Streaming(kind, rate), Normal::Rollouts { calibration, .. }) = (self.rule, self.normal)
        else {
            return Ok(None);
        };
        let mut scorer = self.fit(calibration)?;
        let scores = scorer.score(calibration)?;
        Ok(Some(kind.monitor().part().start(Rows::from(scores.values()), rate)?))
    }

    /// The test whether alarms come too often.
    fn watch(&self) -> Result<Option<Result<Watch, Status>>, Stop> {
        let Normal::Rollouts { calibration, own: false } = self.normal else { return Ok(None) };
        if self.listing == Listing::Rows {
            return Ok(None);
        }
        let rate = match self.rule {
            Rule::AlertRate(rate) | Rule::Streaming(_, rate) => Some(rate),
            Rule::Fdr(_) | Rule::Budget(_) => None,
        };
        Ok(Some(Watch::new(&self.calibration_scores(calibration)?, rate, self.known.clone())))
    }

    fn fit(&self, calibration: &Observed) -> Result<Box<dyn Scorer>, Status> {
        let mut rng = SeedTree::new(0, 0).stream(Purpose::Detector, self.number as u64);
        match self.spec.part().fit(calibration, &mut rng) {
            Fitted::Ready(scorer) => Ok(scorer),
            Fitted::Refused(status) => Err(status),
        }
    }

    fn segments(&self) -> Box<dyn Iterator<Item = Result<Segment<'_>, Error>> + '_> {
        let rollouts = self.source.rollouts();
        match self.normal {
            Normal::Rollouts { calibration, .. } => Box::new(std::iter::once(Ok(Segment {
                calibration: Cow::Borrowed(calibration),
                rows: 0..rollouts.len(),
            }))),
            &Normal::Window { width, lag } => {
                let spans = rollouts.spans();
                let windows = spans.windows(width + lag + 1);
                Box::new(windows.filter_map(move |steps| {
                    let (first, end) = (steps.first()?, steps.get(width - 1)?);
                    let judged = steps.last()?;
                    let calibration = self.source.sample(first.rows.start..end.rows.end);
                    Some(calibration.map(|calibration| Segment {
                        calibration: Cow::Owned(calibration),
                        rows: judged.rows.clone(),
                    }))
                }))
            }
        }
    }

    /// Scores all calibration rollouts with a scorer of their own, ascending.
    fn calibration_scores(&self, calibration: &Observed) -> Result<Vec<f64>, Status> {
        let mut scorer = self.fit(calibration)?;
        Ok(sorted(scorer.score(calibration)?.values()))
    }

    /// Whether the detector has p-values of its own, by the first rollouts that it scores.
    fn has_p_values(&self) -> Result<bool, Stop> {
        let Some(segment) = self.segments().next() else { return Err(self.no_window().into()) };
        let segment = segment?;
        let Some(rows) = self.source.batches(segment.rows, true).into_iter().next() else { return Ok(false) };
        let batch = self.source.batch(rows)?;
        Ok(self.fit(&segment.calibration)?.score(&batch.observed)?.p_values().is_some())
    }

    fn no_window(&self) -> Status {
        let need = match self.normal {
            Normal::Window { width, lag } => width + lag + 1,
            Normal::Rollouts { .. } => 1,
        };
        Status::TooFew { what: "steps", have: self.source.rollouts().spans().len(), need }
    }

    /// Fits, scores and hands over all rows, batch by batch, with p-values: the detector's own, or ranks.
    fn each_batch(
        &self,
        ranked: bool,
        visit: &mut dyn FnMut(&Scored<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for segment in self.segments() {
            let segment = segment?;
            let mut scorer = self.fit(&segment.calibration)?;
            let ranks = if ranked { Some(self.calibration_scores(&segment.calibration)?) } else { None };
            for rows in self.source.batches(segment.rows, self.spec.part().row_wise()) {
                let batch = self.source.batch(rows)?;
                if batch.observed.is_empty() {
                    continue;
                }
                let scores = scorer.score(&batch.observed)?;
                let by_rank = rank_p_values(&ranks, scores.values())?;
                let p_values = by_rank.as_deref().or(scores.p_values());
                visit(&Scored { scorer: scorer.as_ref(), batch: &batch, scores: scores.values(), p_values })?;
            }
        }
        Ok(())
    }

    /// What decides, the threshold to show and its unit.
    fn cut(&self, own_p: bool) -> Result<(Cut, Option<f64>, Unit), Stop> {
        match (self.rule, self.normal) {
            (Rule::Budget(audits), _) => Ok((Cut::Top(audits), None, Unit::Score)),
            (Rule::Streaming(..), _) => Ok((Cut::Stream, None, Unit::Score)),
            (Rule::AlertRate(rate), Normal::Rollouts { calibration, .. }) if !own_p => {
                let threshold = calibrated_threshold(&self.calibration_scores(calibration)?, rate)?;
                Ok((Cut::Above(threshold), Some(threshold), Unit::Score))
            }
            (Rule::AlertRate(rate), _) => Ok((Cut::P(rate), Some(rate), Unit::PValue)),
            (Rule::Fdr(_), Normal::Rollouts { own: true, .. }) if !own_p => Err(Status::Degenerate {
                reason: "it has no p-values of its own, and ranks among the same rollouts decide nothing",
            }
            .into()),
            (Rule::Fdr(rate), _) => {
                let threshold = self.discoveries(rate, own_p)?;
                let cut = threshold.map_or(f64::NEG_INFINITY, |(largest, _)| largest);
                Ok((Cut::P(cut), threshold.map(|(_, line)| line), Unit::PValue))
            }
        }
    }

    /// The largest p-value that is a discovery, and the line that it lies below.
    fn discoveries(&self, rate: f64, own_p: bool) -> Result<Option<(f64, f64)>, Stop> {
        // Only p-values up to the rate can be discoveries: the others need not be kept.
        let (mut small, mut judged) = (Vec::new(), 0usize);
        self.each_batch(!own_p, &mut |scored| {
            let p_values = scored.p_values.unwrap_or_default();
            judged += p_values.len();
            small.extend(p_values.iter().copied().filter(|p| *p <= rate));
            Ok(())
        })?;
        let null = if own_p { Null::Parametric } else { Null::Conformal { calibration: self.smallest()? } };
        if small.is_empty() {
            small.push(1.0);
        }
        // i·q/m with the m of all rollouts.
        let share = rate * small.len() as f64 / judged.max(1) as f64;
        let flags = benjamini_hochberg(&small, share, null)?;
        let largest = flags.rows.last().and_then(|&row| small.get(row)).copied();
        Ok(largest.zip(flags.threshold))
    }

    /// Fewest calibration rollouts of a segment.
    fn smallest(&self) -> Result<usize, Error> {
        let mut fewest = usize::MAX;
        for segment in self.segments() {
            fewest = fewest.min(segment?.calibration.len());
        }
        Ok(fewest)
    }

    /// Asks for each of the first flags which reward would not have been flagged in its place.
    fn ask_back(
        &self,
        flags: &mut [Flag],
        cut: Cut,
        runner_up: Option<f64>,
        ranked: bool,
    ) -> Result<(), Stop> {
        let most = match self.normal {
            Normal::Rollouts { .. } => COUNTERFACTUALS,
            Normal::Window { .. } => WINDOW_COUNTERFACTUALS,
        };
        let most = most.min(flags.len());
        let mut asked: Vec<&mut Flag> = flags[..most].iter_mut().collect();
        asked.sort_by_key(|flag| flag.row);
        let mut asked = asked.into_iter().peekable();
        let row_wise = self.spec.part().row_wise();
        for segment in self.segments() {
            let segment = segment?;
            if asked.peek().is_none_or(|flag| flag.row >= segment.rows.end) {
                continue;
            }
            let mut scorer = self.fit(&segment.calibration)?;
            let ranks = if ranked { Some(self.calibration_scores(&segment.calibration)?) } else { None };
            let mut step: Option<Batch> = None;
            while let Some(flag) = asked.next_if(|flag| flag.row < segment.rows.end) {
                let row = flag.row as u64;
                if step.as_ref().is_none_or(|batch| batch.observed.trajectory.binary_search(&row).is_err()) {
                    step = Some(self.step_of(flag.row, row_wise)?);
                }
                let Some(batch) = &step else { continue };
                let Ok(place) = batch.observed.trajectory.binary_search(&row) else { continue };
                let then = flag.threshold;
                let flagged = |score: f64, own: Option<f64>| match cut {
                    Cut::Above(threshold) => score > threshold,
                    Cut::Top(_) => runner_up.is_none_or(|next| score > next),
                    Cut::Stream => then.is_some_and(|threshold| score > threshold),
                    Cut::P(most) => match rank_p_values(&ranks, &[score]) {
                        Ok(Some(by_rank)) => by_rank.first().is_some_and(|p| *p <= most),
                        _ => own.is_some_and(|p| p <= most),
                    },
                };
                let below = if row_wise {
                    let alone = batch.observed.select(&[place]);
                    would_not_flag_below(scorer.as_mut(), &alone, 0, flag.score, &flagged)
                } else {
                    would_not_flag_below(scorer.as_mut(), &batch.observed, place, flag.score, &flagged)
                };
                flag.would_not_flag_below = below.map(|reward| reward + flag.centre.unwrap_or(0.0));
            }
        }
        Ok(())
    }

    /// The step of a row, or the row alone where that is enough.
    fn step_of(&self, row: usize, alone: bool) -> Result<Batch, Error> {
        let spans = self.source.rollouts().spans();
        let step = spans.partition_point(|span| span.rows.end <= row);
        let whole = spans.get(step).map_or(row..row + 1, |span| span.rows.clone());
        let near = self.source.batches(whole.clone(), alone).into_iter().find(|rows| rows.contains(&row));
        self.source.batch(near.unwrap_or(whole))
    }
}

fn rank_p_values(ranks: &Ranks, scores: &[f64]) -> Result<Option<Vec<f64>>, Status> {
    ranks.as_ref().map(|ascending| conformal_p_values(ascending, scores)).transpose()
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
    use super::*;
    use crate::cli::spec;
    use crate::record::{OpenLog, open_log};
    use crate::thresholds::{Flags, alert_rate, budget, p_value};
    use std::fmt::Write as _;

    /// A log of `n` rollouts in steps of `per_step`, a few of them extreme.
    fn log(n: usize, per_step: usize) -> OpenLog {
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
        open_log(&[path], None, &[]).unwrap()
    }

    fn rows(flags: &Flags) -> Vec<usize> {
        let mut rows = flags.rows.clone();
        rows.sort_unstable();
        rows
    }

    /// What the rules of `thresholds` flag when the whole log is scored in one call.
    fn in_one_piece(spec: &DetectorSpec, all: &Observed, rule: Rule) -> Vec<usize> {
        let mut rng = SeedTree::new(0, 0).stream(Purpose::Detector, 0);
        let Fitted::Ready(mut scorer) = spec.part().fit(all, &mut rng) else { panic!("refused") };
        let scores = scorer.score(all).unwrap();
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
                let spec: DetectorSpec = spec::part(name, "detector", DetectorSpec::PARTS).unwrap();
                let rules = [Rule::AlertRate(1e-3), Rule::Budget(11), Rule::Fdr(0.1)];
                for rule in rules {
                    if matches!(rule, Rule::Fdr(_)) && matches!(name, "top_reward" | "influence") {
                        continue;
                    }
                    for listing in [Listing::Reasons, Listing::Rows] {
                        let known = None;
                        let judge = Judge {
                            spec: &spec,
                            number: 0,
                            source: &source,
                            normal: &normal,
                            rule,
                            listing,
                            known,
                        };
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
        let spec: DetectorSpec = spec::part("top_reward", "detector", DetectorSpec::PARTS).unwrap();
        let (rule, listing) = (Rule::AlertRate(0.02), Listing::Reasons);
        let judge =
            Judge { spec: &spec, number: 0, source: &source, normal: &normal, rule, listing, known: None };
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
        use super::super::source::MAX_CALIBRATION;
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
