//! The folder of a benchmark or a verdict: which scenarios it is for, and who is at work there.

use super::scenario::Scenario;
use crate::experiment::begin::{Asked, begin};
use crate::experiment::error::ExperimentError;
use crate::experiment::plan::runs::Planned;
use crate::experiment::store::occupied::{Description, Held};
use crate::experiment::store::{Store, StoreError, write_atomic};
use crate::experiment::work::Options;
use crate::foundation::presence;
use crate::record::benchmark::{AlertRow, BaseRateRow, CalibrationRow, CaughtRow, GuardRow, RankingRow};
use crate::record::endpoint::{EndingRow, HarmRow};
use crate::record::folder::{PLAN, SCENARIOS};
use crate::record::verdict::{AnswerRow, CellRow, EndsRow, TrainerRow};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What is made of the scenarios that a folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::experiment::judging) enum Kind {
    /// A benchmark.
    Benchmark,
    /// A verdict.
    Verdict,
}

/// What both make.
const BY_BOTH: &str = EndingRow::FILE;

impl Kind {
    const ALL: [Self; 2] = [Self::Benchmark, Self::Verdict];

    /// Its tables and pages, but for [`BY_BOTH`].
    fn made(self) -> &'static [&'static str] {
        match self {
            Self::Benchmark => &[
                HarmRow::FILE,
                RankingRow::FILE,
                BaseRateRow::FILE,
                CalibrationRow::FILE,
                CaughtRow::FILE,
                AlertRow::FILE,
                GuardRow::FILE,
                "leaderboard.html",
                "leaderboard.md",
            ],
            Self::Verdict => &[
                CellRow::FILE,
                AnswerRow::FILE,
                EndsRow::FILE,
                TrainerRow::FILE,
                "verdict.html",
                "verdict.md",
            ],
        }
    }
}

/// A folder, and what it is for.
pub(in crate::experiment::judging) struct Place<'a> {
    out: &'a Path,
    kind: Kind,
    names: Vec<String>,
    text: String,
}

/// A scenario as its folder tells it.
#[derive(Serialize)]
struct Told<'a> {
    scenario: &'a str,
    runs: usize,
    /// Hash of the identities of all that is judged.
    plan: String,
}

/// The name alone, whatever else is told.
#[derive(Deserialize)]
struct Named {
    scenario: String,
}

impl<'a> Place<'a> {
    /// `out` for these plans; nothing is written yet.
    ///
    /// # Errors
    /// The plans cannot be written as text.
    pub fn of(
        out: &'a Path,
        kind: Kind,
        plans: &[(&Scenario, Vec<Planned>)],
    ) -> Result<Self, ExperimentError> {
        let mut told = Vec::with_capacity(plans.len());
        for (scenario, runs) in plans {
            let mut hasher = blake3::Hasher::new();
            for (_, id) in runs.iter().flat_map(Planned::judgements) {
                hasher.update(id.as_bytes());
            }
            let plan = hasher.finalize().to_hex().to_string();
            told.push(Told { scenario: &scenario.name, runs: runs.len(), plan });
        }
        let text = serde_json::to_string_pretty(&told)
            .map_err(|e| ExperimentError::Describe { file: SCENARIOS, problem: e.to_string() })?;
        let names = plans.iter().map(|(scenario, _)| scenario.name.clone()).collect();
        Ok(Self { out, kind, names, text })
    }

    /// Looks at what is there of all plans, then holds the folder for them.
    ///
    /// # Errors
    /// As [`begin`]; other scenarios are at work there, or others alone are finished.
    pub fn begin(
        &self,
        plans: &[(&Scenario, Vec<Planned>)],
        store: &Store,
        options: &Options,
        stop: &AtomicBool,
    ) -> Result<Held, ExperimentError> {
        let asked: Vec<Asked<'_>> = plans
            .iter()
            .map(|(scenario, runs)| Asked { scenario: Some(&scenario.name), loaded: &scenario.loaded, runs })
            .collect();
        let hold = || {
            // Of a run.
            let plan = self.out.join(PLAN);
            if presence::is_there(&plan).map_err(StoreError::io("look at", &plan))? || self.is_of_others()? {
                return Err(StoreError::Taken { out: self.out.to_owned() }.into());
            }
            Ok(Held::take(self.out, Description(&self.own()), || self.describe())?)
        };
        begin(&asked, store, options, stop, hold).map(|(_, held)| held)
    }

    /// Whether results lie there that are not of these scenarios: of the other kind, or of a config that is none of these. Those of a
    /// scenario with other detectors, or more replicates, are made anew.
    fn is_of_others(&self) -> Result<bool, StoreError> {
        let has = |kind: Kind| {
            kind.made().iter().try_fold(false, |has, file| {
                let path = self.out.join(file);
                Ok(has || presence::is_there(&path).map_err(StoreError::io("look at", &path))?)
            })
        };
        for kind in Kind::ALL {
            if kind != self.kind && has(kind)? {
                return Ok(true);
            }
        }
        let path = self.out.join(SCENARIOS);
        let told = match fs::read(&path) {
            Ok(told) => told,
            Err(error) if presence::is_absence(&error) => return Ok(false),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        // What cannot be read names nobody.
        let told: Vec<Named> = serde_json::from_slice(&told).unwrap_or_default();
        let is_known = told.is_empty() || told.iter().any(|one| self.names.contains(&one.scenario));
        Ok(!is_known && has(self.kind)?)
    }

    /// What lies there of other scenarios goes, before these are named: tables are made anew of the records.
    fn describe(&self) -> Result<(), StoreError> {
        for file in Kind::ALL.iter().flat_map(|kind| kind.made()).chain([&BY_BOTH]) {
            let path = self.out.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        write_atomic(&self.out.join(SCENARIOS), self.text.as_bytes())
    }

    /// Whether the folder is still for these plans.
    ///
    /// # Errors
    /// Others have taken it over.
    pub fn check(&self, held: &Held) -> Result<(), StoreError> {
        held.check(self.out, Description(&self.own()))
    }

    fn own(&self) -> [(&'static str, &str); 1] {
        [(SCENARIOS, &self.text)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::plan::runs::plan;
    use crate::policies::Backend;

    /// Two benchmarks, or verdicts, would write over each other's tables.
    #[test]
    fn other_scenarios_are_kept_out_and_the_same_are_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("bench");
        let scenarios = Scenario::standard(true, &[]).unwrap();
        let planned = |some: &[usize]| -> Vec<(&Scenario, Vec<Planned>)> {
            let of =
                |at: &usize| (&scenarios[*at], plan(&scenarios[*at].loaded, &Backend::default()).unwrap());
            some.iter().map(of).collect()
        };
        let options = Options {
            out: out.clone(),
            threads: 1,
            fail_fast: false,
            backend: Backend::default(),
            part: Default::default(),
            allow_mixed: false,
        };
        let store = Store::of([out.join("records").as_path()]);
        let begin = |some: &[usize], stopped: bool| {
            let plans = planned(some);
            let place = Place::of(&out, Kind::Benchmark, &plans).unwrap();
            place.begin(&plans, &store, &options, &AtomicBool::new(stopped))
        };
        assert!(begin(&[0], true).unwrap_err().is_stop());
        assert!(!out.exists(), "a call that is stopped while it looks changes nothing");
        let first = begin(&[0], false).unwrap();
        let second = begin(&[0], false).unwrap();
        let refused = begin(&[0, 1], false).unwrap_err();
        assert!(matches!(refused, ExperimentError::Store(StoreError::Occupied { .. })), "{refused}");
        assert!(refused.is_refusal());
        drop((first, second));
        // Tables of other scenarios do not stay under the name of these, and a run is no benchmark.
        fs::write(out.join(HarmRow::FILE), "of the first").unwrap();
        fs::write(out.join(PLAN), "of a run").unwrap();
        let refused = begin(&[0, 1], false).unwrap_err();
        assert!(matches!(refused, ExperimentError::Store(StoreError::Taken { .. })), "{refused}");
        assert!(out.join(HarmRow::FILE).exists());
        fs::remove_file(out.join(PLAN)).unwrap();
        let third = begin(&[0, 1], false).unwrap();
        assert!(!out.join(HarmRow::FILE).exists());
        let (own, other) = (planned(&[0, 1]), planned(&[0]));
        assert!(Place::of(&out, Kind::Benchmark, &own).unwrap().check(&third).is_ok());
        assert!(Place::of(&out, Kind::Benchmark, &other).unwrap().check(&third).is_err());
        drop(third);
        // Results of the other kind, and of other configs alone, are not given up.
        for (file, some) in [(HarmRow::FILE, &[2][..]), (CellRow::FILE, &[0, 1])] {
            fs::write(out.join(file), "finished").unwrap();
            let refused = begin(some, false).unwrap_err();
            assert!(matches!(refused, ExperimentError::Store(StoreError::Taken { .. })), "{refused}");
            assert_eq!(fs::read_to_string(out.join(file)).unwrap(), "finished");
        }
        fs::remove_file(out.join(CellRow::FILE)).unwrap();
        assert!(begin(&[1, 2], false).is_ok(), "one of them is there");
    }
}
