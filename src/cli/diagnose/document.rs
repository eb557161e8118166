//! The answer as one JSON document.

use super::super::sketch::Line;
use super::super::status_kind as status;
use super::super::table::{count, number};
use super::{DiagnoseArgs, Findings};
use crate::foundation::failure::Status;
use crate::foundation::scalar::Finite;
use crate::record::ColumnData;
use crate::tails::{Estimate, GpdFit, StabilityPoint, StepWindow, Trend, Tuned, Verdict};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
pub(super) struct Document<'a> {
    files: &'a [PathBuf],
    column: Option<&'a str>,
    n: usize,
    empty: usize,
    pub threshold: Option<f64>,
    pub k: Option<usize>,
    status: String,
    reason: Option<String>,
    verdict: &'static str,
    pub hill: Entry,
    pub moment: Entry,
    pub pickands: Entry,
    pub kernel: Entry,
    pub gpd: GpdEntry,
    /// Only where the likelihood has no maximum.
    pub gpd_pwm: Option<GpdEntry>,
    /// How many of the largest values the verdict rests on.
    rests_on: Option<usize>,
    /// The fit above higher thresholds.
    pub thresholds: Vec<ThresholdEntry>,
    pub double_bootstrap: Option<TunedEntries>,
    prompts: Option<PromptEntry>,
    pub steps: Vec<StepEntry>,
    trend: Option<TrendEntry>,
}

#[derive(Serialize)]
pub(super) struct Entry {
    xi: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    k: Option<usize>,
    status: String,
    reason: Option<String>,
}

#[derive(Serialize)]
pub(super) struct GpdEntry {
    #[serde(flatten)]
    pub entry: Entry,
    scale: Option<f64>,
    log_likelihood: Option<f64>,
}

/// Whether one prompt holds the tail.
#[derive(Serialize)]
struct PromptEntry {
    distinct: usize,
    excesses_of_one: usize,
    share_of_excesses: f64,
    share_of_rows: f64,
    dominated: bool,
}

#[derive(Serialize)]
pub(super) struct ThresholdEntry {
    pub threshold: f64,
    #[serde(flatten)]
    pub entry: Entry,
}

#[derive(Serialize)]
pub(super) struct TunedEntries {
    pub resamples: u32,
    pub seed: u64,
    pub hill: TunedEntry,
    pub moment: TunedEntry,
    pub kernel: TunedEntry,
}

#[derive(Serialize)]
pub(super) struct TunedEntry {
    #[serde(flatten)]
    pub entry: Entry,
    /// n₁ and n₂.
    resample_sizes: Option<[usize; 2]>,
    /// k₁ and k₂.
    resample_k: Option<[usize; 2]>,
}

#[derive(Serialize)]
pub(super) struct StepEntry {
    pub first: u64,
    pub last: u64,
    pub n: usize,
    pub threshold: f64,
    max: f64,
    #[serde(flatten)]
    pub entry: Entry,
}

#[derive(Serialize)]
struct TrendEntry {
    xi_change: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    status: String,
    reason: Option<String>,
}

impl<'a> Document<'a> {
    pub fn new(args: &DiagnoseArgs, data: &'a ColumnData, findings: &Findings) -> Self {
        let diagnosis = &findings.diagnosis;
        let whole = match &diagnosis.verdict {
            Verdict::NotIdentifiable(status) => Some(status),
            _ => None,
        };
        let known = diagnosis.threshold.is_finite();
        let tuned = findings.tuned.as_ref().zip(args.double_bootstrap);
        Self {
            files: &data.files,
            column: data.column.as_deref(),
            n: diagnosis.n,
            empty: data.empty,
            threshold: known.then_some(diagnosis.threshold).or(args.threshold.map(Finite::get)),
            k: known.then_some(diagnosis.k),
            status: whole.map_or_else(|| status::OK.to_owned(), status::name),
            reason: match &diagnosis.verdict {
                Verdict::Unstable { .. } => Some(diagnosis.verdict.to_string()),
                _ => whole.map(Status::to_string),
            },
            verdict: match diagnosis.verdict {
                Verdict::Heavy => "heavy",
                Verdict::Light => "light",
                Verdict::Undecided | Verdict::Unstable { .. } => "undecided",
                Verdict::NotIdentifiable(_) => "not_identifiable",
            },
            hill: Entry::of(&diagnosis.hill),
            moment: Entry::of(&diagnosis.moment),
            pickands: Entry::of(&diagnosis.pickands),
            kernel: Entry::of(&diagnosis.kernel),
            gpd: GpdEntry::of(&diagnosis.gpd),
            gpd_pwm: diagnosis.gpd_pwm.as_ref().map(GpdEntry::of),
            rests_on: findings.rests_on,
            thresholds: findings.thresholds.iter().map(ThresholdEntry::of).collect(),
            double_bootstrap: tuned.map(|(tuned, resamples)| TunedEntries {
                resamples,
                seed: args.seed,
                hill: TunedEntry::of(&tuned.hill),
                moment: TunedEntry::of(&tuned.moment),
                kernel: TunedEntry::of(&tuned.kernel),
            }),
            prompts: findings.prompts.map(|prompts| PromptEntry {
                distinct: prompts.distinct,
                excesses_of_one: prompts.most,
                share_of_excesses: prompts.most as f64 / prompts.above.max(1) as f64,
                share_of_rows: prompts.rows_of_most as f64 / prompts.rows.max(1) as f64,
                dominated: prompts.dominated().is_some(),
            }),
            steps: findings.windows.iter().map(StepEntry::of).collect(),
            trend: findings.trend.as_ref().map(TrendEntry::of),
        }
    }
}

impl Entry {
    fn of(estimate: &Result<Estimate, Status>) -> Self {
        let value = estimate.as_ref().ok();
        let refusal = estimate.as_ref().err();
        Self {
            xi: value.map(|e| e.xi),
            ci_low: value.map(|e| e.ci_low),
            ci_high: value.map(|e| e.ci_high),
            k: value.map(|e| e.k),
            status: refusal.map_or_else(|| status::OK.to_owned(), status::name),
            reason: refusal.map(Status::to_string),
        }
    }

    fn of_fit(fit: &Result<GpdFit, Status>) -> Self {
        let estimate = |f: &GpdFit| Estimate { xi: f.xi, ci_low: f.ci_low, ci_high: f.ci_high, k: f.k };
        Self::of(&fit.as_ref().map(estimate).map_err(Status::clone))
    }

    /// ξ, its interval, k and the status, for a table.
    /// The index with its interval, for a picture.
    pub fn line(&self, name: &str) -> Option<Line> {
        Some(Line { name: name.to_owned(), value: self.xi?, ends: self.ci_low.zip(self.ci_high) })
    }

    pub fn cells(&self) -> [String; 4] {
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
        let interval = match (self.ci_low, self.ci_high) {
            (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
            _ => "–".to_owned(),
        };
        let k = self.k.map_or_else(|| "–".to_owned(), count);
        let status = self.reason.clone().unwrap_or_else(|| self.status.clone());
        [shown(self.xi), interval, k, status]
    }
}

impl GpdEntry {
    fn of(fit: &Result<GpdFit, Status>) -> Self {
        let value = fit.as_ref().ok();
        Self {
            entry: Entry::of_fit(fit),
            scale: value.map(|f| f.scale),
            log_likelihood: value.map(|f| f.log_likelihood),
        }
    }
}

impl TunedEntry {
    fn of(tuned: &Result<Tuned, Status>) -> Self {
        let value = tuned.as_ref().ok();
        Self {
            entry: Entry::of(&tuned.as_ref().map(|t| t.estimate).map_err(Status::clone)),
            resample_sizes: value.map(|t| [t.first.0, t.second.0]),
            resample_k: value.map(|t| [t.first.1, t.second.1]),
        }
    }
}

impl ThresholdEntry {
    fn of(point: &StabilityPoint) -> Self {
        Self { threshold: point.threshold, entry: Entry::of_fit(&point.fit) }
    }
}

impl StepEntry {
    fn of(window: &StepWindow) -> Self {
        Self {
            first: window.first,
            last: window.last,
            n: window.n,
            threshold: window.threshold,
            max: window.max,
            entry: Entry::of_fit(&window.gpd),
        }
    }
}

impl TrendEntry {
    fn of(trend: &Result<Trend, Status>) -> Self {
        let value = trend.as_ref().ok();
        let refusal = trend.as_ref().err();
        Self {
            xi_change: value.map(|t| t.change),
            ci_low: value.map(|t| t.ci_low),
            ci_high: value.map(|t| t.ci_high),
            status: refusal.map_or_else(|| status::OK.to_owned(), status::name),
            reason: refusal.map(Status::to_string),
        }
    }
}
