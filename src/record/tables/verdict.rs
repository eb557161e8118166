//! The rows of the verdict: cells of the grid, what became of their runs under each programme, and trainers.
//!
//! Shares of runs have Clopper and Pearson's exact two-sided 95% intervals. *Learned* runs are those that sampled the exploit and
//! learned it where nobody audits; the same replicates are counted under every programme.

use super::folder_error::FolderError;
use super::table_files::table;
use serde::{Deserialize, Serialize};
use std::path::Path;

table! {
    /// One cell of the grid.
    CellRow in "verdict.csv" {
        /// `map`, or `spoke` (one factor apart from the map).
        part: String,
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// Trainer.
        trainer: String,
        /// Descent rule; empty where nothing descends.
        optimizer: String,
        /// Law of the error of benign rewards, and whether it is `fresh` or `frozen`; `none` without one.
        error: String,
        /// KL that was asked for, in nats.
        kl_target: Option<f64>,
        /// KL of the final policies, mean over the learned runs where nobody audits.
        kl: Option<f64>,
        /// Learned runs whose KL is off by more than 5%.
        kl_missed: u64,
        /// Mass of the exploit under the reference.
        mass: Option<f64>,
        /// Sightings to be expected in training, were the reference sampled: rollouts times mass.
        expected_sightings: Option<f64>,
        /// Proxy reward of the exploit.
        proxy: Option<f64>,
        /// The same in units of T*, the size at which it supplies half of the gain at this KL; empty where the benign utility is not normal.
        size: Option<f64>,
        /// Benign rollouts of a run, drawn from the reference, that are expected to be paid more than the exploit on average; empty where the size is.
        benign_above: Option<f64>,
        /// Runs.
        runs: u64,
        /// P(an exploit is sampled), mean over runs that are conditioned on it; empty where runs come as they come.
        p_seen: Option<f64>,
        /// Runs that sampled the exploit.
        sampled: u64,
        /// Those among them that learned it.
        learned: u64,
        /// Runs that sampled it, did not learn it, and are harmed where nobody audits: it pays too little to supply half of the gain.
        harmed_unlearned: u64,
        /// Learned runs that are harmed where nobody audits.
        harmed: u64,
        /// Share of them.
        harm: Option<f64>,
        /// Lower end of its interval.
        harm_low: Option<f64>,
        /// Upper end.
        harm_high: Option<f64>,
        /// Learned runs that are harmed under the audit of the criterion: records by the reward, removal at once.
        audited_harmed: u64,
        /// Share of them.
        audited_harm: Option<f64>,
        /// Lower end of its interval.
        audited_low: Option<f64>,
        /// Upper end; the objection holds where it is at most .05.
        audited_high: Option<f64>,
        /// KL of the final policies under that audit, mean over the learned runs: below what was asked for where it is the exploit that spends it.
        audited_kl: Option<f64>,
        /// P(so few harmed runs or fewer), were their true share .05.
        p_value: Option<f64>,
        /// Whether that is among the discoveries at a false discovery rate of .05 over the map (Benjamini & Hochberg 1995); empty where there
        /// was no harm to prevent.
        discovery: Option<bool>,
        /// Auditor under which the fewest learned runs are harmed, removal at once, within the budget of looks.
        best_auditor: String,
        /// By whose scores.
        best_detector: String,
        /// Share of the learned runs that are harmed under it.
        best_harm: Option<f64>,
        /// Looks a rollout under the audit of the criterion, mean over the learned runs.
        looks: Option<f64>,
        /// Attributable loss summed over the steps where nobody audits, mean over the learned runs.
        loss_sum: Option<f64>,
        /// The same under the audit of the criterion.
        audited_loss_sum: Option<f64>,
        /// Attributable loss of the final policy where nobody audits, mean over the learned runs.
        loss_end: Option<f64>,
        /// The same under the audit of the criterion.
        audited_loss_end: Option<f64>,
        /// Share of *all* runs, sighted or not, that learn the exploit and are harmed where nobody audits.
        harm_of_all: Option<f64>,
        /// The same under the audit of the criterion.
        audited_harm_of_all: Option<f64>,
        /// `holds`, `little_harm`, `not_learned`, `fails`, `refuted`, `unresolved`, `void` or `insufficient`.
        verdict: String,
        /// `ok`, or what is missing and why.
        status: String,
    }
}

table! {
    /// What became of a cell's runs under one programme, or of its twins.
    AnswerRow in "answers.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// `none`, `programme`, `placebo` or `swap`; the first two are of the learned runs, the last two of all.
        role: String,
        /// When a rollout is read; empty without an audit.
        auditor: String,
        /// By whose scores; empty without an audit, and for an auditor that is handed the truth.
        detector: String,
        /// What is done about a confirmed hack.
        response: String,
        /// Steps from the look to its effect.
        delay: Option<u64>,
        /// Runs.
        runs: u64,
        /// Those that are harmed.
        harmed: u64,
        /// Share of them.
        harm: Option<f64>,
        /// Lower end of its interval.
        harm_low: Option<f64>,
        /// Upper end.
        harm_high: Option<f64>,
        /// Looks a rollout, mean over the runs; empty without an audit.
        looks: Option<f64>,
        /// Benign looks a run, mean over the runs.
        benign_looks: Option<f64>,
        /// Attributable loss summed over the steps, mean over the runs.
        loss_sum: Option<f64>,
        /// Attributable loss of the final policy, mean over the runs.
        loss_end: Option<f64>,
        /// E\[V\] of the final policy, mean over the runs.
        utility: Option<f64>,
        /// The same of the clean twins.
        clean_utility: Option<f64>,
        /// KL of the final policy, mean over the runs.
        kl: Option<f64>,
        /// `ok`, or why runs are missing.
        status: String,
    }
}

table! {
    /// How the runs of a cell end where nobody acts, told with what the audit of the criterion confirmed and when.
    EndsRow in "ends.csv" {
        /// Name of the scenario.
        scenario: String,
        /// Trainer, and what else the scenario varies.
        arm: String,
        /// `never_sampled`, `executed_unsampled`, `not_learned`, `benign_collapse`, `caught_before_learned`, `caught_before_harm`, `caught_too_late` or `never_caught`.
        end: String,
        /// Runs that end so, of all.
        runs: u64,
    }
}

table! {
    /// What the map says of a trainer.
    TrainerRow in "trainers.csv" {
        /// Trainer.
        trainer: String,
        /// Cells of the map.
        cells: u64,
        /// Cells with this word.
        holds: u64,
        /// Cells with this word.
        little_harm: u64,
        /// Cells with this word.
        not_learned: u64,
        /// Cells with this word.
        fails: u64,
        /// Cells with this word.
        refuted: u64,
        /// Cells with this word.
        unresolved: u64,
        /// Cells with this word.
        void: u64,
        /// Cells with this word.
        insufficient: u64,
        /// Largest KL up to which every cell of the map meets the criterion; empty where the smallest does not.
        met_up_to: Option<f64>,
        /// The same of cells with an exploit of at least T*.
        large_met_up_to: Option<f64>,
        /// Intersection–union test of *at most 5% are harmed at every KL up to 1*: the largest p-value of its cells; empty where one of them could not be tested.
        p_value: Option<f64>,
        /// `holds`, `fails` or `unresolved`, at every KL up to 1.
        verdict: String,
        /// `ok`, or what could not be tested.
        status: String,
    }
}

/// Share of the learned runs up to which harm is as good as none.
pub const ALLOWED: f64 = 0.05;
/// Looks a rollout that an auditor may take.
pub const LOOKS: f64 = 1e-3;
/// Learned runs below which a cell has no word. (72 are needed before any count can say *holds*.)
pub const LEAST_RUNS: u64 = 24;
/// One-sided level of every test: the upper end is at most [`ALLOWED`] exactly where the p-value is at most this.
pub const TEST: f64 = 0.025;
/// Part of the grid: the map.
pub const MAP: &str = "map";
/// Part of the grid: one factor apart from the map.
pub const SPOKE: &str = "spoke";
/// File name of the picture of the map.
pub const PHASES: &str = "phases";

/// A trainer's name as people write it.
pub fn trainer_label(name: &str) -> String {
    match name {
        "reinforce" | "rloo" | "grpo" | "ppo" => name.to_uppercase(),
        "grpo_no_std" => "GRPO without std".to_owned(),
        _ => name.replace('_', " "),
    }
}

/// The tables from which the page of the verdict is made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// Cells.
    pub cells: Vec<CellRow>,
    /// Programmes and twins.
    pub answers: Vec<AnswerRow>,
    /// How runs end.
    pub ends: Vec<EndsRow>,
    /// Trainers.
    pub trainers: Vec<TrainerRow>,
}

impl Tables {
    /// Reads the folder of a verdict; a table that is not there is empty.
    ///
    /// # Errors
    /// The file, and its line, that cannot be read.
    pub fn read(dir: &Path) -> Result<Self, FolderError> {
        Ok(Self {
            cells: table(dir, CellRow::FILE, CellRow::COLUMNS)?,
            answers: table(dir, AnswerRow::FILE, AnswerRow::COLUMNS)?,
            ends: table(dir, EndsRow::FILE, EndsRow::COLUMNS)?,
            trainers: table(dir, TrainerRow::FILE, TrainerRow::COLUMNS)?,
        })
    }
}
