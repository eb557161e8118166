//! The findings for programs.

use super::calibrations;
use super::text::{counterfactual, reason};
use crate::cli::reading;
use crate::cli::status_kind as status;
use crate::monitor::{Findings, GroupBy, Judged, Reference, Rule};
use crate::record::Roles;
use crate::thresholds::times_nominal;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct FlagEntry<'a> {
    detector: &'a str,
    file: &'a Path,
    row: usize,
    step: u64,
    reward: f64,
    score: f64,
    p_value: Option<f64>,
    threshold: Option<f64>,
    rank: usize,
    of: usize,
    would_not_flag_below: Option<f64>,
    reason: String,
    counterfactual: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    #[serde(flatten)]
    reading: reading::Document<'a>,
    n: usize,
    files: &'a [PathBuf],
    reward: String,
    columns: &'a Roles,
    group_by: Option<&'static str>,
    calibration: &'a Reference,
    rule: Rule,
    /// What a nominal rate is worth, where it is known not to be met.
    true_rate: Option<Value>,
    length_correlation: Option<f64>,
    length_correlation_of_residual: Option<f64>,
    calibrations: Option<Value>,
    flags: Vec<FlagEntry<'a>>,
    statuses: Map<String, Value>,
}

/// The findings for programs.
pub(super) fn document(findings: &Findings) -> Document<'_> {
    let mut flags = Vec::new();
    let mut statuses = Map::new();
    for Judged { label, answer, origins } in &findings.detectors {
        let entry = match answer {
            Ok(answer) => {
                flags.extend(answer.flags.iter().zip(origins).enumerate().map(|(i, (flag, origin))| {
                    FlagEntry {
                        detector: label,
                        file: findings
                            .log
                            .meta
                            .files
                            .get(origin.file)
                            .map_or(Path::new(""), PathBuf::as_path),
                        row: origin.row,
                        step: flag.step,
                        reward: flag.proxy + flag.centre.unwrap_or(0.0),
                        score: flag.score,
                        p_value: flag.p_value,
                        threshold: flag.threshold.or(answer.threshold),
                        rank: i + 1,
                        of: answer.judged,
                        would_not_flag_below: flag.would_not_flag_below,
                        reason: reason(findings, flag),
                        counterfactual: counterfactual(findings, flag, i + 1),
                    }
                }));
                json!({
                    "status": status::OK, "reason": null, "threshold": answer.threshold,
                    "compares": answer.unit, "flags": answer.flagged, "listed": answer.flags.len(),
                    "judged": answer.judged, "rate_on_reference": answer.own_rate,
                    "steps_left_out": answer.skipped.steps,
                    "reason_left_out": answer.skipped.status.as_ref().map(ToString::to_string),
                    "alarm": answer.alarm.as_ref().map(|alarm| match alarm {
                        Ok(alarm) => json!({ "status": status::OK, "reason": null, "evidence": alarm }),
                        Err(refusal) => json!({
                            "status": status::name(refusal), "reason": refusal.to_string(), "evidence": null,
                        }),
                    }),
                })
            }
            Err(refusal) => json!({
                "status": status::name(refusal), "reason": refusal.to_string(), "threshold": null,
                "compares": null, "flags": null, "listed": null, "judged": null,
                "rate_on_reference": null, "steps_left_out": null, "reason_left_out": null, "alarm": null,
            }),
        };
        statuses.insert(label.clone(), entry);
    }
    Document {
        reading: reading::document(&findings.reading),
        n: findings.rows(),
        files: &findings.log.meta.files,
        reward: findings.log.meta.reward.to_string(),
        columns: &findings.log.meta.roles,
        group_by: findings.group_by.map(GroupBy::noun),
        calibration: &findings.reference,
        rule: findings.rule,
        true_rate: match findings.rule {
            Rule::Streaming(_, rate) => {
                let (rollouts, times) = times_nominal(findings.rows(), rate);
                Some(json!({ "times_nominal": times, "rollouts": rollouts }))
            }
            _ => None,
        },
        length_correlation: findings.length.map(|c| c.reward),
        length_correlation_of_residual: findings.length.and_then(|c| c.residual),
        calibrations: findings.comparison.as_ref().map(calibrations::document),
        flags,
        statuses,
    }
}
