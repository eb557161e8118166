//! The grid: experiments like any other, kept in `experiments/verdict/`, and what tells their cells apart.

use crate::config::{Arm, ConfigError, Document, Loaded, from_bytes};
use crate::distributions::{Distribution, DistributionSpec};
use crate::environments::EnvironmentSpec;
use crate::experiment::benchmark::Scenario;
use crate::experiment::judging::benchmark::scenario::trainer;
use crate::foundation::special::normal_sf;
use crate::record::verdict::{MAP, SPOKE};
use crate::reward::{Mode, RewardSection};
use crate::theory::frontier::t_star;
use crate::trainers::OptimizerSpec;
use std::f64::consts::TAU;

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
    "light_tails" in SPOKE,
    "verifier" in SPOKE,
    "quantile_sizes" in SPOKE,
    "adam" in SPOKE,
    "large_steps" in SPOKE,
    "responses" in SPOKE,
    "both_lists_0.1" in SPOKE,
    "both_lists_1" in SPOKE,
    "strings" in SPOKE,
);

/// What a quick look takes of the map, and how much of it: as few runs as can say that a cell holds, and a smaller table.
const QUICK: [&str; 2] = ["kl_0.3", "kl_1"];
const QUICK_SETS: [&str; 3] =
    ["replicates=72", "environment.bandit.outcomes=1000", "calibration.rollouts=5000"];
/// Its trainers, and its sizes: at ten sightings a smaller exploit is seldom learned.
const QUICK_TRAINERS: [&str; 2] = ["reinforce", "grpo"];
const QUICK_SIZE: f64 = 3.0;

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

    /// Whether it asks which list to read, and nothing else is tried in it.
    pub(super) fn compares_lists(&self) -> bool {
        self.scenario.name.starts_with("both_lists")
    }

    /// A file of one's own: the part of the grid whose name it has, else a part of the map.
    pub fn own(scenario: Scenario) -> Self {
        let known = GRID.iter().find(|(name, ..)| *name == scenario.name);
        Self { part: known.map_or(MAP, |(_, part, _)| part), scenario }
    }
}

/// Keeps what a quick look takes.
fn corner(loaded: &mut Loaded) {
    loaded.arms.retain(|arm| {
        let axes = Axes::of(&arm.document);
        QUICK_TRAINERS.contains(&axes.trainer.as_str()) && axes.size.is_some_and(|size| size >= QUICK_SIZE)
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
    /// Rollouts of the reference, as many as a run has, that are expected to be paid more than the exploit is on average.
    pub benign_above: Option<f64>,
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
                OptimizerSpec::AdamW { .. } => "adamw",
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
            benign_above: bulk(document).zip(proxy).map(|(bulk, proxy)| {
                let noise = document.reward.error.as_ref().map(|law| law.part());
                rollouts * above(bulk, noise, proxy)
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

/// P(V + X > u) of normal benign utilities V with these mean and standard deviation, and noise X beside them: the sum over a grid that is fine
/// and wide enough for the normal factor of the integrand to leave out less than rounding does.
fn above((mean, sd): (f64, f64), noise: Option<&dyn Distribution>, u: f64) -> f64 {
    const STEP: f64 = 0.01;
    let Some(noise) = noise else { return normal_sf((u - mean) / sd) };
    let weigh = |at: i32| {
        let z = f64::from(at) * STEP;
        (-0.5 * z * z).exp() * noise.sf(u - mean - sd * z)
    };
    (-1000..=1000).map(weigh).sum::<f64>() * STEP / TAU.sqrt()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn all() -> Vec<Sheet> {
        Sheet::standard(false, &[]).unwrap()
    }

    #[test]
    fn the_map_is_full_in_trainer_kl_and_size_and_its_sizes_are_those_of_the_theory() {
        let mut cells = BTreeSet::new();
        for sheet in all().iter().filter(|sheet| sheet.part == MAP) {
            for arm in &sheet.scenario.loaded.arms {
                let axes = Axes::of(&arm.document);
                let size = axes.size.unwrap();
                let wanted = [0.5, 1.0, 2.0, 4.0].into_iter().find(|own| (size / own - 1.0).abs() < 1e-3);
                let place = format!("{} {:?}", sheet.scenario.name, axes);
                assert!(wanted.is_some(), "{place}");
                assert!((axes.expected_sightings.unwrap() - 10.0).abs() < 0.01, "{place}");
                assert_eq!(format!("kl_{}", axes.kl_target.unwrap()), sheet.scenario.name);
                assert_eq!((axes.error.as_str(), axes.optimizer), ("fresh student_t(df=3)", "sgd"));
                assert_eq!(arm.document.replicates.get(), 300);
                cells.insert((axes.trainer, sheet.scenario.name.clone(), wanted.unwrap().to_bits()));
            }
        }
        assert_eq!(cells.len(), 5 * 5 * 4, "every combination, once");
    }

    /// Two normal laws add up to one; t(3) beside a normal one by 10⁸ draws of another program.
    #[test]
    fn benign_rewards_above_the_exploit_are_those_of_the_sum() {
        let normal = DistributionSpec::Normal(Default::default());
        for u in [0.0, 1.0, 5.0, 9.0] {
            let want = normal_sf(u / 2f64.sqrt());
            let found = above((0.0, 1.0), Some(normal.part()), u);
            assert!((found / want - 1.0).abs() < 1e-9, "{u}: {found} {want}");
        }
        let cells = |name: &str| -> Vec<f64> {
            let sheets = all();
            let sheet = sheets.iter().find(|sheet| sheet.scenario.name == name).unwrap();
            sheet
                .scenario
                .loaded
                .arms
                .iter()
                .map(|arm| Axes::of(&arm.document).benign_above.unwrap())
                .collect()
        };
        let at_t_star = cells("kl_1")[5];
        assert!((at_t_star - 185.0).abs() < 2.0, "{at_t_star}");
    }

    /// Who reads both lists is tried in cells of the map, on draws of their own.
    #[test]
    fn both_lists_are_tried_in_cells_of_the_map_on_other_draws() {
        let sheets = all();
        let cells = |is: &dyn Fn(&Sheet) -> bool| -> Vec<(Axes, u64)> {
            let arms = sheets.iter().filter(|sheet| is(sheet)).flat_map(|sheet| &sheet.scenario.loaded.arms);
            arms.map(|arm| (Axes::of(&arm.document), arm.document.seed)).collect()
        };
        let map = cells(&|sheet| sheet.part == MAP);
        let own = cells(&|sheet| sheet.scenario.name.starts_with("both_lists"));
        assert_eq!(own.len(), 2 * 2 * 4, "trainers, KLs, sizes");
        for (axes, seed) in &own {
            assert!(map.iter().any(|(other, _)| other == axes), "{axes:?}");
            assert!(map.iter().all(|(_, other)| other != seed));
        }
    }

    #[test]
    fn spokes_vary_one_factor() {
        let cells = |name: &str| -> Vec<Axes> {
            let sheets = all();
            let sheet = sheets.iter().find(|sheet| sheet.scenario.name == name).unwrap();
            assert_eq!(sheet.part, SPOKE);
            sheet.scenario.loaded.arms.iter().map(|arm| Axes::of(&arm.document)).collect()
        };
        let sightings = cells("sightings");
        let expected: BTreeSet<u64> =
            sightings.iter().map(|axes| (axes.expected_sightings.unwrap() * 10.0).round() as u64).collect();
        assert_eq!(expected, BTreeSet::from([1, 10, 1000]));
        for axes in
            sightings.iter().chain(&cells("benign_laws")).chain(&cells("adam")).chain(&cells("responses"))
        {
            assert!((axes.size.unwrap() / 2.0 - 1.0).abs() < 1e-3, "{axes:?}");
        }
        for axes in &cells("light_tails") {
            assert!((axes.size.unwrap() - 1.0).abs() < 1e-3 && axes.kl_target == Some(1.0), "{axes:?}");
        }
        assert!(cells("adam").iter().all(|axes| axes.optimizer == "adam"));
        assert!(cells("verifier").iter().all(|axes| axes.size.is_none()), "the bulk is no normal");
        assert!(cells("strings").iter().all(|axes| axes.mass.is_none() && axes.kl_target == Some(1.0)));
        let sheets = all();
        let sheet = sheets.iter().find(|sheet| sheet.scenario.name == "sightings").unwrap();
        assert!(sheet.scenario.loaded.arms.iter().all(|arm| arm.document.reward.condition.is_some()));
    }

    #[test]
    fn arms_that_differ_in_their_response_alone_are_one_cell() {
        for sheet in all() {
            let named = names(&sheet.scenario);
            let distinct: BTreeSet<&String> = named.iter().collect();
            let arms = sheet.scenario.loaded.arms.len();
            let responses = if sheet.scenario.name == "responses" { 6 } else { 1 };
            assert_eq!(distinct.len() * responses, arms, "{named:?}");
        }
    }

    #[test]
    fn every_file_is_in_the_grid() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/verdict");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(files, GRID.iter().map(|(name, ..)| (*name).to_owned()).collect());
    }

    #[test]
    fn a_quick_look_takes_a_corner() {
        let quick = Sheet::standard(true, &[]).unwrap();
        let arms: Vec<usize> = quick.iter().map(|sheet| sheet.scenario.loaded.arms.len()).collect();
        assert_eq!(arms, [2, 2]);
        let few = Sheet::standard(true, &["replicates=3".to_owned()]).unwrap();
        assert!(few.iter().all(|sheet| sheet.scenario.loaded.document.replicates.get() == 3));
    }
}
