//! A contextual bandit: each prompt offers K outcomes with true utilities drawn once per replicate.

use super::{Environment, EnvironmentError, World};
use crate::distributions::{DistributionSpec, Normal};
use crate::foundation::numeric::log_sum_exp;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::Outcomes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// K outcomes for each of C prompts. Memory: 40 bytes a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bandit {
    /// Outcomes K of a prompt.
    #[schemars(range(max = 10_000_000))]
    pub outcomes: NonZeroU32,
    /// Prompts C, drawn uniformly.
    pub contexts: NonZeroU32,
    /// Law of the utility of an outcome.
    pub utility: DistributionSpec,
    /// Law of a prompt's baseline, added to all its utilities; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<DistributionSpec>,
    /// The reference policy π₀, before planted exploits claim their mass.
    pub reference: Reference,
}

/// Where π₀ comes from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Every outcome alike.
    #[default]
    Uniform,
    /// A CSV with a column `log_prob` (nats, any constant offset) and one row an outcome; the same for every prompt.
    File(PathBuf),
}

impl Default for Bandit {
    fn default() -> Self {
        Self {
            outcomes: NonZeroU32::MIN.saturating_add(9_999),
            contexts: NonZeroU32::MIN,
            utility: DistributionSpec::Normal(Normal::default()),
            baseline: None,
            reference: Reference::Uniform,
        }
    }
}

impl Environment for Bandit {
    fn cells(&self) -> Option<usize> {
        (self.outcomes.get() as usize).checked_mul(self.contexts.get() as usize)
    }

    fn files(&self) -> Vec<&Path> {
        match &self.reference {
            Reference::Uniform => Vec::new(),
            Reference::File(path) => vec![path],
        }
    }

    fn draw(&self, seeds: &SeedTree) -> Result<World, EnvironmentError> {
        Ok(World::Table(self.table(seeds)?))
    }
}

impl Bandit {
    /// The replicate's table.
    ///
    /// # Errors
    /// The reference's file cannot be used, or a utility is infinite.
    pub fn table(&self, seeds: &SeedTree) -> Result<Outcomes, EnvironmentError> {
        let (prompts, outcomes) = (self.contexts.get() as usize, self.outcomes.get() as usize);
        let row = match &self.reference {
            Reference::Uniform => vec![-(outcomes as f64).ln(); outcomes],
            Reference::File(path) => read_reference(path, outcomes)?,
        };
        let (draws, baselines) = (seeds.family(Purpose::Utility), seeds.family(Purpose::Baseline));
        let law = self.utility.part();
        let mut utility = Vec::with_capacity(prompts * outcomes);
        for prompt in 0..prompts {
            let baseline =
                self.baseline.as_ref().map_or(0.0, |law| law.part().sample(&mut baselines.at(prompt as u64)));
            for outcome in 0..outcomes {
                let value = baseline + law.sample(&mut draws.at((prompt * outcomes + outcome) as u64));
                if !value.is_finite() {
                    return Err(EnvironmentError::Utility { prompt, outcome, value });
                }
                utility.push(value);
            }
        }
        let cells = prompts * outcomes;
        Ok(Outcomes {
            prompts,
            outcomes,
            ref_log_prob: row.iter().copied().cycle().take(cells).collect(),
            utility,
            error: vec![0.0; cells],
            class: vec![0; cells],
            hack: vec![false; cells],
        })
    }
}

/// Reads and normalises ln π₀ of `expected` outcomes.
fn read_reference(path: &Path, expected: usize) -> Result<Vec<f64>, EnvironmentError> {
    let read = |source| EnvironmentError::ReadReference { path: path.to_owned(), source };
    let fault = |line, problem: String| EnvironmentError::Reference { path: path.to_owned(), line, problem };
    let mut reader = csv::Reader::from_path(path).map_err(read)?;
    let headers = reader.headers().map_err(read)?;
    let Some(column) = headers.iter().position(|name| name.trim() == "log_prob") else {
        let found = headers.iter().collect::<Vec<_>>().join(", ");
        return Err(fault(1, format!("there is no column log_prob; the columns are: {found}")));
    };
    let mut logs = Vec::with_capacity(expected);
    for record in reader.records() {
        let record = record.map_err(read)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = record.get(column).unwrap_or_default().trim();
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => logs.push(value),
            _ => return Err(fault(line, format!("log_prob is '{cell}'; a finite number is needed"))),
        }
    }
    if logs.len() != expected {
        let have = logs.len();
        return Err(fault(
            have as u64 + 1,
            format!("{have} rows, but environment.bandit.outcomes is {expected}"),
        ));
    }
    let total = log_sum_exp(&logs);
    Ok(logs.into_iter().map(|x| x - total).collect())
}
