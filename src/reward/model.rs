//! One replicate's reward model: the table of utilities and errors, and the noise of a visit.

use super::coupling::couple;
use super::frozen::FrozenError;
use super::plant::plant;
use super::{Mode, RewardSection, Twin};
use crate::distributions::{Distribution, StandardizeError, Standardized};
use crate::environments::{Environment, EnvironmentError};
use crate::foundation::rng::{Family, Purpose, SeedTree};
use crate::record::Outcomes;

/// Why a reward model could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The error's law cannot be standardised as asked.
    #[error("reward.standardize: {0}")]
    Standardize(#[from] StandardizeError),
    /// A frozen error left the range of f64.
    #[error(
        "the error of cell {cell} is {value}: the tail of reward.error overflows; raise its tail index or change the seed"
    )]
    Infinite {
        /// Cell of the table.
        cell: usize,
        /// What was drawn.
        value: f64,
    },
}

/// U = V + X of one replicate.
#[derive(Debug)]
pub struct RewardModel {
    table: Outcomes,
    /// How far an ensemble's members disagree on each cell.
    disagreement: Option<Vec<f64>>,
    noise: Option<Standardized>,
    training: Family,
    calibration: Family,
    swapped: bool,
}

/// What a visit to an outcome gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    /// True utility V.
    pub utility: f64,
    /// Error X.
    pub error: f64,
}

impl Visit {
    /// Proxy reward U = V + X.
    pub fn proxy(self) -> f64 {
        self.utility + self.error
    }
}

/// Whether a visit happens in training or when calibrating, before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A rollout of the policy in training.
    Training,
    /// A rollout of the reference before training.
    Calibration,
}

impl RewardModel {
    /// Draws the replicate's table and adds error and exploits to it; `twin` says which version.
    pub fn build(
        environment: &dyn Environment,
        section: &RewardSection,
        seeds: &SeedTree,
        twin: Twin,
    ) -> Result<Self, RewardError> {
        let clean;
        let section = if twin == Twin::Clean {
            clean = section.clean();
            &clean
        } else {
            section
        };
        let mut table = environment.outcomes(seeds)?;
        let law =
            section.error.as_ref().map(|e| Standardized::new(e.clone(), section.standardize)).transpose()?;
        let (noise, disagreement) = match (section.mode, law) {
            (Mode::Fresh, law) => (law, None),
            (Mode::Frozen, None) => (None, None),
            (Mode::Frozen, Some(law)) => {
                let frozen = FrozenError::new(law, section.ensemble.as_ref(), seeds);
                (None, freeze(&frozen, section.correlation.get(), &mut table)?)
            }
        };
        plant(&section.exploits, &mut table, seeds);
        section.hack_rule().mark(&mut table);
        if twin == Twin::Swapped {
            std::mem::swap(&mut table.utility, &mut table.error);
            table.hack.fill(false);
        }
        Ok(Self {
            table,
            disagreement,
            noise,
            training: seeds.family(Purpose::FreshError),
            calibration: seeds.family(Purpose::CalibrationError),
            swapped: twin == Twin::Swapped,
        })
    }

    /// The exact table: under fresh noise its errors are those of the exploits alone.
    pub fn table(&self) -> &Outcomes {
        &self.table
    }

    /// Standard deviation over an ensemble's members of the proxy of `cell`; `None` for a single reward model.
    pub fn disagreement(&self, cell: usize) -> Option<f64> {
        self.disagreement.as_ref().map(|column| column[cell])
    }

    /// V and X of rollout number `rollout` that sampled `cell`.
    pub fn visit(&self, cell: usize, rollout: u64, phase: Phase) -> Visit {
        let (mut utility, mut error) = (self.table.utility[cell], self.table.error[cell]);
        if let Some(law) = &self.noise {
            let family = match phase {
                Phase::Training => &self.training,
                Phase::Calibration => &self.calibration,
            };
            let noise = law.sample(&mut family.at(rollout));
            // An infinite draw would make the batch's mean infinite too: the largest number stands in for it.
            let noise = noise.clamp(-f64::MAX / 4.0, f64::MAX / 4.0);
            *(if self.swapped { &mut utility } else { &mut error }) += noise;
        }
        Visit { utility, error }
    }
}

/// Gives every cell its fixed error; what comes back is how far an ensemble disagrees on each.
fn freeze(
    frozen: &FrozenError,
    correlation: f64,
    table: &mut Outcomes,
) -> Result<Option<Vec<f64>>, RewardError> {
    let mut disagreement = frozen.is_ensemble().then(|| Vec::with_capacity(table.len()));
    if correlation == 0.0 {
        for (cell, error) in table.error.iter_mut().enumerate() {
            let draw = frozen.draw(cell as u64);
            *error = draw.error;
            if let Some(column) = &mut disagreement {
                column.push(draw.disagreement);
            }
        }
    } else {
        couple(frozen.law(), correlation, table, |cell| frozen.uniform(cell as u64));
    }
    let infinite = |column: &[f64]| {
        let cell = column.iter().position(|x| !x.is_finite())?;
        Some(RewardError::Infinite { cell, value: column[cell] })
    };
    match infinite(&table.error).or_else(|| infinite(disagreement.as_deref().unwrap_or_default())) {
        Some(problem) => Err(problem),
        None => Ok(disagreement),
    }
}
