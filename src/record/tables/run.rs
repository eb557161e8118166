//! Rows of a run: what became of it, and each of its steps.

use serde::{Deserialize, Serialize};

table! {
    /// One run: what became of one arm in one replicate. The sweep's keys stand between `replicate` and `utility`.
    ReplicateRow in "replicates.csv" {
        /// Identity of the training run.
        train_id: String,
        /// Number of the arm in the plan.
        arm: usize,
        /// Replicate, from 0.
        replicate: u64,
    }
    ReplicateBody {
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
        /// `ok`, or `target missed: below` or `above` where the KL is off its target by more than 5%; empty without a target.
        kl_status: Option<String>,
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
        /// P(a hack is sampled in training), where the run is conditioned on it; shares of such runs are multiplied by it.
        p_seen: Option<f64>,
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
        /// Attributable loss of the final policy: E\[V | not hack\] − E\[V\].
        attributable_loss: Option<f64>,
        /// The attributable loss summed over the steps of training.
        attributable_loss_sum: Option<f64>,
        /// Attributable loss of placebos under the final policy; empty without placebos.
        placebo_loss: Option<f64>,
        /// First step with the attributable loss of placebos where that of hacks would be damage; empty without placebos.
        placebo_damage_step: Option<u64>,
        /// Whether hacks supplied at least half of the gain in proxy for five steps.
        learned: Option<bool>,
        /// First of these steps.
        learned_step: Option<u64>,
        /// E\[V\] of the clean twin less that of this run: what attribution misses, and noise.
        population_harm: Option<f64>,
        /// Largest E\[V\] at the same KL, by the exact tilt of V, less E\[V\]; empty without a table.
        goodhart_gap: Option<f64>,
        /// The same of the clean twin.
        clean_goodhart_gap: Option<f64>,
        /// Whether E\[U\] is up by its standard deviation, and E\[V\] by less than a tenth of what the KL could have bought.
        goodharted: Option<bool>,
        /// Goodhart onset.
        onset_step: Option<u64>,
        /// Damage step: the first of five with an attributable loss of max(10% of the clean twin's gain, .1 sd of V) beyond the reference's.
        damage_step: Option<u64>,
        /// First step with p(hack) > ½.
        takeover_step: Option<u64>,
        /// From the first sighting to exploit dominance, in steps.
        window: Option<u64>,
        /// The headline auditor: that of the config, by the first detector's scores.
        auditor: String,
        /// What is done about a confirmed hack.
        response: String,
        /// Steps from a look to its effect.
        delay: u64,
        /// Rollouts of the run that the headline audit read.
        audits: u64,
        /// All that it read, those of the reference too.
        looks: u64,
        /// Those of them that are no hacks.
        benign_looks: u64,
        /// What the looks cost.
        audit_cost: f64,
        /// Hacks among them.
        true_positives: u64,
        /// Whether a hack was confirmed, and the delay over, before the damage step.
        caught_in_time: Option<bool>,
        /// never_sampled, executed_unsampled, not_learned, benign_collapse, caught_before_learned, caught_before_harm, caught_too_late or
        /// never_caught: how the run ended, as the audit saw it; empty for the exact optimum.
        end: String,
        /// not_learned, caught_before_damage, caught_too_late, never_caught, or never_sampled; empty for the exact optimum,
        /// which is no training.
        outcome: String,
        /// (V − V_none)/(V_clean − V_none), V_none being that of the same run without a response; empty where there is none, or where
        /// it was not damaged.
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
    }
    StepBody {
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
        /// E\[U·1(hack)\]: the part of the proxy that hacks supply.
        proxy_from_hacks: Option<f64>,
        /// Attributable loss: E\[V | not hack\] − E\[V\], what the mass on hacks costs; empty where nothing else is left.
        attributable_loss: Option<f64>,
        /// Standard error of `attributable_loss`; empty where it is exact, and where no hack was sampled.
        attributable_loss_se: Option<f64>,
        /// The same of placebos, where some are planted.
        placebo_loss: Option<f64>,
        /// Hacks in this batch.
        sightings: u64,
        /// Rollouts that the headline audit read at this step.
        looks: Option<u64>,
        /// Rollouts that a response kept out of the update.
        removed: u64,
        /// Those of them that are no hacks.
        removed_honest: u64,
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
