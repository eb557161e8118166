//! What was found, in sentences with their intervals.

use super::format::{budget, interval, number, percent, percent_interval};
use crate::record::folder::RunFolder;
use crate::record::metric::{CATCH_RATE, KL, Metric, ORACLE, PROXY, RANDOM_BASELINE, UTILITY};
use crate::record::tables::SummaryRow;

/// With more arms than this, arms are compared instead of told one by one.
const MAX_ARMS: usize = 4;

/// The finding in one line.
pub fn headline(run: &RunFolder) -> String {
    all(run).into_iter().next().unwrap_or_else(|| "No run has finished yet, so nothing was found.".to_owned())
}

/// All findings, the most important first.
pub fn all(run: &RunFolder) -> Vec<String> {
    let mut found = Vec::new();
    let arms: Vec<usize> = run.plan.arms.iter().map(|arm| arm.arm).collect();
    let several = arms.len() > 1;
    let lead = |arm: usize| if several { format!("{}: ", run.label(arm)) } else { String::new() };
    if arms.len() <= MAX_ARMS {
        for &arm in &arms {
            found.extend(caught(run, arm).map(|text| lead(arm) + &text));
        }
        for &arm in &arms {
            found.extend(utility(run, arm).map(|text| lead(arm) + &text));
        }
    } else {
        found.extend(extremes(run, UTILITY, "Final utility E[V]"));
        found.extend(extremes(run, PROXY, "Final proxy E[U]"));
        found.extend(extremes_of_catching(run));
    }
    found.extend(outcomes(run));
    found
}

/// The catch rates of the first detector of the config that is no control, at all its budgets.
fn caught(run: &RunFolder, arm: usize) -> Option<String> {
    let rows: Vec<(&str, f64, &SummaryRow)> = catch_rates(run, arm);
    let detector = rows.iter().map(|row| row.0).find(|name| *name != ORACLE && *name != "random")?;
    let mut parts = Vec::new();
    let mut runs = 0;
    for (_, at, row) in rows.iter().filter(|row| row.0 == detector) {
        if let Some(estimate) = row.estimate {
            runs = runs.max(row.replicates);
            parts.push(format!(
                "{} at a budget of {}",
                percent_interval(estimate, row.ci_low, row.ci_high),
                budget(*at)
            ));
        }
    }
    if parts.is_empty() {
        return None;
    }
    let chance = rows.iter().filter(|row| row.0 == detector).filter_map(|(_, at, _)| {
        let name = crate::record::metric::at_budget(RANDOM_BASELINE, detector, *at);
        run.metric(arm, &name)?.estimate
    });
    let chance: Vec<String> = chance.map(percent).collect();
    let beside = if chance.is_empty() {
        String::new()
    } else {
        format!(" As many random audits: {}.", chance.join(", "))
    };
    Some(format!("Caught in time by {detector}: {} ({runs} runs).{beside}", parts.join(", ")))
}

fn catch_rates(run: &RunFolder, arm: usize) -> Vec<(&str, f64, &SummaryRow)> {
    let rows = run.summary.iter().filter(|row| row.arm == arm);
    let mut found: Vec<_> = rows
        .filter_map(|row| {
            let metric = Metric::parse(&row.metric);
            let (detector, budget) = metric.of.filter(|_| metric.name == CATCH_RATE)?;
            Some((detector, budget, row))
        })
        .collect();
    // A stable sort keeps the detectors in the order of the config.
    let order: Vec<&str> = found.iter().map(|row| row.0).collect();
    found.sort_by(|a, b| {
        let place = |name: &str| order.iter().position(|n| *n == name);
        place(a.0).cmp(&place(b.0)).then(a.1.total_cmp(&b.1))
    });
    found
}

fn utility(run: &RunFolder, arm: usize) -> Option<String> {
    let row = run.metric(arm, UTILITY)?;
    let mut text = format!("Final utility E[V] is {}", interval(row.estimate?, row.ci_low, row.ci_high));
    if let Some(clean) = run.metric(arm, "clean_utility").and_then(|row| row.estimate) {
        text += &format!(", {} in the clean twin", number(clean));
    }
    if let Some(proxy) = run.metric(arm, PROXY).and_then(|row| row.estimate) {
        text += &format!(", while the proxy E[U] is {}", number(proxy));
    }
    if let Some(kl) = run.metric(arm, KL).and_then(|row| row.estimate) {
        text += &format!(", at a KL of {} nats", number(kl));
    }
    Some(format!("{text} ({}, {} runs).", row.method, row.replicates))
}

/// The arms with the smallest and the largest value of a metric.
fn extremes(run: &RunFolder, metric: &str, name: &str) -> Option<String> {
    let mut rows: Vec<(f64, &SummaryRow)> = run
        .summary
        .iter()
        .filter(|row| row.metric == metric)
        .filter_map(|row| Some((row.estimate.filter(|x| x.is_finite())?, row)))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ((low, first), (high, last)) = (rows.first()?, rows.last()?);
    let say = |value: &f64, row: &SummaryRow| {
        format!("{} ({})", interval(*value, row.ci_low, row.ci_high), run.label(row.arm))
    };
    Some(format!("{name} runs from {} to {} over {} arms.", say(low, first), say(high, last), rows.len()))
}

fn extremes_of_catching(run: &RunFolder) -> Option<String> {
    let first = run.plan.arms.iter().find_map(|arm| {
        let rates = catch_rates(run, arm.arm);
        rates.into_iter().find(|row| row.0 != ORACLE && row.0 != "random")
    })?;
    let metric = first.2.metric.clone();
    let mut rows: Vec<(f64, &SummaryRow)> = run
        .summary
        .iter()
        .filter(|row| row.metric == metric)
        .filter_map(|row| Some((row.estimate?, row)))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ((low, least), (high, most)) = (rows.first()?, rows.last()?);
    let say = |value: &f64, row: &SummaryRow| {
        format!("{} ({})", percent_interval(*value, row.ci_low, row.ci_high), run.label(row.arm))
    };
    let (detector, at) = (first.0, budget(first.1));
    Some(format!(
        "Caught in time by {detector} at a budget of {at}: from {} to {} over {} arms.",
        say(low, least),
        say(high, most),
        rows.len()
    ))
}

/// How the runs ended, over all arms.
fn outcomes(run: &RunFolder) -> Option<String> {
    let total = run.replicates.len();
    if total == 0 {
        return None;
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for row in run.replicates.iter().filter(|row| !row.outcome.is_empty()) {
        match counts.iter_mut().find(|c| c.0 == row.outcome) {
            Some(count) => count.1 += 1,
            None => counts.push((&row.outcome, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let parts: Vec<String> =
        counts.iter().map(|(name, n)| format!("{} {n}", name.replace('_', " "))).collect();
    (!parts.is_empty()).then(|| format!("Of {total} runs: {}.", parts.join(", ")))
}
