//! Ways in which a benchmark of detectors has been fooled, each tried on every detector. One that fails is not ranked.
//!
//! - `leak`: a score that differs between a run and its swap twin has seen the truth, be it through a column's sign. The
//!   two show the same to every observer.
//! - `look_ahead`: scores of the first half of a run must not depend on the second.
//! - `imputation`: without a column, a detector that was fitted with it refuses or gives the scores that it gave; a score
//!   made from a stand-in is neither.
//! - `reuse`: what a detector was fitted on, its threshold was set on and its alarms were counted on are three sets.
//!
//! One detector under two names is not a failure of either: their equal audits put them in one row (see `aggregate`).

use super::thirds::Thirds;
use super::trial::{Seen, Trial};
use crate::detectors::Fit;
use crate::foundation::failure::Status;
use crate::record::benchmark::{GuardRow, IMPUTATION, LEAK, LOOK_AHEAD, REUSE};
use crate::record::{Observed, Scores};

/// Every guard on one detector: that twins show the same in every run, all else in a scenario's first.
pub(super) fn check(trial: &Trial<'_>, fit: &mut Fit) -> Vec<GuardRow> {
    let Trial { subject, cell, detector, thirds, scores, twin, .. } = trial;
    let Ok(scores) = scores else { return Vec::new() };
    let observed = &subject.trained.observed;
    let mut score = |rollouts: &Observed| fit.score(rollouts);
    let mut found = Vec::new();
    let mut add = |guard: &str, seen: Seen| {
        found.push(GuardRow {
            scenario: cell.scenario.to_owned(),
            arm: cell.arm.to_owned(),
            replicate: cell.replicate,
            detector: (*detector).to_owned(),
            guard: guard.to_owned(),
            held: seen.is_ok(),
            detail: seen.err().unwrap_or_default(),
        });
    };
    if let Some(seen) = *twin {
        add(LEAK, seen.clone());
    }
    if cell.replicate == 0 {
        if let Some(twin) = subject.swapped {
            add(LEAK, leak(&twin.observed, scores, &mut score));
        }
        add(LOOK_AHEAD, look_ahead(observed, scores, &mut score));
        add(IMPUTATION, imputation(observed, scores, &mut score));
        add(REUSE, reuse(thirds));
    }
    found
}

/// What the swap twin shows, bit for bit.
pub(super) fn same_columns(run: &Observed, twin: &Observed) -> Seen {
    if run == twin { Ok(()) } else { Err("the swap twin shows other columns than the run".to_owned()) }
}

/// Scores of the swap twin, bit for bit.
fn leak(
    twin: &Observed,
    scores: &Scores,
    mut score: impl FnMut(&Observed) -> Result<Scores, Status>,
) -> Seen {
    match score(twin) {
        Err(status) => Err(format!("the swap twin cannot be scored ({status}), the run can")),
        Ok(other) => first_difference(scores.values(), other.values())
            .map_or(Ok(()), |row| Err(format!("row {row} scores otherwise in the swap twin"))),
    }
}

/// Scores of the first half of the steps, alone.
fn look_ahead(
    run: &Observed,
    scores: &Scores,
    mut score: impl FnMut(&Observed) -> Result<Scores, Status>,
) -> Seen {
    let middle = run.step.get(run.len() / 2).copied().unwrap_or_default();
    let rows: Vec<usize> = (0..run.step.partition_point(|step| *step < middle)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    match score(&run.select(&rows)) {
        Err(status) => Err(format!("the first half of the run cannot be scored alone: {status}")),
        Ok(half) => first_difference(&scores.values()[..rows.len()], half.values()).map_or(Ok(()), |row| {
            Err(format!("row {row} scores otherwise where the later steps are absent"))
        }),
    }
}

/// Scores without each optional column.
fn imputation(
    run: &Observed,
    scores: &Scores,
    mut score: impl FnMut(&Observed) -> Result<Scores, Status>,
) -> Seen {
    type Take = fn(&mut Observed);
    let columns: [(&str, Take); 6] = [
        ("reward", |o| o.reward = None),
        ("advantage", |o| o.advantage = None),
        ("log_prob", |o| o.log_prob = None),
        ("ref_log_prob", |o| o.ref_log_prob = None),
        ("length", |o| o.length = None),
        ("the first feature", |o| drop(o.features.drain(..o.features.len().min(1)))),
    ];
    for (name, take) in columns {
        let mut without = run.clone();
        take(&mut without);
        if without == *run {
            continue;
        }
        if let Ok(other) = score(&without)
            && let Some(row) = first_difference(scores.values(), other.values())
        {
            return Err(format!("without {name}, row {row} still has a score, and another one"));
        }
    }
    Ok(())
}

/// No rollout stands in two of the thirds.
fn reuse(thirds: &Thirds) -> Seen {
    let parts = [&thirds.fit, &thirds.threshold, &thirds.evaluation];
    let mut all: Vec<u64> = parts.iter().flat_map(|part| part.trajectory.iter().copied()).collect();
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("calibration rollout {} is used for two purposes", pair[0])),
        None => Ok(()),
    }
}

/// The first row whose bits differ; a column that is shorter differs at its end.
fn first_difference(a: &[f64], b: &[f64]) -> Option<usize> {
    let differs = a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits());
    differs.or_else(|| (a.len() != b.len()).then_some(a.len().min(b.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Observed {
        Observed {
            step: vec![0, 0, 1, 1],
            trajectory: vec![0, 1, 2, 3],
            outcome: vec![0, 1, 2, 3],
            prompt: vec![0; 4],
            group: vec![0; 4],
            proxy: vec![1.0, 5.0, 2.0, 9.0],
            log_prob: Some(vec![-1.0, -2.0, -3.0, -4.0]),
            features: vec![("channel".to_owned(), vec![0.5, 0.1, 0.7, 0.2])],
            ..Observed::default()
        }
    }

    fn scored(values: Vec<f64>) -> Result<Scores, Status> {
        Scores::new(values).map_err(|_| Status::Undefined { reason: "test" })
    }

    fn honest(o: &Observed) -> Result<Scores, Status> {
        scored(o.proxy.clone())
    }

    /// A feature whose sign is the label: the published failure of a hacking benchmark.
    #[test]
    fn a_label_that_leaks_through_a_features_sign_is_seen() {
        let channel = |o: &Observed| scored(o.features[0].1.clone());
        let (run, mut twin) = (run(), run());
        assert_eq!(same_columns(&run, &twin), Ok(()));
        assert_eq!(leak(&twin, &channel(&run).unwrap(), channel), Ok(()));
        twin.features[0].1 = run.features[0].1.iter().map(|x| -x).collect();
        assert!(same_columns(&run, &twin).unwrap_err().contains("other columns"));
        assert!(leak(&twin, &channel(&run).unwrap(), channel).unwrap_err().contains("row 0"));
        assert_eq!(leak(&twin, &honest(&run).unwrap(), honest), Ok(()), "it never looked at the channel");
    }

    #[test]
    fn a_score_that_uses_later_steps_is_seen() {
        let ranked_over_the_run = |o: &Observed| {
            let top = o.proxy.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            scored(o.proxy.iter().map(|u| u - top).collect())
        };
        let run = run();
        assert_eq!(look_ahead(&run, &honest(&run).unwrap(), honest), Ok(()));
        let scores = ranked_over_the_run(&run).unwrap();
        assert!(look_ahead(&run, &scores, ranked_over_the_run).unwrap_err().contains("row 0"));
    }

    #[test]
    fn a_stand_in_for_a_missing_channel_is_seen() {
        let imputes = |o: &Observed| match o.features.first() {
            Some((_, channel)) => scored(channel.clone()),
            None => scored(vec![0.5; o.len()]),
        };
        let refuses = |o: &Observed| match o.features.first() {
            Some((_, channel)) => scored(channel.clone()),
            None => Err(Status::Missing { column: "channel".to_owned() }),
        };
        let run = run();
        assert_eq!(imputation(&run, &honest(&run).unwrap(), honest), Ok(()), "it never looked at it");
        assert_eq!(imputation(&run, &refuses(&run).unwrap(), refuses), Ok(()));
        let scores = imputes(&run).unwrap();
        assert!(imputation(&run, &scores, imputes).unwrap_err().contains("the first feature"));
    }

    #[test]
    fn calibration_rollouts_that_are_used_twice_are_seen() {
        let rollouts = Observed { trajectory: (0..9).collect(), proxy: vec![0.0; 9], ..run() };
        let rollouts = Observed { step: vec![0; 9], log_prob: None, features: Vec::new(), ..rollouts };
        let rollouts = Observed { outcome: vec![0; 9], prompt: vec![0; 9], group: vec![0; 9], ..rollouts };
        let thirds = Thirds::of(&rollouts, 3);
        assert_eq!(reuse(&thirds), Ok(()));
        let again = Thirds { evaluation: thirds.fit.clone(), ..thirds };
        assert!(reuse(&again).unwrap_err().contains("rollout 0"));
    }
}
