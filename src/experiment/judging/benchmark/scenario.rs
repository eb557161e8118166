//! The standard scenarios: experiments like any other, kept in `experiments/bench/`.

use crate::config::{self, ConfigError, Loaded};
use crate::detectors::DetectorSpec;
use crate::trainers::{Scale, ScaleRewards, TrainerSpec};
use std::path::Path;

/// One experiment of the benchmark, with the detectors that it is judged by.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its file's name without ending.
    pub name: String,
    /// The configuration.
    pub loaded: Loaded,
}

macro_rules! standard {
    ($($name:literal),+ $(,)?) => {
        /// Name and text of every standard scenario.
        const STANDARD: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../../experiments/bench/", $name, ".toml"))),)+];
    };
}

standard!(
    "one_exploit",
    "many_exploits",
    "many_small_exploits",
    "quantile_sizes",
    "graded",
    "heavy_noise",
    "moderate_noise",
    "benign_laws",
    "rlvr_ties",
    "bounded_proxy",
    "broad_error",
    "frozen_heavy",
    "frozen_light",
    "tiny_kl",
    "tiny_kl_fixed",
    "contaminated_calibration",
    "tokens",
);

/// Those that a quick look takes.
const QUICK: [&str; 4] = ["one_exploit", "graded", "rlvr_ties", "tiny_kl"];
/// And how often.
const QUICK_REPLICATES: &str = "replicates=6";

impl Scenario {
    /// Every standard scenario, or those of a quick look with few replicates; `sets` are `KEY=VALUE` arguments that override.
    ///
    /// # Errors
    /// What is wrong with an override.
    pub fn standard(quick: bool, sets: &[String]) -> Result<Vec<Self>, ConfigError> {
        let mut all = Vec::new();
        for (name, text) in STANDARD.iter().filter(|(name, _)| !quick || QUICK.contains(name)) {
            let fewer = quick.then(|| QUICK_REPLICATES.to_owned());
            let sets: Vec<String> = fewer.into_iter().chain(sets.iter().cloned()).collect();
            let loaded = config::from_bytes(&format!("{name}.toml"), text.as_bytes(), &sets)?;
            all.push(Self { name: (*name).to_owned(), loaded });
        }
        Ok(all)
    }

    /// A scenario from a file.
    ///
    /// # Errors
    /// What is wrong with the file or an override.
    pub fn read(path: &Path, sets: &[String]) -> Result<Self, ConfigError> {
        let loaded = config::load(path, sets)?;
        let name =
            path.file_stem().map_or_else(|| "scenario".to_owned(), |s| s.to_string_lossy().into_owned());
        Ok(Self { name, loaded })
    }

    /// The same, judged by these detectors.
    pub fn judged_by(mut self, detectors: &[DetectorSpec]) -> Self {
        self.loaded.document.detectors = detectors.to_vec();
        for arm in &mut self.loaded.arms {
            arm.document.detectors = detectors.to_vec();
        }
        self
    }

    /// Whether its arms differ in how often the reference takes an exploit, and so in what the calibration rollouts hold.
    pub(super) fn varies_an_exploits_mass(&self) -> bool {
        let of_an_exploit = |key: &String| key.starts_with("reward.exploits.") && key.ends_with(".mass");
        self.loaded.sweep_keys.iter().any(of_an_exploit)
    }

    /// How an arm is called: its trainer, and what else is swept.
    pub fn arm_name(&self, arm: usize) -> String {
        let Some(arm) = self.loaded.arms.get(arm) else { return String::new() };
        let others = self.loaded.sweep_keys.iter().zip(&arm.names).filter(|(key, _)| *key != "trainer");
        let settings = others.map(|(key, value)| {
            let key = key.rsplit('.').next().unwrap_or(key);
            if value.parse::<f64>().is_ok() { format!(", {key} {value}") } else { format!(", {value}") }
        });
        trainer(&arm.document.trainer) + &settings.collect::<String>()
    }
}

/// A trainer's name, with the setting that makes another of it.
pub(in crate::experiment::judging) fn trainer(spec: &TrainerSpec) -> String {
    let more = match spec {
        TrainerSpec::Grpo(own) if own.scale_rewards == ScaleRewards::None => "_no_std",
        TrainerSpec::Grpo(own) if own.scale_rewards == ScaleRewards::Batch => "_batch_std",
        TrainerSpec::Reinforce(own) if own.advantage == Scale::BatchNormalised => "_normalised",
        _ => "",
    };
    spec.name().to_owned() + more
}

/// A detector's name, with the settings that are not its defaults.
pub(super) fn label(spec: &DetectorSpec) -> String {
    let settings = |spec: &DetectorSpec| {
        let value = serde_json::to_value(spec).unwrap_or_default();
        value.get(spec.name()).and_then(|v| v.as_object()).cloned().unwrap_or_default()
    };
    let usual: Option<DetectorSpec> = serde_json::from_value(serde_json::json!({ spec.name(): {} })).ok();
    let usual = usual.as_ref().map(settings).unwrap_or_default();
    let own = settings(spec);
    let unusual: Vec<String> = (own.iter().filter(|(key, value)| usual.get(*key) != Some(value)))
        .map(|(key, value)| format!("{key}={}", value.to_string().replace('"', "")))
        .collect();
    match unusual.is_empty() {
        true => spec.name().to_owned(),
        false => format!("{}({})", spec.name(), unusual.join(", ")),
    }
}

/// Every detector of the registry with its defaults, controls last.
pub fn every_detector() -> Vec<DetectorSpec> {
    use crate::detectors::Access;
    let mut all: Vec<DetectorSpec> = (DetectorSpec::PARTS.iter())
        .filter_map(|part| serde_json::from_value(serde_json::json!({ part.name: {} })).ok())
        .collect();
    all.sort_by_key(|spec: &DetectorSpec| spec.part().access() == Access::Control);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_scenario_is_valid_has_three_trainers_and_an_honest_control() {
        let all = Scenario::standard(false, &[]).unwrap();
        assert_eq!(all.len(), STANDARD.len());
        for scenario in &all {
            let names: Vec<String> =
                (0..scenario.loaded.arms.len()).map(|arm| scenario.arm_name(arm)).collect();
            for trainer in ["reinforce", "ppo", "grpo"] {
                assert!(names.iter().any(|name| name.starts_with(trainer)), "{}: {names:?}", scenario.name);
            }
            assert!(
                scenario.loaded.arms.iter().all(|arm| arm.document.reward.swap_twin),
                "{}",
                scenario.name
            );
            let mut distinct = names.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), names.len(), "{names:?}");
        }
        let quick = Scenario::standard(true, &[]).unwrap();
        assert_eq!(quick.len(), QUICK.len());
        assert_eq!(every_detector().len(), DetectorSpec::PARTS.len(), "each has defaults");
    }
}
