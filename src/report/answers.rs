//! Findings that answer what a sweep asks: how late a response may come, and what becomes of utility along the swept number.

use super::format::{interval, percent_interval};
use crate::record::folder::{ArmInfo, RunFolder};
use crate::record::metric::UTILITY;
use crate::record::tables::{ReplicateRow, SummaryRow};

/// With more settings than this none is told one by one.
const MAX_SETTINGS: usize = 4;
/// With more kinds than this none is told one by one.
const MAX_KINDS: usize = 8;
/// Name of the response that does nothing.
const NO_RESPONSE: &str = "none";
/// Share of damaged runs below which a response counts as in time.
const HALF: f64 = 0.5;

/// Whether the question is one of utility.
pub(super) fn asks_for_utility(run: &RunFolder) -> bool {
    run.plan.question.to_lowercase().contains("utility")
}

/// An arm by the values of the keys that `counts` lets through; what all arms share is left out.
pub(super) fn setting(run: &RunFolder, arm: &ArmInfo, counts: impl Fn(usize, &str) -> bool) -> String {
    let keys = &run.plan.sweep_keys;
    let varies = |k: usize| run.plan.arms.iter().any(|other| other.values.get(k) != arm.values.get(k));
    let word = |k: usize| {
        let name = arm.name(k).unwrap_or_default();
        let is_number = name.parse::<f64>().is_ok();
        if is_number { format!("{} {name}", short(&keys[k])) } else { name.to_owned() }
    };
    let shown = (0..keys.len()).filter(|&k| varies(k) && counts(k, &keys[k])).map(word);
    shown.collect::<Vec<_>>().join(", ")
}

/// The last words of a key; a place in a list says nothing.
fn short(key: &str) -> String {
    let words: Vec<&str> = key.split('.').filter(|part| part.parse::<usize>().is_err()).collect();
    words[words.len().saturating_sub(2)..].join(" ").replace('_', " ")
}

/// Items in groups of equal names, in the order of the first of each.
fn grouped<T>(named: impl Iterator<Item = (String, T)>) -> Vec<(String, Vec<T>)> {
    let mut groups: Vec<(String, Vec<T>)> = Vec::new();
    for (name, one) in named {
        match groups.iter_mut().find(|group| group.0 == name) {
            Some(group) => group.1.push(one),
            None => groups.push((name, vec![one])),
        }
    }
    groups
}

/// For each setting the latest response that keeps the damaged runs certainly under half; nothing where responses differ in more than their
/// delay. Beside it in how many settings that is told.
pub(super) fn by_delay(run: &RunFolder) -> Option<(usize, String)> {
    let first =
        |arm: &ArmInfo| -> Option<&ReplicateRow> { run.replicates.iter().find(|row| row.arm == arm.arm) };
    let acting: Vec<(&ArmInfo, &ReplicateRow)> = run
        .plan
        .arms
        .iter()
        .filter_map(|arm| Some((arm, first(arm)?)))
        .filter(|(_, row)| row.response != NO_RESPONSE)
        .collect();
    let response = acting.first()?.1.response.as_str();
    if acting.iter().any(|(_, row)| row.response != response) {
        return None;
    }
    let named = acting.iter().map(|(arm, row)| {
        (setting(run, arm, |_, key| !key.starts_with("audit")), (row.delay, run.metric(arm.arm, "damaged")))
    });
    let groups = grouped(named);
    if groups.len() > 2 * MAX_SETTINGS || groups.iter().all(|(_, arms)| arms.len() < 2) {
        return None;
    }
    let told = groups.into_iter().map(|(name, mut arms)| {
        arms.sort_by_key(|arm| arm.0);
        let in_time = |arm: &&(u64, Option<&SummaryRow>)| {
            arm.1.and_then(|row| row.ci_high).is_some_and(|high| high < HALF)
        };
        let latest = arms.iter().take_while(in_time).last();
        let under = if name.is_empty() { String::new() } else { format!(" under {name}") };
        let rate = latest.and_then(|(delay, row)| {
            let row = (*row)?;
            Some((*delay, percent_interval(row.estimate?, row.ci_low, row.ci_high)))
        });
        match rate {
            Some((delay, rate)) => format!("{}{under} ({rate} damaged)", steps(delay)),
            None => format!("no delay that was tried{under}"),
        }
    });
    let told: Vec<String> = told.collect();
    let text = format!(
        "The latest response ({response}) that leaves certainly fewer than half of the runs damaged comes after {}.",
        told.join(", ")
    );
    Some((told.len(), text))
}

fn steps(delay: u64) -> String {
    if delay == 1 { "1 step".to_owned() } else { format!("{delay} steps") }
}

/// A swept value as a number.
fn value(arm: &ArmInfo, k: usize) -> Option<f64> {
    arm.values.get(k)?.replace('_', "").parse().ok()
}

/// Whether a swept key is a number, of several values.
fn is_number(run: &RunFolder, k: usize) -> bool {
    let values: Option<Vec<f64>> = run.plan.arms.iter().map(|arm| value(arm, k)).collect();
    values.is_some_and(|values| values.iter().any(|x| *x != values[0]))
}

/// The final utility of an arm, with its interval.
fn utility(run: &RunFolder, arm: &ArmInfo) -> Option<String> {
    let row = run.metric(arm.arm, UTILITY)?;
    Some(interval(row.estimate?, row.ci_low, row.ci_high))
}

/// Final utility of each of few kinds, the values of the first swept key that is no number, where all that is swept beside it is as in the
/// last arm: at its end.
pub(super) fn across(run: &RunFolder) -> Option<String> {
    let last = run.plan.arms.last()?;
    let kind = (0..run.plan.sweep_keys.len()).find(|k| !is_number(run, *k))?;
    let beside = |arm: &ArmInfo| setting(run, arm, |k, _| k != kind);
    let at = beside(last);
    let alike: Vec<&ArmInfo> = run.plan.arms.iter().filter(|arm| beside(arm) == at).collect();
    if !(2..=MAX_KINDS).contains(&alike.len()) {
        return None;
    }
    let told = alike.iter().map(|arm| Some(format!("{} ({})", utility(run, arm)?, arm.name(kind)?)));
    let told: Vec<String> = told.collect::<Option<_>>()?;
    let lead = if at.is_empty() { "Final".to_owned() } else { format!("At {at}, final") };
    Some(format!("{lead} utility E[V] is {}.", told.join(", ")))
}

/// Final utility at the smallest and the largest value of the last swept number, for each of few settings.
pub(super) fn along(run: &RunFolder) -> Option<String> {
    let key = (0..run.plan.sweep_keys.len()).rev().find(|k| is_number(run, *k))?;
    let named = run
        .plan
        .arms
        .iter()
        .filter_map(|arm| Some((setting(run, arm, |k, _| k != key), (value(arm, key)?, arm))));
    let groups = grouped(named);
    if groups.len() > MAX_SETTINGS {
        return None;
    }
    let mut ends = None;
    let told = groups.into_iter().map(|(name, mut arms)| {
        arms.sort_by(|a, b| a.0.total_cmp(&b.0));
        let ((_, low), (_, high)) = (arms.first()?, arms.last()?);
        ends = ends.take().or_else(|| Some((low.name(key)?.to_owned(), high.name(key)?.to_owned())));
        let of = if name.is_empty() { String::new() } else { format!(" ({name})") };
        Some(format!("from {} to {}{of}", utility(run, low)?, utility(run, high)?))
    });
    let told: Vec<String> = told.collect::<Option<_>>()?;
    let (low, high) = ends?;
    let key = short(&run.plan.sweep_keys[key]);
    Some(format!("As {key} goes from {low} to {high}, final utility E[V] goes {}.", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_by_their_last_words() {
        for (key, expected) in [
            ("trainer.exact.kl.coefficient", "kl coefficient"),
            ("reward.exploits.0.proxy", "exploits proxy"),
            ("seed", "seed"),
        ] {
            assert_eq!(short(key), expected);
        }
        let groups =
            grouped([("a", 1), ("b", 2), ("a", 3)].map(|(name, x)| (name.to_owned(), x)).into_iter());
        assert_eq!(groups, [("a".to_owned(), vec![1, 3]), ("b".to_owned(), vec![2])]);
        assert_eq!((steps(0).as_str(), steps(1).as_str()), ("0 steps", "1 step"));
    }
}
