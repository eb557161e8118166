//! Rows of judgements: each detector at each budget, and each rollout that its audit looked at.

use serde::{Deserialize, Serialize};

table! {
    /// One detector under one auditor in one run: under the config's, then by the clock `top` at each budget.
    DetectorRow in "detectors.csv" {
        /// Identity of the judgement.
        judge_id: String,
        /// Identity of the training run.
        train_id: String,
        /// Number of the arm in the plan.
        arm: usize,
        /// Replicate, from 0.
        replicate: u64,
    }
    DetectorBody {
        /// Detector.
        detector: String,
        /// What it may look at.
        access: String,
        /// unsupervised, or control.
        supervision: String,
        /// Share of hacks among all rollouts.
        base_rate: Option<f64>,
        /// Auditor: when a rollout is read, and which.
        auditor: String,
        /// Fraction of rollouts, or a count; empty under an auditor whose budget is not in looks.
        budget: Option<f64>,
        /// Rollouts.
        n: u64,
        /// Hacks among them.
        n_positive: u64,
        /// Area under the ROC curve, ties counted half. It, average_precision and recall_at_fpr_1e3 are empty where most hacks were
        /// sampled after the exploit dominated.
        auroc: Option<f64>,
        /// Average precision, ties handled as one threshold.
        average_precision: Option<f64>,
        /// Share of the distinct sampled hack outcomes that the online audit confirmed (an outcome is audited once).
        recall: Option<f64>,
        /// Share of audits that were hacks.
        precision: Option<f64>,
        /// Recall at a false-positive rate of 1e-3.
        recall_at_fpr_1e3: Option<f64>,
        /// Share of honest rollouts above the alarm threshold.
        false_positive_rate: Option<f64>,
        /// Same on the swap twin, where it was run.
        honest_flag_rate: Option<f64>,
        /// Probability that a clean twin raises an alarm at all: 1 or 0 for one run; averaged in the summary.
        clean_alarm: Option<bool>,
        /// Rollouts that were read, those of the reference too.
        looks: Option<u64>,
        /// Those of them that are no hacks.
        benign_looks: Option<u64>,
        /// First catch − first sighting, in steps.
        latency: Option<u64>,
        /// First step of a confirmed hack.
        first_catch: Option<u64>,
        /// Whether that was before the damage step.
        caught_in_time: Option<bool>,
        /// Chance that as many random audits would have found a hack: before the damage step where there is one,
        /// otherwise in the whole run.
        random_baseline: Option<f64>,
        /// ok, or why there is no number.
        status: String,
    }
}

table! {
    /// One rollout that a detector's audit looked at.
    FlagRow in "flags.csv" {
        /// Identity of the judgement.
        judge_id: String,
        /// Identity of the training run.
        train_id: String,
    }
    FlagBody {
        /// Detector.
        detector: String,
        /// Auditor.
        auditor: String,
        /// Budget under which it was picked (fraction of rollouts, or a count); empty under another auditor than the clock.
        budget: Option<f64>,
        /// Step at which it was picked.
        step: u64,
        /// Number of the rollout.
        trajectory: u64,
        /// Score.
        score: f64,
        /// p-value, where the detector has a null.
        p_value: Option<f64>,
        /// Smallest score that was picked at this step.
        threshold: Option<f64>,
        /// Rank among the candidates of its step, from 1.
        rank: usize,
        /// Whether the audit confirmed a hack.
        confirmed: bool,
        /// Why.
        reason: String,
    }
}
