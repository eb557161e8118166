//! The grid: experiments like any other, kept in `experiments/verdict/`, and what tells their cells apart.

use crate::config::{Arm, ConfigError, Document, Loaded, from_bytes};
use crate::distributions::DistributionSpec;
use crate::environments::EnvironmentSpec;
use crate::experiment::benchmark::Scenario;
use crate::experiment::judging::benchmark::scenario::trainer;
use crate::record::verdict::{MAP, SPOKE};
use crate::reward::{Mode, RewardSection};
use crate::theory::frontier::t_star;
use crate::trainers::OptimizerSpec;

macro_rules! grid {
    ($($name:literal in $part:expr),+ $(,)?) => {
        /// Name, part and text of every file of the grid.
        const GRID: &[(&str, &str, &str)] =
            &[$(($name, $part, include_str!(concat!("../../../../experiments/verdict/", $name, ".toml"))),)+];
    };
}

grid!(
    "kl_0.03" in MAP,
    "kl_0.1" in MAP,
    "kl_0.3" in MAP,
    "kl_1" in MAP,
    "kl_3" in MAP,
    "sightings" in SPOKE,
    "benign_laws" in SPOKE,
    "verifier" in SPOKE,
    "quantile_sizes" in SPOKE,
    "adam" in SPOKE,
    "responses" in SPOKE,
    "strings" in SPOKE,
);

/// What a quick look takes of the map, and how much of it.
const QUICK: [&str; 2] = ["kl_0.3", "kl_1"];
const QUICK_SETS: [&str; 3] =
    ["replicates=72", "environment.bandit.outcomes=2000", "calibration.rollouts=5000"];

/// An experiment of the grid.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// `map` or `spoke`.
    pub part: &'static str,
    /// The experiment.
    pub scenario: Scenario,
}

impl Sheet {
    /// All of the standard grid; with `quick` a corner of it, with fewer runs and a smaller table. `sets` are `KEY=VALUE` arguments that override.
    ///
    /// # Errors
    /// What is wrong with an override.
    pub fn standard(quick: bool, sets: &[String]) -> Result<Vec<Self>, ConfigError> {
        let mut all = Vec::new();
        for (name, part, text) in GRID.iter().filter(|(name, ..)| !quick || QUICK.contains(name)) {
            let fewer = if quick { &QUICK_SETS[..] } else { &[] };
            let sets: Vec<String> =
                fewer.iter().map(|set| (*set).to_owned()).chain(sets.iter().cloned()).collect();
            let mut loaded = from_bytes(&format!("{name}.toml"), text.as_bytes(), &sets)?;
            if quick {
                corner(&mut loaded);
            }
            all.push(Self { part, scenario: Scenario { name: (*name).to_owned(), loaded } });
        }
        Ok(all)
    }

    /// A file of one's own, as a part of the map.
    pub fn own(scenario: Scenario) -> Self {
        Self { part: MAP, scenario }
    }
}

/// Keeps REINFORCE and GRPO, and exploits of T* and of twice that.
fn corner(loaded: &mut Loaded) {
    loaded.arms.retain(|arm| {
        let axes = Axes::of(&arm.document);
        matches!(axes.trainer.as_str(), "reinforce" | "grpo")
            && axes.size.is_some_and(|size| (0.9..2.1).contains(&size))
    });
    for (index, arm) in loaded.arms.iter_mut().enumerate() {
        arm.index = index;
    }
}

/// Where a cell stands in the grid, all of it worked out from its config.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axes {
    pub trainer: String,
    pub optimizer: &'static str,
    pub error: String,
    pub kl_target: Option<f64>,
    pub mass: Option<f64>,
    pub expected_sightings: Option<f64>,
    pub proxy: Option<f64>,
    /// Proxy over T*.
    pub size: Option<f64>,
    /// Rollouts of a run.
    pub rollouts: f64,
}

impl Axes {
    pub fn of(document: &Document) -> Self {
        let part = document.trainer.part();
        let rollouts = part.steps() as f64 * part.batch() as f64;
        let exploit = document.reward.exploits.first();
        let kl_target = part.kl_target().map(|(_, target)| target);
        let mass = exploit.map(|exploit| exploit.mass.get());
        let proxy = exploit.map(|exploit| exploit.proxy.get());
        Self {
            trainer: trainer(&document.trainer),
            optimizer: part.recipe().map_or("", |recipe| match recipe.optimizer {
                OptimizerSpec::Sgd { .. } => "sgd",
                OptimizerSpec::Adam { .. } => "adam",
            }),
            error: error(&document.reward),
            kl_target,
            mass,
            expected_sightings: mass.map(|mass| mass * rollouts),
            proxy,
            size: bulk(document).and_then(|(mean, sd)| {
                let half = t_star(mass?, kl_target?).ok()?;
                Some((proxy? - mean) / (sd * half.size))
            }),
            rollouts,
        }
    }
}

/// Mean and standard deviation of the benign rewards that can be optimised, where they are normal.
fn bulk(document: &Document) -> Option<(f64, f64)> {
    let EnvironmentSpec::Bandit(bandit) = &document.environment else { return None };
    let DistributionSpec::Normal(law) = &bandit.utility else { return None };
    let is_noise = document.reward.error.is_none() || document.reward.mode == Mode::Fresh;
    let is_whole = bandit.baseline.is_none() && document.reward.placebos.is_empty();
    (is_noise && is_whole).then(|| (law.mean.get(), law.sd.get()))
}

/// `fresh student_t(df=3)`.
fn error(reward: &RewardSection) -> String {
    let Some(law) = &reward.error else { return "none".to_owned() };
    let mode = match reward.mode {
        Mode::Fresh => "fresh",
        Mode::Frozen => "frozen",
    };
    let value = serde_json::to_value(law).unwrap_or_default();
    let usual: Option<DistributionSpec> = serde_json::from_value(serde_json::json!({ law.name(): {} })).ok();
    let usual = usual.and_then(|law| serde_json::to_value(law).ok()).unwrap_or_default();
    let own = value.get(law.name()).and_then(|own| own.as_object()).cloned().unwrap_or_default();
    let settings: Vec<String> = own
        .iter()
        .filter(|(key, value)| usual.get(law.name()).and_then(|usual| usual.get(*key)) != Some(value))
        .map(|(key, value)| match value.as_f64() {
            Some(number) => format!("{key}={number}"),
            None => format!("{key}={value}"),
        })
        .collect();
    match settings.is_empty() {
        true => format!("{mode} {}", law.name()),
        false => format!("{mode} {}({})", law.name(), settings.join(", ")),
    }
}

/// What each arm's cell is called: its trainer, and what else is swept but the audit, which makes no other cell.
pub(super) fn names(scenario: &Scenario) -> Vec<String> {
    let key = |arm: &Arm| {
        let others = arm.keys.iter().zip(&arm.names);
        let own = others.filter(|(key, _)| *key != "trainer" && !key.starts_with("audit"));
        let settings = own.map(|(key, value)| {
            let key = key.rsplit('.').next().unwrap_or(key);
            if value.parse::<f64>().is_ok() { format!(", {key} {value}") } else { format!(", {value}") }
        });
        trainer(&arm.document.trainer) + &settings.collect::<String>()
    };
    let same = |a: &Arm, b: &Arm| {
        (&a.document.trainer, &a.document.reward, &a.document.environment)
            == (&b.document.trainer, &b.document.reward, &b.document.environment)
            && (&a.document.policy, &a.document.calibration) == (&b.document.policy, &b.document.calibration)
    };
    let arms = &scenario.loaded.arms;
    let named: Vec<String> = arms.iter().map(key).collect();
    let number = |(at, name): (usize, &String)| {
        let twice = (0..arms.len()).any(|other| named[other] == *name && !same(&arms[at], &arms[other]));
        let first = (0..=at).find(|earlier| same(&arms[at], &arms[*earlier])).unwrap_or(at);
        if twice { format!("{name} ({})", first + 1) } else { name.clone() }
    };
    named.iter().enumerate().map(number).collect()
}
