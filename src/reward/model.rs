//! One replicate's reward model: the table of utilities and errors, and the noise of a visit.

use super::coupling::couple;
use super::enumerate::{MOST_TRAJECTORIES, enumerate};
use super::error::RewardError;
use super::frozen::FrozenError;
use super::noise::Noise;
use super::phase::Phase;
use super::plant::plant;
use super::sequence::SequenceModel;
use super::{Condition, Mode, RewardSection, Twin};
use crate::distributions::Standardized;
use crate::environments::{Environment, World};
use crate::foundation::rng::SeedTree;
use crate::record::Outcomes;

/// U = V + X of one replicate.
#[derive(Debug)]
pub struct RewardModel {
    kind: Kind,
    /// Number of the first class that is a placebo.
    placebos_from: u32,
    /// Whether there is any.
    placebos: bool,
    /// The cells of which one has to be sampled, where runs are conditioned on that.
    to_sight: Option<Vec<bool>>,
}

#[derive(Debug)]
enum Kind {
    /// Outcomes.
    Table(Box<Listed>),
    /// Trajectories of a process.
    Sequence(Box<SequenceModel>),
}

/// Outcomes of a bandit, with how far an ensemble disagrees on each, and the noise of a visit.
#[derive(Debug)]
struct Listed {
    table: Outcomes,
    disagreement: Option<Vec<f64>>,
    noise: Noise,
    swapped: bool,
}

impl RewardModel {
    /// Draws the replicate's world and adds error, exploits and triggers to it; `twin` says which version.
    pub fn build(
        environment: &dyn Environment,
        section: &RewardSection,
        seeds: &SeedTree,
        twin: Twin,
    ) -> Result<Self, RewardError> {
        let clean;
        let honest = twin == Twin::Placebo;
        let section = if twin == Twin::Clean {
            clean = section.clean();
            &clean
        } else {
            section
        };
        let law =
            section.error.as_ref().map(|e| Standardized::new(e.clone(), section.standardize)).transpose()?;
        let (fresh, frozen) = match section.mode {
            Mode::Fresh => (law, None),
            Mode::Frozen => (None, law.map(|law| FrozenError::new(law, section.ensemble.as_ref(), seeds))),
        };
        let noise = Noise::new(fresh, seeds);
        let planted = section.exploits.len().max(section.triggers.len());
        let mut to_sight = None;
        let mut sight = |table: &Outcomes| {
            to_sight =
                section.condition.map(|Condition::Sighted| section.hack_rule().to_sight(table, planted));
        };
        let kind = match environment.draw(seeds)? {
            World::Table(mut table) => {
                let correlation = section.correlation.get();
                let disagreement =
                    frozen.map(|frozen| freeze(&frozen, correlation, &mut table)).transpose()?.flatten();
                plant(&section.planted(), honest, &mut table, seeds);
                let exploits = if honest { 0 } else { section.exploits.len() };
                section.hack_rule().mark(&mut table, exploits);
                sight(&table);
                let swapped = twin == Twin::Swapped;
                if swapped {
                    swap(&mut table);
                }
                Kind::Table(Box::new(Listed { table, disagreement, noise, swapped }))
            }
            World::Process(process) => {
                let few = environment.cells().filter(|cells| *cells <= MOST_TRAJECTORIES);
                let mut model =
                    SequenceModel::new(process, section, honest, (frozen, noise), few.is_some(), seeds);
                if let Some(cells) = few {
                    let mut known = enumerate(&model, section, cells)?;
                    sight(&known.table);
                    if twin == Twin::Swapped {
                        swap(&mut known.table);
                    }
                    model.know(known);
                }
                if twin == Twin::Swapped {
                    model.swap();
                }
                Kind::Sequence(Box::new(model))
            }
        };
        let placebos_from = match twin {
            Twin::Placebo => 1,
            Twin::Swapped => u32::MAX,
            Twin::Itself | Twin::Clean => planted as u32 + 1,
        };
        let placebos = match twin {
            Twin::Placebo => !section.is_bare(),
            Twin::Swapped => false,
            Twin::Itself | Twin::Clean => !section.placebos.is_empty(),
        };
        Ok(Self { kind, placebos_from, placebos, to_sight })
    }

    /// The exact table, where trajectories are few enough to be listed: under fresh noise its errors are those of exploits and
    /// triggers alone.
    pub fn table(&self) -> Option<&Outcomes> {
        match &self.kind {
            Kind::Table(listed) => Some(&listed.table),
            Kind::Sequence(model) => model.table(),
        }
    }

    /// The trajectories of a process; `None` for a bandit.
    pub fn sequence(&self) -> Option<&SequenceModel> {
        match &self.kind {
            Kind::Table(_) => None,
            Kind::Sequence(model) => Some(model),
        }
    }

    /// Number of prompts that rollouts answer in training, the first of the table's.
    pub fn trained_prompts(&self, table: &Outcomes) -> usize {
        self.sequence().map_or(table.prompts, |model| model.process().trained())
    }

    /// Standard deviation over an ensemble's members of the proxy of `cell`; `None` for a single reward model.
    pub fn disagreement(&self, cell: usize) -> Option<f64> {
        match &self.kind {
            Kind::Table(listed) => listed.disagreement.as_ref().map(|column| column[cell]),
            Kind::Sequence(model) => model.disagreement(cell),
        }
    }

    /// The cells of which one has to be sampled in training; `None` where runs are taken as they come.
    pub fn to_sight(&self) -> Option<&[bool]> {
        self.to_sight.as_deref()
    }

    /// Whether placebos are planted.
    pub fn has_placebos(&self) -> bool {
        self.placebos
    }

    /// Whether a planted class is a placebo: judged rightly.
    pub fn is_placebo(&self, class: u32) -> bool {
        class >= self.placebos_from
    }

    /// V and X of the rollouts with these numbers, which sampled these cells of the table.
    pub fn visits(&self, cells: &[usize], rollouts: &[u64], phase: Phase) -> (Vec<f64>, Vec<f64>) {
        let (table, noise, swapped) = match &self.kind {
            Kind::Table(listed) => (Some(&listed.table), &listed.noise, listed.swapped),
            Kind::Sequence(model) => (model.table(), &model.noise, model.swapped),
        };
        let own = |column: fn(&Outcomes) -> &Vec<f64>| match table {
            Some(table) => {
                let column = column(table);
                cells.iter().map(|&cell| column[cell]).collect()
            }
            None => vec![0.0; cells.len()],
        };
        let (mut utility, mut error): (Vec<f64>, Vec<f64>) = (own(|t| &t.utility), own(|t| &t.error));
        if !noise.is_silent() {
            let disturbed = if swapped { &mut utility } else { &mut error };
            for (value, &rollout) in disturbed.iter_mut().zip(rollouts) {
                *value += noise.draw(rollout, phase);
            }
        }
        (utility, error)
    }
}

/// Exchanges V and X.
fn swap(table: &mut Outcomes) {
    std::mem::swap(&mut table.utility, &mut table.error);
    table.hack.fill(false);
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
