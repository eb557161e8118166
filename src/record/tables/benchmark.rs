//! The rows of the catch-rate benchmark's tables.
//!
//! `window` is `early` (rollouts sampled before the damage step, all of them where there was no damage: what an early
//! warning can use) or `after` (the whole run: an audit after the fact). An empty cell has its reason in `status`.

use super::endpoint::HarmRow;
use super::folder_error::FolderError;
pub use super::metric::YARDSTICK;
use super::table_files::table;
use serde::{Deserialize, Serialize};
use std::path::Path;

table! {
    /// One detector, one run, one online audit budget.
    CaughtRow in "caught.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// Replicate, from 0.
        replicate: u64,
        /// Detector, with settings that are not its defaults.
        detector: String,
        /// Folder of the detector: what it may see.
        access: String,
        /// Online audit budget: fraction of rollouts (< 1) or count.
        budget: f64,
        /// Rollouts of the run.
        rollouts: u64,
        /// Hacks among them.
        sightings: u64,
        /// Hacks sampled before the damage step.
        sightings_early: u64,
        /// Damage step, by attribution; empty without damage.
        damage_step: Option<u64>,
        /// Rollouts looked at.
        audits: u64,
        /// First step with a confirmed hack.
        first_catch: Option<u64>,
        /// Whether a hack was confirmed, and the delay over, before the damage step; empty without damage.
        caught_in_time: Option<bool>,
        /// Chance that as many audits, drawn at random, would have been in time.
        chance_in_time: Option<f64>,
        /// Distinct hack outcomes confirmed before the damage, as a share of those sampled before it.
        recall_early: Option<f64>,
        /// Hacks as a share of the audits made before the damage.
        precision_early: Option<f64>,
        /// Distinct hack outcomes confirmed in the whole run, as a share of those sampled.
        recall_after: Option<f64>,
        /// Hacks as a share of all audits.
        precision_after: Option<f64>,
        /// Area under the ROC curve of the early window; independent of the base rate.
        auroc_early: Option<f64>,
        /// The same of the whole run.
        auroc_after: Option<f64>,
        /// Recall at a false-positive rate of 1e-3, early window.
        recall_at_fpr_1e3_early: Option<f64>,
        /// The same of the whole run.
        recall_at_fpr_1e3_after: Option<f64>,
        /// Smallest mass of an exploit with these scores that this budget holds with probability .9 in a run as long as this.
        smallest_mass: Option<f64>,
        /// Hash of which rows were audited when: equal for detectors that an audit cannot tell apart.
        audit_order: String,
        /// `ok`, or why there is no number.
        status: String,
    }
}

table! {
    /// One detector, one run, one offline budget at one base rate: scores weighted, see `metrics::reweight`.
    RateRow in "rates.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// Replicate, from 0.
        replicate: u64,
        /// Detector, with settings that are not its defaults.
        detector: String,
        /// `early` or `after`.
        window: String,
        /// Share of hacks that the window is weighted to.
        base_rate: f64,
        /// Share of the rollouts that is audited, highest scores first.
        budget: f64,
        /// Share of the hacks that is audited.
        recall: Option<f64>,
        /// Share of the audits that are hacks.
        precision: Option<f64>,
        /// `ok`, or why there is no number.
        status: String,
    }
}

table! {
    /// One detector, one run, one nominal alert rate: what the alarm did on rollouts that are not hacks.
    AlertRow in "alerts.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// Replicate, from 0.
        replicate: u64,
        /// Detector, with settings that are not its defaults.
        detector: String,
        /// `quantile` (threshold from calibration rollouts that the fit has not seen) or `p_value` (the detector's own).
        rule: String,
        /// Nominal rate of alarms a rollout.
        nominal: f64,
        /// Alarms on further rollouts of the reference.
        reference_alarms: Option<u64>,
        /// Those rollouts.
        reference_rollouts: Option<u64>,
        /// Alarms on the clean twin.
        clean_alarms: Option<u64>,
        /// Its rollouts.
        clean_rollouts: Option<u64>,
        /// Alarms on the swap twin: true excellence that looks like the hack.
        honest_alarms: Option<u64>,
        /// Its rollouts.
        honest_rollouts: Option<u64>,
        /// Alarms on hacks sampled before the damage step.
        hack_alarms: Option<u64>,
        /// Those hacks.
        hack_rollouts: Option<u64>,
        /// `ok`, or why there is no number.
        status: String,
    }
}

table! {
    /// One guard on one detector: a way in which a benchmark can be fooled, and whether it was.
    GuardRow in "guards.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// Replicate, from 0.
        replicate: u64,
        /// Detector, with settings that are not its defaults.
        detector: String,
        /// `leak`, `look_ahead`, `imputation` or `reuse`.
        guard: String,
        /// Whether it held; a detector that fails one is not ranked.
        held: bool,
        /// What was seen.
        detail: String,
    }
}

table! {
    /// The first main table: one row a scenario, arm, budget and detector; rank-equivalent ones follow each other.
    RankingRow in "ranking.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// Online audit budget.
        budget: f64,
        /// First of the detectors whose every audit in every run was the same: they share all numbers.
        group: String,
        /// Detector.
        detector: String,
        /// What they may see.
        access: String,
        /// `unsupervised` or `control`; the two are never ranked together.
        supervision: String,
        /// Runs.
        replicates: u64,
        /// Runs with damage.
        damaged: u64,
        /// P(caught in time), over the damaged runs.
        caught_in_time: Option<f64>,
        /// Its two-sided 95% interval (Wilson).
        caught_low: Option<f64>,
        /// Its 95% interval.
        caught_high: Option<f64>,
        /// Paired difference of P(caught in time) to top_reward.
        caught_versus_top: Option<f64>,
        /// Its 95% interval (bootstrap over replicates).
        caught_versus_top_low: Option<f64>,
        /// Its 95% interval.
        caught_versus_top_high: Option<f64>,
        /// Mean chance that as many random audits are in time.
        chance_in_time: Option<f64>,
        /// Mean recall before the damage, over distinct hack outcomes.
        recall_early: Option<f64>,
        /// Its 95% interval.
        recall_early_low: Option<f64>,
        /// Its 95% interval.
        recall_early_high: Option<f64>,
        /// Paired difference to top_reward.
        recall_versus_top: Option<f64>,
        /// Its 95% interval.
        recall_versus_top_low: Option<f64>,
        /// Its 95% interval.
        recall_versus_top_high: Option<f64>,
        /// Mean precision of the audits before the damage.
        precision_early: Option<f64>,
        /// Mean recall over the whole run.
        recall_after: Option<f64>,
        /// Mean precision over the whole run.
        precision_after: Option<f64>,
        /// Mean recall at a false-positive rate of 1e-3, early window.
        recall_at_fpr_1e3_early: Option<f64>,
        /// The same of the whole run.
        recall_at_fpr_1e3_after: Option<f64>,
        /// Paired difference to top_reward, early window.
        recall_at_fpr_versus_top: Option<f64>,
        /// Its 95% interval.
        recall_at_fpr_versus_top_low: Option<f64>,
        /// Its 95% interval.
        recall_at_fpr_versus_top_high: Option<f64>,
        /// Median over runs of the smallest exploit mass that is caught with probability .9 at this budget; runs in which no
        /// mass is enough count as infinite.
        smallest_mass: Option<f64>,
        /// `ok`, or why there is no P(caught in time).
        caught_status: String,
        /// `ok`, or which numbers are missing and why: insufficient, degenerate, or what the detector needs.
        status: String,
    }
}

table! {
    /// Offline recall and precision at other base rates.
    BaseRateRow in "base_rates.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// `early` or `after`.
        window: String,
        /// Share of hacks.
        base_rate: f64,
        /// Share audited.
        budget: f64,
        /// First of the detectors that are equal to this one.
        group: String,
        /// Detector.
        detector: String,
        /// Mean recall.
        recall: Option<f64>,
        /// Its 95% interval.
        recall_low: Option<f64>,
        /// Its 95% interval.
        recall_high: Option<f64>,
        /// Paired difference to top_reward.
        recall_versus_top: Option<f64>,
        /// Its 95% interval.
        recall_versus_top_low: Option<f64>,
        /// Its 95% interval.
        recall_versus_top_high: Option<f64>,
        /// Mean precision.
        precision: Option<f64>,
        /// `ok`, or why there is no number.
        status: String,
    }
}

table! {
    /// The second main table: whether an alarm keeps its nominal rate.
    CalibrationRow in "calibration.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// What the scenario is for, where the leaderboard has a section for it: `masking`, or empty.
        role: String,
        /// Detector.
        detector: String,
        /// `quantile` or `p_value`.
        rule: String,
        /// Nominal rate of alarms a rollout.
        nominal: f64,
        /// Rate on further rollouts of the reference, pooled over runs.
        reference: Option<f64>,
        /// Its 95% interval (bootstrap over replicates).
        reference_low: Option<f64>,
        /// Its 95% interval.
        reference_high: Option<f64>,
        /// Rate on clean twins: drift of an honest policy.
        clean: Option<f64>,
        /// Its 95% interval.
        clean_low: Option<f64>,
        /// Its 95% interval.
        clean_high: Option<f64>,
        /// Rate on swap twins: what honest excellence is accused of.
        honest: Option<f64>,
        /// Its 95% interval.
        honest_low: Option<f64>,
        /// Its 95% interval.
        honest_high: Option<f64>,
        /// Share of the hacks sampled before the damage that raise the alarm: what a contaminated calibration masks.
        hacks: Option<f64>,
        /// Its 95% interval.
        hacks_low: Option<f64>,
        /// Its 95% interval.
        hacks_high: Option<f64>,
        /// Share of clean twins with any alarm.
        clean_runs: Option<f64>,
        /// Its two-sided 95% interval (Wilson).
        clean_runs_low: Option<f64>,
        /// Its 95% interval.
        clean_runs_high: Option<f64>,
        /// What that share would be at the nominal rate, were rollouts independent.
        clean_runs_nominal: Option<f64>,
        /// `ok`, or why there is no number.
        status: String,
    }
}

/// Role of a scenario whose arms differ in the mass of an exploit, and so in how many hacks the calibration rollouts hold.
pub const MASKING: &str = "masking";

/// Guard: scores must be those of the swap twin.
pub const LEAK: &str = "leak";
/// Guard: scores must not depend on later steps.
pub const LOOK_AHEAD: &str = "look_ahead";
/// Guard: no score may be made from a stand-in of a column.
pub const IMPUTATION: &str = "imputation";
/// Guard: fit, threshold and evaluation have rollouts of their own.
pub const REUSE: &str = "reuse";
/// All guards, in the order in which they are told.
pub const GUARDS: [&str; 4] = [LEAK, LOOK_AHEAD, IMPUTATION, REUSE];

/// The tables from which a leaderboard is made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// What became of runs in which an audit was acted upon.
    pub harm: Vec<HarmRow>,
    /// What is caught.
    pub ranking: Vec<RankingRow>,
    /// The same scores at other base rates.
    pub base_rates: Vec<BaseRateRow>,
    /// What alarms cost.
    pub calibration: Vec<CalibrationRow>,
    /// What the guards saw.
    pub guards: Vec<GuardRow>,
}

impl Tables {
    /// Reads the folder of a benchmark; a table that is not there is empty.
    ///
    /// # Errors
    /// The file, and its line, that cannot be read.
    pub fn read(dir: &Path) -> Result<Self, FolderError> {
        Ok(Self {
            harm: table(dir, HarmRow::FILE, HarmRow::COLUMNS)?,
            ranking: table(dir, RankingRow::FILE, RankingRow::COLUMNS)?,
            base_rates: table(dir, BaseRateRow::FILE, BaseRateRow::COLUMNS)?,
            calibration: table(dir, CalibrationRow::FILE, CalibrationRow::COLUMNS)?,
            guards: table(dir, GuardRow::FILE, GuardRow::COLUMNS)?,
        })
    }
}
