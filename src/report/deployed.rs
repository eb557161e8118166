//! The deployed policy under its monitors: a table and a sentence.

use super::format::{interval, number, percent_interval};
use super::tables::Table;
use crate::record::folder::RunFolder;
use crate::record::metric::{
    ALARMED, DEPLOYED, DEPLOYMENT_AUDITS, FALSE_ALARM, SAMPLES_TO_ALARM, SAMPLES_TO_HACK, by_auditor,
};
use crate::record::tables::{DeploymentRow, SummaryRow};

/// What stands between the ends of a cell that has no number.
const INSUFFICIENT: &str = "insufficient";

/// Arms × monitors; `None` where no policy was deployed under any.
pub fn table(run: &RunFolder) -> Option<Table> {
    let header = ["arm", "first hack", "monitor", "alarm", "alarmed", "false alarms", "audits", "status"];
    let mut rows = Vec::new();
    for arm in &run.plan.arms {
        for monitor in monitors(run, arm.arm) {
            let of = |name: &str| run.metric(arm.arm, &by_auditor(name, monitor, DEPLOYED));
            let share = |row: Option<&SummaryRow>| told(row, percent_interval);
            rows.push(vec![
                run.label(arm.arm),
                told(run.metric(arm.arm, SAMPLES_TO_HACK), interval),
                monitor.to_owned(),
                told(of(SAMPLES_TO_ALARM), interval),
                share(of(ALARMED)),
                share(of(FALSE_ALARM)),
                told(of(DEPLOYMENT_AUDITS), interval),
                statuses(run, arm.arm, monitor),
            ]);
        }
    }
    let header = header.map(str::to_owned).to_vec();
    (!rows.is_empty()).then_some(Table { title: String::new(), header, rows })
}

/// When the first hack came, and who alarmed first.
pub fn finding(run: &RunFolder, arm: usize) -> Option<String> {
    let monitors = monitors(run, arm);
    let first = run.metric(arm, SAMPLES_TO_HACK).filter(|row| row.estimate.is_none());
    if let Some(row) = first.filter(|row| row.method.starts_with(INSUFFICIENT) && !monitors.is_empty()) {
        return Some(format!(
            "When the deployed policy takes its first hack, and which of {} monitors alarms first, has no 95% quantile: {}.",
            monitors.len(),
            row.method
        ));
    }
    let after = |metric: &str| run.metric(arm, metric)?.estimate;
    let first = match after(SAMPLES_TO_HACK) {
        Some(samples) => {
            format!("95% of the deployed policies had taken a hack after {} samples", number(samples))
        }
        None if monitors.is_empty() => return None,
        None => "Fewer than 95% of the deployed policies took a hack".to_owned(),
    };
    let waits = monitors
        .iter()
        .filter_map(|monitor| Some((after(&by_auditor(SAMPLES_TO_ALARM, monitor, DEPLOYED))?, *monitor)));
    let soonest = waits.min_by(|a, b| a.0.total_cmp(&b.0));
    Some(match soonest {
        Some((samples, monitor)) => {
            let falsely = run.metric(arm, &by_auditor(FALSE_ALARM, monitor, DEPLOYED));
            format!(
                "{first}; {monitor} was the first of {} monitors to have alarmed in 95%, after {}, with false alarms on {} of the clean twins.",
                monitors.len(),
                number(samples),
                told(falsely, percent_interval)
            )
        }
        None => format!("{first}; none of {} monitors alarmed in 95% of the deployments.", monitors.len()),
    })
}

/// The monitors of an arm, in the order of its config.
fn monitors(run: &RunFolder, arm: usize) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for row in of_arm(run, arm) {
        if !found.contains(&row.monitor.as_str()) {
            found.push(&row.monitor);
        }
    }
    found
}

fn of_arm(run: &RunFolder, arm: usize) -> impl Iterator<Item = &DeploymentRow> {
    run.deployment.iter().filter(move |row| row.arm == arm)
}

/// The statuses that a monitor had, each once.
fn statuses(run: &RunFolder, arm: usize, monitor: &str) -> String {
    let mut found: Vec<&str> = Vec::new();
    for row in of_arm(run, arm).filter(|row| row.monitor == monitor) {
        if !found.contains(&row.status.as_str()) {
            found.push(&row.status);
        }
    }
    found.join("; ")
}

fn told(row: Option<&SummaryRow>, shown: fn(f64, Option<f64>, Option<f64>) -> String) -> String {
    match row {
        Some(SummaryRow { estimate: Some(x), ci_low, ci_high, .. }) => shown(*x, *ci_low, *ci_high),
        Some(row) if row.replicates > 0 => row.method.clone(),
        _ => INSUFFICIENT.to_owned(),
    }
}
