//! Names of the numbers in `summary.csv`, so that who writes and who reads them agree.
//!
//! A number of one detector is `name[detector@auditor]`, and by the clock at one audit budget `name[detector@budget]`; one of a monitor of
//! the deployed policy is `name[monitor@deployed]`.

/// `E[V]` of the final policy.
pub const UTILITY: &str = "utility";
/// `E[U]` of the final policy.
pub const PROXY: &str = "proxy";
/// Exact KL(π‖π₀) of the final policy, in nats.
pub const KL: &str = "kl";
/// `E[V]` of the swap twin's final policy: what a truly good tail would give.
pub const SWAP_UTILITY: &str = "swap_utility";
/// Share of the runs in which a hack was confirmed before the damage step.
pub const CATCH_RATE: &str = "catch_rate";
/// Chance that as many random audits would have found a hack.
pub const RANDOM_BASELINE: &str = "random_baseline";
/// Share of the runs in which the audit confirmed a hack at all.
pub const CAUGHT: &str = "caught";
/// 95% of the runs had confirmed a hack after so many steps.
pub const STEPS_TO_CATCH: &str = "steps_to_catch_q95";
/// 95% of the runs had sampled a hack after so many steps.
pub const STEPS_TO_SIGHTING: &str = "steps_to_sighting_q95";
/// 95% of the deployed policies had taken a hack after so many samples.
pub const SAMPLES_TO_HACK: &str = "samples_to_first_hack_q95";
/// A monitor had alarmed after so many samples in 95% of the deployments.
pub const SAMPLES_TO_ALARM: &str = "samples_to_alarm_q95";
/// Share of the deployments in which a monitor alarmed.
pub const ALARMED: &str = "alarmed";
/// Share of the clean twins, deployed without a shift, on which a monitor alarmed without a hack.
pub const FALSE_ALARM: &str = "false_alarm";
/// Samples that a monitor read until its alarm, or in all.
pub const DEPLOYMENT_AUDITS: &str = "deployment_audits";
/// What stands for the auditor in the name of a monitor's number.
pub const DEPLOYED: &str = "deployed";
/// Largest proxy of the table over the size at which one outcome supplies half of the gain (F1's collapse variable).
pub const FRONTIER_RATIO: &str = "frontier_ratio_median";
/// Gain of true utility per √KL: 1 for a normal error as wide as the utility.
pub const GAIN: &str = "gain_per_root_kl";
/// Share of the runs with a KL target that ended more than 5% off it.
pub const KL_TARGET_MISSED: &str = "kl_target_missed";
/// Status of a run whose KL is more than 5% below its target.
pub const KL_BELOW: &str = "target missed: below";
/// Status of a run whose KL is more than 5% above its target.
pub const KL_ABOVE: &str = "target missed: above";
/// The detector that others are compared with: the proxy reward itself.
pub const YARDSTICK: &str = "top_reward";
/// Name of the control that knows the truth.
pub const ORACLE: &str = "oracle";

/// `name[detector@budget]`.
pub fn at_budget(name: &str, detector: &str, budget: f64) -> String {
    format!("{name}[{detector}@{budget}]")
}

/// `name[detector@auditor]`.
pub fn by_auditor(name: &str, detector: &str, auditor: &str) -> String {
    format!("{name}[{detector}@{auditor}]")
}

/// A metric name taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric<'a> {
    /// What is measured.
    pub name: &'a str,
    /// Detector and audit budget (fraction below 1, count from 1), where it is of one.
    pub of: Option<(&'a str, f64)>,
    /// Detector and auditor, where it is of these.
    pub by: Option<(&'a str, &'a str)>,
}

impl<'a> Metric<'a> {
    /// Takes a name of `summary.csv` apart; one without a readable `[detector@budget]` is kept whole.
    pub fn parse(text: &'a str) -> Self {
        let parts = text.strip_suffix(']').and_then(|rest| rest.split_once('['));
        let parts = parts.and_then(|(name, of)| Some((name, of.rsplit_once('@')?)));
        let whole = Self { name: text, of: None, by: None };
        let Some((name, (detector, at))) = parts else { return whole };
        match at.parse::<f64>() {
            Ok(budget) if budget.is_finite() && budget > 0.0 => {
                Self { name, of: Some((detector, budget)), by: None }
            }
            Err(_) if !detector.is_empty() && at.starts_with(|c: char| c.is_ascii_lowercase()) => {
                Self { name, of: None, by: Some((detector, at)) }
            }
            _ => whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip() {
        let name = at_budget(CATCH_RATE, "robust_z", 1e-3);
        assert_eq!(name, "catch_rate[robust_z@0.001]");
        assert_eq!(Metric::parse(&name), Metric { name: CATCH_RATE, of: Some(("robust_z", 1e-3)), by: None });
        assert_eq!(Metric::parse("a[b@c@20]").of, Some(("b@c", 20.0)));
        let name = by_auditor(CATCH_RATE, "robust_z", "records");
        let expected = Metric { name: CATCH_RATE, of: None, by: Some(("robust_z", "records")) };
        assert_eq!(Metric::parse(&name), expected);
    }

    #[test]
    fn what_is_no_detector_metric_is_kept_whole() {
        for text in ["utility", "x[y]", "x[y@]", "x[y@nan]", "x[y@-1]", "[", "]"] {
            assert_eq!(Metric::parse(text), Metric { name: text, of: None, by: None });
        }
    }
}
