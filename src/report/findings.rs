//! What was found, in sentences with their intervals.

use super::answers::{across, along, asks_for_utility, by_delay, setting};
use super::deployed;
use super::format::{interval, number, percent_interval};
use crate::record::folder::{ArmInfo, RunFolder};
use crate::record::metric::{
    CATCH_RATE, GAIN, KL, KL_ABOVE, KL_BELOW, Metric, ORACLE, PROXY, RANDOM_BASELINE, UTILITY, by_auditor,
};
use crate::record::tables::{AGREES, CheckRow, DIFFERS, SummaryRow};

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
    let late = by_delay(run);
    found.extend(contrast(run));
    if let Some((settings, text)) = late {
        // Of several settings one contrast answers for none of the others.
        found.insert(if settings > 1 { 0 } else { found.len() }, text);
    }
    let utility_first = asks_for_utility(run);
    let lead = |arm: usize| if several { format!("{}: ", run.label(arm)) } else { String::new() };
    if arms.len() <= MAX_ARMS {
        if utility_first {
            found.extend(arms.iter().filter_map(|&arm| utility(run, arm).map(|text| lead(arm) + &text)));
        }
        for &arm in &arms {
            found.extend(deployed::finding(run, arm).map(|text| lead(arm) + &text));
        }
        for &arm in &arms {
            found.extend(caught(run, arm).map(|text| lead(arm) + &text));
        }
        for &arm in &arms {
            found.extend(sightings(run, arm).map(|text| lead(arm) + &text));
            if !utility_first {
                found.extend(utility(run, arm).map(|text| lead(arm) + &text));
            }
        }
    } else {
        if utility_first {
            found.extend(along(run).or_else(|| across(run)));
            found.extend(extremes(run, UTILITY, "Final utility E[V]"));
        }
        found.extend(extremes_of_catching(run));
        found.extend(extremes(run, "sighted_before_damage", "P(sampled before the damage)"));
        found.extend(extremes(
            run,
            "window_median",
            "From first sighting to exploit dominance, the median of steps",
        ));
        found.extend(extremes(run, GAIN, "Gain of true utility per √KL"));
        if !utility_first {
            found.extend(extremes(run, UTILITY, "Final utility E[V]"));
        }
        found.extend(extremes(run, PROXY, "Final proxy E[U]"));
    }
    // Whether the numbers are right comes after what they say.
    let place = found.len().min(1);
    found.splice(place..place, agreement(run));
    found.extend(outcomes(run));
    for caveat in [off_target(run), conditioned(run)].into_iter().flatten() {
        found.insert(found.len().min(1), caveat);
    }
    found
}

/// How many of the numbers that were expected came out.
fn agreement(run: &RunFolder) -> Option<String> {
    let compared: Vec<&CheckRow> =
        run.checks.iter().filter(|row| matches!(row.verdict.as_str(), AGREES | DIFFERS)).collect();
    let agree = compared.iter().filter(|row| row.verdict == AGREES).count();
    let rest = run.checks.len() - compared.len();
    if run.checks.is_empty() {
        return None;
    }
    let mut text = match compared.len() {
        0 => return Some(format!("None of {rest} expected numbers could be compared.")),
        1 if agree == 1 => "The one number that was compared came out as expected".to_owned(),
        n if agree == n => format!("All {n} numbers that were compared came out as expected"),
        n => format!("{agree} of {n} numbers that were compared came out as expected"),
    };
    let furthest = compared
        .iter()
        .filter(|row| row.verdict == DIFFERS)
        .filter_map(|row| Some((row.standard_errors()?, row)))
        .max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    if let Some((errors, row)) = furthest {
        let of = row.arm.map_or(String::new(), |arm| format!(" ({})", run.label(arm)));
        text +=
            &format!("; the furthest is {}{of}, {} standard errors off", row.metric, number(errors.abs()));
    }
    if rest > 0 {
        text += &format!("; {rest} could not be compared");
    }
    Some(text + ".")
}

/// What part of all runs the runs stand for.
fn conditioned(run: &RunFolder) -> Option<String> {
    let seen: Vec<f64> = run.replicates.iter().filter_map(|row| row.p_seen).collect();
    let (low, high) = seen.iter().fold((f64::MAX, 0f64), |(low, high), p| (low.min(*p), high.max(*p)));
    (!seen.is_empty()).then(|| {
        format!(
            "{} of {} runs are conditioned on sampling a hack in training, which a share of {} to {} of all runs would do; shares of what \
             needs a sighting are multiplied by it.",
            seen.len(),
            run.replicates.len(),
            number(low),
            number(high)
        )
    })
}

/// How many runs are not at the KL that they were told to keep, and where.
fn off_target(run: &RunFolder) -> Option<String> {
    let with_target = run.replicates.iter().filter_map(|row| Some((row.arm, row.kl_status.as_deref()?)));
    let of = |status: &'static str| with_target.clone().filter(move |row| row.1 == status);
    let (below, above) = (of(KL_BELOW).count(), of(KL_ABOVE).count());
    if below + above == 0 {
        return None;
    }
    let mut arms: Vec<usize> = of(KL_BELOW).chain(of(KL_ABOVE)).map(|row| row.0).collect();
    arms.sort_unstable();
    arms.dedup();
    let place = match arms.len() {
        _ if run.plan.arms.len() == 1 => String::new(),
        n if n > MAX_ARMS => format!(", in {n} of {} arms", run.plan.arms.len()),
        _ => {
            let names: Vec<String> = arms.iter().map(|arm| run.label(*arm)).collect();
            format!(", in {}", names.join(" and in "))
        }
    };
    let total = with_target.count();
    let missed = below + above;
    let (runs, them) = if missed == 1 { ("run", "it") } else { ("runs", "them") };
    Some(format!(
        "Target missed: {missed} of {total} {runs} with a KL target ended more than 5% off it ({below} below, {above} above{place}); \
         a comparison at equal KL is void for {them}."
    ))
}

/// What the audit did for an arm: how often a hack was confirmed before the damage, or, where a response acted, how many
/// runs were damaged all the same; and at how many looks.
fn caught(run: &RunFolder, arm: usize) -> Option<String> {
    let own = run.replicates.iter().find(|row| row.arm == arm)?;
    let (detector, row) = headline_rate(run, arm)?;
    let mean = |name: &str| run.metric(arm, &by_auditor(name, detector, &own.auditor))?.estimate;
    let spent = match (mean("looks"), mean("benign_looks")) {
        (Some(looks), Some(benign)) => {
            format!(", with {} looks a run, {} of them at honest rollouts", number(looks), number(benign))
        }
        _ => String::new(),
    };
    if own.response != NO_RESPONSE {
        let damaged = run.metric(arm, "damaged")?;
        let rate = percent_interval(damaged.estimate?, damaged.ci_low, damaged.ci_high);
        return Some(format!(
            "{} by {detector} and the response {} leave {rate} of {} runs damaged{spent}.",
            own.auditor, own.response, damaged.replicates
        ));
    }
    let rate = percent_interval(row.estimate?, row.ci_low, row.ci_high);
    let chance =
        run.metric(arm, &by_auditor(RANDOM_BASELINE, detector, &own.auditor)).and_then(|row| row.estimate);
    let worse = chance.filter(|chance| row.ci_high.is_some_and(|high| high < *chance));
    let worse = worse.map_or_else(String::new, |chance| {
        format!(", worse than the {} of as many looks by chance", super::format::percent(chance))
    });
    Some(format!(
        "{} by {detector} confirms a hack before the damage in {rate} of {} damaged runs{worse}{spent}.",
        own.auditor, row.replicates
    ))
}

/// Name of the response that does nothing.
const NO_RESPONSE: &str = "none";

/// The one line of an experiment whose arms differ in what is done about a hack: the first that only watches against the first of the same
/// setting that acts.
fn contrast(run: &RunFolder) -> Option<String> {
    let acts = |arm: &ArmInfo| {
        let row = run.replicates.iter().find(|row| row.arm == arm.arm)?;
        Some(row.response != NO_RESPONSE)
    };
    let place = |arm: &ArmInfo| setting(run, arm, |_, key| !key.starts_with("audit"));
    let arms = &run.plan.arms;
    let pair = arms.iter().filter(|arm| acts(arm) == Some(false)).find_map(|watched| {
        let like = |arm: &&ArmInfo| acts(arm) == Some(true) && place(arm) == place(watched);
        Some((watched, arms.iter().find(like)?))
    });
    let (first, second) = pair?;
    let under = Some(place(first)).filter(|name| !name.is_empty());
    let under = under.map_or_else(String::new, |name| format!(" under {name}"));
    let (watched, acted) = (first.arm, second.arm);
    let told = |arm: usize| {
        let damaged = run.metric(arm, "damaged")?;
        let rate = percent_interval(damaged.estimate?, damaged.ci_low, damaged.ci_high);
        let utility = run.metric(arm, UTILITY)?;
        let worth = interval(utility.estimate?, utility.ci_low, utility.ci_high);
        Some((rate, damaged.replicates, worth))
    };
    let ((before, runs, worth), (after, _, left)) = (told(watched)?, told(acted)?);
    let own = run.replicates.iter().find(|row| row.arm == acted)?;
    let (detector, _) = headline_rate(run, acted)?;
    let mean = |name: &str| run.metric(acted, &by_auditor(name, detector, &own.auditor))?.estimate;
    let at_once = if own.delay == 0 { "at once".to_owned() } else { format!("{} steps later", own.delay) };
    Some(format!(
        "Left alone{under}, the hack damages {before} of {runs} runs and E[V] ends at {worth}. An auditor who reads {} rollouts a run \
         ({}, {} of them honest) and responds {at_once} ({}) leaves {after} damaged, at E[V] {left}.",
        number(mean("looks")?),
        own.auditor,
        number(mean("benign_looks")?),
        own.response,
    ))
}

/// The summary's first catch rate under the config's auditor that is no control's.
fn headline_rate(run: &RunFolder, arm: usize) -> Option<(&str, &SummaryRow)> {
    run.summary.iter().filter(|row| row.arm == arm).find_map(|row| {
        let metric = Metric::parse(&row.metric);
        let (detector, _) = metric.by.filter(|_| metric.name == CATCH_RATE)?;
        (detector != ORACLE && detector != "random").then_some((detector, row))
    })
}

/// Whether there was anything to see, and how much time it left.
fn sightings(run: &RunFolder, arm: usize) -> Option<String> {
    let share = |metric: &str| {
        let row = run.metric(arm, metric)?;
        Some(percent_interval(row.estimate?, row.ci_low, row.ci_high))
    };
    let mut text = format!("A hack was sampled in {} of the runs", share("sighted")?);
    if let Some(damaged) = share("damaged") {
        text += &format!("; {damaged} were damaged");
    }
    if let Some(before) = share("sighted_before_damage") {
        text += &format!(", and of these {before} had sampled it before");
    }
    if let Some(steps) = run.metric(arm, "window_median").and_then(|row| row.estimate) {
        text +=
            &format!("; from the first sighting to exploit dominance: {} steps in the median", number(steps));
    }
    Some(text + ".")
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
    if low == high {
        let all = interval(*low, first.ci_low, first.ci_high);
        return Some(format!("{name} is {all} in each of {} arms.", rows.len()));
    }
    Some(format!("{name} runs from {} to {} over {} arms.", say(low, first), say(high, last), rows.len()))
}

/// The same of the headline measure.
fn extremes_of_catching(run: &RunFolder) -> Option<String> {
    let (detector, row) = run.plan.arms.iter().find_map(|arm| headline_rate(run, arm.arm))?;
    let auditor = Metric::parse(&row.metric).by.map_or("", |(_, auditor)| auditor);
    extremes(run, &row.metric, &format!("P(confirmed before the damage) by {detector} under {auditor}"))
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
