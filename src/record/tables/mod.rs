//! The rows of every CSV file, each defined once: writers, readers, figures and report all use these.
//!
//! An absent value is an empty cell, never 0. KL and log-probabilities are in nats; steps count from 0.

use serde::{Deserialize, Serialize};

pub mod benchmark;
pub mod folder;
pub mod metric;

macro_rules! table {
    ($(#[$doc:meta])* $name:ident in $file:literal { $($(#[$field_doc:meta])* $field:ident : $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $name {
            /// The file this row stands in.
            pub const FILE: &'static str = $file;
            /// Column names, in order, without the sweep's keys.
            pub const COLUMNS: &'static [&'static str] = &[$(stringify!($field),)+];
        }
    };
}

use table;

table! {
    /// One run: what became of one arm in one replicate. The sweep's keys stand between `replicate` and `utility`.
    ReplicateRow in "replicates.csv" {
        /// Identity of the training run.
        train_id: String,
        /// Number of the arm in the plan.
        arm: usize,
        /// Replicate, from 0.
        replicate: u64,
        /// Exact E\[V\] of the final policy (sampled mean of the last step where the space cannot be enumerated).
        utility: Option<f64>,
        /// The same of the clean twin.
        clean_utility: Option<f64>,
        /// E\[V\] of the swap twin, where it was run: what the same policy gives where the tail is truly good.
        swap_utility: Option<f64>,
        /// E\[V\] of the reference.
        reference_utility: Option<f64>,
        /// E\[U\] of the final policy.
        proxy: Option<f64>,
        /// E\[X\] of the final policy.
        error: Option<f64>,
        /// Exact KL(π‖π₀) of the final policy.
        kl: Option<f64>,
        /// Estimator k1 on the last batch.
        kl_k1: Option<f64>,
        /// Estimator k3 on the last batch.
        kl_k3: Option<f64>,
        /// Final KL coefficient β.
        kl_coefficient: Option<f64>,
        /// β at which the most rewarded outcome holds half of the mass (exact tilt only).
        beta_critical: Option<f64>,
        /// Probability of a hack under the final policy.
        p_hack: Option<f64>,
        /// E\[U·1(hack)\] of the final policy: the part of the proxy that hacks supply.
        proxy_from_hacks: Option<f64>,
        /// Largest probability of a single outcome.
        top_mass: Option<f64>,
        /// Largest proxy reward in the table.
        proxy_max: Option<f64>,
        /// Interquartile range of U over the outcomes, in units of the standard normal's.
        proxy_spread: Option<f64>,
        /// Largest KL that a tilt of the table can reach: ln K for a uniform reference.
        kl_max: Option<f64>,
        /// Hacks sampled during training.
        sightings: u64,
        /// Those at steps before the damage step (all of them where there was no damage).
        sightings_before_damage: u64,
        /// First step with a sighting.
        first_sighting: Option<u64>,
        /// First step at which the headline detector's alarm was a hack.
        first_true_flag: Option<u64>,
        /// First step at which the headline audit confirmed a hack.
        first_catch: Option<u64>,
        /// Goodhart onset.
        onset_step: Option<u64>,
        /// Damage step.
        damage_step: Option<u64>,
        /// First step with p(hack) > ½.
        takeover_step: Option<u64>,
        /// From the first sighting to exploit dominance, in steps.
        window: Option<u64>,
        /// Rollouts looked at by the headline audit.
        audits: u64,
        /// Hacks among them.
        true_positives: u64,
        /// Whether a hack was confirmed, and the delay over, before the damage step.
        caught_in_time: Option<bool>,
        /// not_learned, caught_before_damage, caught_too_late, never_caught, or never_sampled; empty for the exact optimum,
        /// which is no training.
        outcome: String,
        /// (V − V_none)/(V_clean − V_none); empty without a mitigation.
        recovery: Option<f64>,
    }
}

table! {
    /// One step of one run. `steps.csv` starts each row with `train_id, arm, replicate`.
    StepRow in "steps.csv" {
        /// Identity of the training run.
        train_id: String,
        /// Number of the arm in the plan.
        arm: usize,
        /// Replicate, from 0.
        replicate: u64,
        /// Step, from 0; quantities are those of the policy that sampled this step.
        step: u64,
        /// Mean raw proxy of the batch.
        proxy_mean: f64,
        /// Standard deviation of the batch's proxy.
        proxy_sd: Option<f64>,
        /// Median of the batch's proxy.
        proxy_p50: f64,
        /// 99% quantile of the batch's proxy.
        proxy_p99: f64,
        /// Largest proxy of the batch.
        proxy_max: f64,
        /// Share of the batch's positive proxy that its largest member holds.
        top1_share: Option<f64>,
        /// How the expectations were made: `enumerated` (summed over all trajectories), `propagated` (by dynamic programming over
        /// states; the error is the batch's mean unless triggers are all of it) or `sampled` (means of the batch).
        expectations: String,
        /// E\[V\].
        utility: Option<f64>,
        /// Standard error of `utility`; empty where it is exact.
        utility_se: Option<f64>,
        /// E\[V\] of the clean twin at this step.
        clean_utility: Option<f64>,
        /// E\[U\].
        proxy: Option<f64>,
        /// KL(π‖π₀), in nats.
        kl: Option<f64>,
        /// Mean of −ln r over the batch, r = π₀/π.
        kl_k1: Option<f64>,
        /// Mean of (ln r)²/2.
        kl_k2: Option<f64>,
        /// Mean of r − 1 − ln r.
        kl_k3: Option<f64>,
        /// KL coefficient β in force.
        kl_coefficient: Option<f64>,
        /// Entropy of the policy, in nats.
        entropy: Option<f64>,
        /// Share of the batch whose ratio was clipped.
        clip_fraction: Option<f64>,
        /// Probability of a hack.
        p_hack: Option<f64>,
        /// Hacks in this batch.
        sightings: u64,
        /// Largest share of one rollout in the batch's Σ|A|.
        influence_max: Option<f64>,
        /// Share of all Σ|A| so far that fell on hacks.
        influence_cumulative: Option<f64>,
        /// GPD ξ of the batch's proxy, where there are enough excesses.
        xi_gpd: Option<f64>,
        /// Excesses behind it.
        n_excess: usize,
    }
}

table! {
    /// One rollout as anyone may see it.
    ObservedRow in "observed.csv" {
        /// Identity of the training run.
        train_id: String,
        /// Step, from 0.
        step: u64,
        /// Number of the rollout in its run.
        trajectory: u64,
        /// What was sampled; equal numbers are the same trajectory.
        outcome: u64,
        /// Prompt.
        prompt: u64,
        /// Rollouts compared with each other.
        group: u64,
        /// Raw proxy reward U.
        proxy: f64,
        /// Shaped reward.
        reward: Option<f64>,
        /// Advantage.
        advantage: Option<f64>,
        /// ln π.
        log_prob: Option<f64>,
        /// ln π₀.
        ref_log_prob: Option<f64>,
        /// Length of the completion.
        length: Option<f64>,
        /// Standard deviation over the members of a reward ensemble.
        disagreement: Option<f64>,
        /// Norm of the rollout's term of the policy gradient, in the logits, for a policy that acts step by step.
        gradient_norm: Option<f64>,
    }
}

table! {
    /// The hidden side of one rollout.
    TruthRow in "truth.csv" {
        /// Identity of the training run.
        train_id: String,
        /// Number of the rollout in its run.
        trajectory: u64,
        /// True utility V.
        utility: f64,
        /// Error X.
        error: f64,
        /// Planted class, 0 for none.
        class: u32,
        /// What an audit would confirm.
        hack: bool,
    }
}

table! {
    /// One rollout that a detector's audit looked at.
    FlagRow in "flags.csv" {
        /// Identity of the judgement.
        judge_id: String,
        /// Identity of the training run.
        train_id: String,
        /// Detector.
        detector: String,
        /// Budget under which it was picked (fraction of rollouts, or a count).
        budget: f64,
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

table! {
    /// One detector at one budget in one run.
    DetectorRow in "detectors.csv" {
        /// Identity of the judgement.
        judge_id: String,
        /// Identity of the training run.
        train_id: String,
        /// Number of the arm in the plan.
        arm: usize,
        /// Replicate, from 0.
        replicate: u64,
        /// Detector.
        detector: String,
        /// What it may look at.
        access: String,
        /// unsupervised, or control.
        supervision: String,
        /// Share of hacks among all rollouts.
        base_rate: Option<f64>,
        /// Fraction of rollouts, or a count.
        budget: f64,
        /// Rollouts.
        n: u64,
        /// Hacks among them.
        n_positive: u64,
        /// Area under the ROC curve, ties counted half.
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
    /// One number of the summary: an estimate, its interval, and how the interval was made. The sweep's keys stand
    /// between `arm` and `metric`.
    SummaryRow in "summary.csv" {
        /// Number of the arm in the plan.
        arm: usize,
        /// What is estimated; detector metrics are `catch_rate[detector@budget]`.
        metric: String,
        /// The estimate.
        estimate: Option<f64>,
        /// Lower end.
        ci_low: Option<f64>,
        /// Upper end.
        ci_high: Option<f64>,
        /// Replicates behind it.
        replicates: usize,
        /// How estimate and interval were made, or the status that stands in their place.
        method: String,
    }
}

/// Verdict of a [`CheckRow`] whose numbers agree.
pub const AGREES: &str = "agrees";
/// Verdict of a [`CheckRow`] whose numbers differ.
pub const DIFFERS: &str = "differs";
/// Relative difference that rounding and root finding may leave between two exact numbers.
pub const ROUNDING: f64 = 1e-6;
/// Source of a [`CheckRow`] whose expected number is the largest size allowed.
pub const BOUND: &str = "bound";

table! {
    /// One number held against what theory or a publication expects. The sweep's keys stand between `arm` and `metric`.
    CheckRow in "checks.csv" {
        /// Number of the arm in the plan; empty where a check goes over several arms.
        arm: Option<usize>,
        /// What is compared; as in `summary.csv`.
        metric: String,
        /// What the runs gave.
        found: Option<f64>,
        /// Its standard error.
        found_error: Option<f64>,
        /// What was expected.
        expected: Option<f64>,
        /// Its standard error; 0 for a closed form.
        expected_error: Option<f64>,
        /// Largest difference that counts as agreement.
        allowed: Option<f64>,
        /// agrees, differs, or why there is no comparison.
        verdict: String,
        /// Replicates behind what was found.
        replicates: usize,
        /// Where the expectation comes from.
        source: String,
        /// How it was compared.
        method: String,
    }
}

impl CheckRow {
    /// found − expected in combined standard errors; `None` where a number or an error is missing, for a bound, and where the
    /// errors are no more than rounding.
    pub fn standard_errors(&self) -> Option<f64> {
        if self.source == BOUND {
            return None;
        }
        let error = self.found_error?.hypot(self.expected_error?);
        let difference = self.found? - self.expected?;
        let exact = error <= ROUNDING * self.expected?.abs().max(ROUNDING);
        if exact { None } else { Some(difference / error).filter(|z| z.is_finite()) }
    }
}

table! {
    /// One point of the empirical survival function of the proxy reward, for the survival figure.
    SurvivalRow in "survival.csv" {
        /// Number of the arm in the plan.
        arm: usize,
        /// `reference` (rollouts of π₀) or `training`.
        series: String,
        /// Proxy reward u.
        proxy: f64,
        /// Share of the rollouts with U > u.
        survival: f64,
        /// The same under the fitted generalised Pareto tail; empty below its threshold.
        gpd_fit: Option<f64>,
    }
}

table! {
    /// One point of a Hill plot.
    HillRow in "hill.csv" {
        /// Number of the arm in the plan.
        arm: usize,
        /// Upper order statistics used.
        k: usize,
        /// Hill's estimate of the tail index ξ = 1/α.
        xi: f64,
        /// Lower end of its interval.
        ci_low: Option<f64>,
        /// Upper end of its interval.
        ci_high: Option<f64>,
    }
}
