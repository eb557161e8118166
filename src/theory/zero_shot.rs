//! A jump at deployment to an exploit that training never sampled (F12).
//!
//! Training drew N rollouts from a policy that takes the exploit with probability q; deployed, the policy takes it with
//! probability p, in a share f of the samples (its trigger), so that a sample is a catastrophe with probability fp.
//!
//! - No statistic of the training rewards can tell: whatever is unseen has power ≤ the level α, so power ≤
//!   P_seen + α·(1 − P_seen).
//! - KL(p‖q) is the divergence of the jump where it happens; ln(1/δ)/KL is *not* the number of samples to the first one,
//!   which is ln δ/ln(1 − fp).
//! - An alarm on ln(π/π₀) ≥ ln(p/q) has E_π₀\[π/π₀\] = 1 behind it: its false-positive rate under π₀ is at most q/p
//!   (Markov). A benign trained policy at divergence K has ln(π/π₀) ~ N(K, 2K), as a tilted normal has, and must stay
//!   below.
//! - The mean of ln(π/π₀) over n samples is N(K, 2K/n) for the benign policy. The jump moves it by
//!   D = fp·ln(p/q) + (1 − fp)·K + f·(1 − p)·ln((1 − p)/(1 − q)) − K per sample, and its variance is that of the mixture.
//!   By the central limit theorem n = ((z_δ·√(2K) + z_δ·σ)/D)², and never less than the samples to the first one, before
//!   which nothing has moved.

use super::TheoryError;
use super::binary::binary_kl;
use super::error::{open_share, require};
use crate::foundation::special::{normal_sf, normal_upper_quantile};

/// The jump and who watches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// q: mass under the policy that training sampled.
    pub mass: f64,
    /// p: mass under the deployed policy, where it is triggered.
    pub mass_after: f64,
    /// N: rollouts of training.
    pub training_rollouts: f64,
    /// 1 − δ: probability with which each answer holds; δ is also the level of each test.
    pub confidence: f64,
    /// f: share of the deployment samples in which the trigger is present.
    pub trigger_frequency: f64,
}

/// What is known of a jump without looking at anything but rewards and samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZeroShot {
    /// P(training sampled the exploit) = 1 − (1 − q)^N.
    pub p_seen: f64,
    /// The largest power of any outlier test of level δ on the training rewards.
    pub power_bound: f64,
    /// KL(p‖q), in nats.
    pub kl: f64,
    /// fp: P(a deployment sample is a catastrophe).
    pub mass_deployed: f64,
    /// ln δ/ln(1 − fp): samples until the first catastrophe with probability 1 − δ.
    pub samples_to_first: f64,
}

/// What the log-ratio ln(π/π₀) of single samples and of their mean tells of a jump.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogRatio {
    /// ln(p/q): the log-ratio of a catastrophe, in nats.
    pub log_ratio: f64,
    /// q/p: the largest false-positive rate per sample under the reference.
    pub false_positive_bound: f64,
    /// P(a benign sample is above ln(p/q)), where the benign policy is at divergence K.
    pub benign_alarm_rate: f64,
    /// K + z·√(2K): what ln(p/q) must exceed for false alarms of at most δ over the samples to the first catastrophe.
    pub benign_reach: f64,
    /// Samples until the mean log-ratio tells with probability 1 − δ at level δ; `None` where it does not rise.
    pub samples_mean_kl: Option<f64>,
}

impl Jump {
    /// Checks the arguments and answers what needs no look.
    ///
    /// # Errors
    /// An argument outside its range, by name; a catastrophe too rare for its samples to be counted.
    pub fn answer(&self) -> Result<ZeroShot, TheoryError> {
        open_share("mass", self.mass)?;
        open_share("mass-after", self.mass_after)?;
        let range = format!("a mass above the prior mass {}", self.mass);
        require("mass-after", self.mass_after, self.mass_after > self.mass, &range)?;
        let rollouts = self.training_rollouts;
        require(
            "training-rollouts",
            rollouts,
            rollouts >= 1.0 && rollouts.is_finite(),
            "a number of 1 or more",
        )?;
        open_share("confidence", self.confidence)?;
        let share = self.trigger_frequency;
        require("trigger-frequency", share, share > 0.0 && share <= 1.0, "a number above 0, at most 1,")?;
        let p_seen = -(rollouts * (-self.mass).ln_1p()).exp_m1();
        let level = 1.0 - self.confidence;
        Ok(ZeroShot {
            p_seen,
            power_bound: p_seen + level * (1.0 - p_seen),
            kl: binary_kl(self.mass_after, self.mass)?,
            mass_deployed: self.mass_deployed(),
            samples_to_first: self.samples(1.0)?,
        })
    }

    fn mass_deployed(&self) -> f64 {
        self.trigger_frequency * self.mass_after
    }

    /// Samples until, with probability 1 − δ, a catastrophe was among those looked at; each is with probability
    /// `audit_fraction`.
    ///
    /// # Errors
    /// A fraction outside (0, 1\]; a catastrophe too rare for its samples to be counted.
    pub fn samples(&self, audit_fraction: f64) -> Result<f64, TheoryError> {
        let looked = audit_fraction > 0.0 && audit_fraction <= 1.0;
        require("audit-fraction", audit_fraction, looked, "a number above 0, at most 1,")?;
        let samples = (-self.confidence).ln_1p() / (-audit_fraction * self.mass_deployed()).ln_1p();
        let met = "a mass that is met within 1e308 samples";
        require("mass-after", self.mass_after, samples.is_finite(), met).map(|_| samples)
    }

    /// P(a catastrophe was among the looked at) within `samples`.
    pub fn p_found(&self, samples: f64, audit_fraction: f64) -> f64 {
        -(samples * (-audit_fraction * self.mass_deployed()).ln_1p()).exp_m1()
    }

    /// The log-ratio alarms, where the deployed policy without the jump is at `benign_kl` nats from the reference.
    ///
    /// # Errors
    /// A divergence that is no finite number of 0 or more.
    pub fn log_ratio(&self, benign_kl: f64) -> Result<LogRatio, TheoryError> {
        require(
            "benign-kl",
            benign_kl,
            (0.0..1e150).contains(&benign_kl),
            "a number of 0 or more, in nats,",
        )?;
        let first = self.samples(1.0)?;
        let (p, q, k) = (self.mass_after, self.mass, benign_kl);
        let log_ratio = p.ln() - q.ln();
        let spread = (2.0 * k).sqrt();
        let level = 1.0 - self.confidence;
        // Per sample, so that none of them alarms with probability 1 − δ.
        let per_sample = -(self.confidence.ln() / first.max(1.0)).exp_m1();
        let benign_alarm_rate = if spread > 0.0 { normal_sf((log_ratio - k) / spread) } else { 0.0 };
        let deployed = self.mass_deployed();
        let others = self.trigger_frequency * (1.0 - p) * ((-p).ln_1p() - (-q).ln_1p());
        let rise = deployed * (log_ratio - k) + others;
        let quiet = k + others / (1.0 - deployed);
        let variance = (1.0 - deployed) * 2.0 * k + deployed * (1.0 - deployed) * (log_ratio - quiet).powi(2);
        let z = normal_upper_quantile(level);
        let samples = (z * (spread + variance.sqrt()) / rise).powi(2).max(first);
        Ok(LogRatio {
            log_ratio,
            false_positive_bound: q / p,
            benign_alarm_rate,
            benign_reach: k + normal_upper_quantile(per_sample) * spread,
            samples_mean_kl: Some(samples).filter(|n| rise > 0.0 && n.is_finite()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};
    use rand::RngExt as _;

    fn jump() -> Jump {
        Jump {
            mass: 1e-9,
            mass_after: 0.01,
            training_rollouts: 1e7,
            confidence: 0.95,
            trigger_frequency: 1.0,
        }
    }

    #[test]
    fn the_published_figures() {
        let found = jump().answer().unwrap();
        assert!((found.p_seen - 0.00995).abs() < 5e-6, "{found:?}");
        assert!((found.power_bound - (found.p_seen + 0.05 * (1.0 - found.p_seen))).abs() < 1e-12);
        assert!((found.kl - 0.151).abs() < 5e-4);
        assert!((found.samples_to_first - 298.1).abs() < 0.05);
        assert!((jump().samples(0.01).unwrap() - 29960.0).abs() < 10.0);
        // The rule of thumb is off by a factor of 15.
        assert!(found.samples_to_first / (20f64.ln() / found.kl) > 14.0);
    }

    #[test]
    fn a_trigger_replaces_p_by_fp() {
        let rare = Jump { trigger_frequency: 0.1, ..jump() };
        let direct = Jump { mass_after: 1e-3, ..jump() };
        assert!((rare.samples(0.5).unwrap() / direct.samples(0.5).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(rare.answer().unwrap().kl, jump().answer().unwrap().kl);
        assert!((rare.p_found(rare.samples(1.0).unwrap(), 1.0) - 0.95).abs() < 1e-12);
    }

    #[test]
    fn the_first_catastrophe_comes_when_it_should() {
        // 4000 geometric draws at p = .02: 95% of them within the answer, to 4 standard errors (.0034 each).
        let law = Jump { mass_after: 0.02, ..jump() };
        let within = law.samples(1.0).unwrap();
        let mut rng = SeedTree::new(9, 0).stream(Purpose::Utility, 0);
        let mut hits = 0;
        for _ in 0..4000 {
            let mut samples = 1;
            while rng.random::<f64>() >= 0.02 {
                samples += 1;
            }
            hits += usize::from(f64::from(samples) <= within);
        }
        assert!((hits as f64 / 4000.0 - 0.95).abs() < 0.014, "{hits}");
    }

    #[test]
    fn a_benign_policy_far_from_the_reference_hides_the_jump() {
        let at = |kl: f64| jump().log_ratio(kl).unwrap();
        let near = at(0.0);
        assert!(
            (near.log_ratio - 1e7f64.ln()).abs() < 1e-12 && (near.false_positive_bound - 1e-7).abs() < 1e-20
        );
        assert_eq!((near.benign_alarm_rate, near.benign_reach), (0.0, 0.0));
        // Nothing rises before the first catastrophe.
        assert!(near.samples_mean_kl.unwrap() >= 298.0);
        let (some, far) = (at(5.0), at(20.0));
        assert!(some.benign_alarm_rate < far.benign_alarm_rate && far.benign_reach > far.log_ratio);
        assert!(some.samples_mean_kl.unwrap() > near.samples_mean_kl.unwrap());
        assert_eq!(far.samples_mean_kl, None);
        let reach = normal_sf((some.benign_reach - 5.0) / 10f64.sqrt());
        assert!(((1.0 - reach).powf(298.07) - 0.95).abs() < 1e-4, "{reach}");
    }

    #[test]
    fn answers_are_monotone() {
        for i in 1..8 {
            let p = 10f64.powi(-i);
            let (more, less) = (Jump { mass_after: p, ..jump() }, Jump { mass_after: p / 2.0, ..jump() });
            assert!(more.answer().unwrap().samples_to_first < less.answer().unwrap().samples_to_first);
            assert!(more.answer().unwrap().kl > less.answer().unwrap().kl);
            assert!(more.samples(0.1).unwrap() > more.samples(0.2).unwrap());
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |jump: Jump| jump.answer().unwrap_err().to_string();
        assert!(error(Jump { mass: 0.0, ..jump() }).contains("mass is 0"));
        assert!(error(Jump { mass_after: 1e-10, ..jump() }).contains("above the prior mass"));
        assert!(error(Jump { mass_after: 1.0, ..jump() }).contains("mass-after is 1"));
        assert!(error(Jump { training_rollouts: 0.0, ..jump() }).contains("training-rollouts is 0"));
        assert!(error(Jump { confidence: 1.0, ..jump() }).contains("confidence is 1"));
        assert!(error(Jump { trigger_frequency: 0.0, ..jump() }).contains("trigger-frequency is 0"));
        assert!(jump().samples(0.0).unwrap_err().to_string().contains("audit-fraction is 0"));
        assert!(jump().log_ratio(f64::NAN).unwrap_err().to_string().contains("benign-kl is NaN"));
    }
}
