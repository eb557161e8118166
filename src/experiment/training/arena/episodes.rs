//! A policy that acts step by step in a process. Its expectations are summed over all trajectories where these are few, over
//! states where it remembers nothing else, and are means of a sample otherwise.

use super::contract::{Arena, best_utility, reference_mean, spread, treated};
use super::hold::{Ray, share};
use crate::audit::response::Treatment;
use crate::deployment::ShiftSpec;
use crate::experiment::training::error::TrainError;
use crate::experiment::training::policy_value::Expectations;
use crate::experiment::training::setting::Setting;
use crate::experiment::training::trained::Final;
use crate::foundation::numeric::mean;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::policies::{Memory, Shape, Snapshot};
use crate::reward::{MOST_SUMMED, Propagated, RewardModel, SequenceModel, propagate};
use crate::rollout::{Actor, Batch, Roller, Tape, Tree};
use crate::trainers::{Controller, Experience, Learner, Recipe, SequenceLearner, TrainerError};

/// Rollouts of the reference behind its spread and the scale of shaped rewards, and behind its means where there is no table.
const REFERENCE_ROLLOUTS: usize = 20_000;
/// Rollouts of the final policy, where its expectations cannot be summed.
const FINAL_ROLLOUTS: usize = 4_096;
/// Rollouts after each update by which a KL is held.
const HELD_ROLLOUTS: usize = 512;
/// Up to this many times what a KL may be, rollouts of a policy say at which share of its way it is allowed.
const NEARBY: f64 = 1.5;
/// Times that a policy is brought nearer after an update, at most.
const MOST_ROUNDS: u64 = 32;
/// States, times the progress of triggers, up to which expectations are propagated at every step.
const MOST_STATES: usize = 20_000;

/// The process, the learner in it, and what it did last.
pub(super) struct Episodes<'a> {
    model: &'a RewardModel,
    sequence: &'a SequenceModel,
    learner: SequenceLearner,
    roller: Roller,
    tape: Tape,
    /// The most that KL(π‖π₀) may be, and what rolls out to see what it is.
    held: Option<(f64, Roller)>,
    beside: Tape,
    trainer: &'static str,
    seeds: SeedTree,
    activations: bool,
    /// All trajectories, where there is a table of them, with π on it.
    tree: Option<Tree>,
    log_ratios: Vec<f64>,
    snapshot: Snapshot,
    /// What was summed for the policy that is about to sample.
    known: Known,
    reference: Reference,
}

/// What a network for this process has to take in and give out.
pub(super) fn shape(sequence: &SequenceModel, value: bool) -> Shape {
    let process = sequence.process();
    Shape {
        prompts: process.prompts(),
        symbols: process.symbols(),
        actions: process.actions(),
        horizon: process.horizon(),
        value,
    }
}

/// What can be said of a policy without sampling.
enum Known {
    All(Expectations),
    States(Propagated),
    Nothing,
}

/// Numbers of the reference and of the trajectories.
struct Reference {
    utility: f64,
    proxy: f64,
    proxy_from_hacks: f64,
    loss: f64,
    placebo_loss: f64,
    spread: f64,
    utility_spread: f64,
    proxy_max: f64,
}

impl<'a> Episodes<'a> {
    pub fn new(
        setting: Setting<'a>,
        sequence: &'a SequenceModel,
        mut recipe: Recipe,
    ) -> Result<Self, TrainError> {
        let Setting { model, policy, trainer, seeds, backend, activations, .. } = setting;
        let process = sequence.process();
        let shape = shape(sequence, recipe.objective.value.is_some());
        let unfit = TrainError::Unfit { policy: policy.name(), trainer: trainer.name() };
        let network = match recipe.separate_critic {
            true => policy.apart(&shape, &seeds, backend),
            false => policy.sequence(&shape, &seeds, backend),
        };
        let network = network.ok_or(unfit)?;
        // Held here, by rollouts, which the learner has none of.
        let held = match recipe.objective.kl.controller {
            Controller::Project { target } => {
                recipe.objective.kl.controller = Controller::Fixed;
                Some((target.get(), Roller::apart(&seeds, Purpose::Projection)))
            }
            _ => None,
        };
        let few = model.table().is_some_and(|table| table.len() <= MOST_SUMMED);
        let (reference, proxies) = Reference::of(model, sequence, &seeds);
        Ok(Self {
            model,
            sequence,
            learner: SequenceLearner::new(recipe, network, &proxies)?,
            roller: Roller::training(&seeds, trainer.part().group()),
            tape: Tape::default(),
            held,
            beside: Tape::default(),
            trainer: trainer.name(),
            seeds,
            activations,
            tree: few.then(|| Tree::new(process)),
            log_ratios: Vec::new(),
            snapshot: Snapshot::default(),
            known: Known::Nothing,
            reference,
        })
    }

    /// What can be summed for the policy as it is now.
    fn sum(&mut self) -> Known {
        let policy = self.learner.policy();
        if let (Some(table), Some(tree)) = (self.model.table(), &self.tree) {
            tree.log_ratios(policy, &mut self.log_ratios);
            self.snapshot.set_from(&table.ref_log_prob, table.outcomes, &self.log_ratios);
            let exact = Expectations::enumerated(&self.snapshot, table);
            return Known::All(exact.placebos(&self.snapshot, table, self.model));
        }
        if policy.memory() == Memory::History {
            return Known::Nothing;
        }
        let mut choose = |position: usize, asked: &[(usize, usize)], corrections: &mut Vec<f32>| {
            let prompts: Vec<u32> = asked.iter().map(|(prompt, _)| *prompt as u32).collect();
            let symbols: Vec<u32> = asked.iter().map(|(_, symbol)| *symbol as u32).collect();
            corrections.resize(asked.len() * self.sequence.process().actions(), 0.0);
            policy.begin(&prompts, false);
            // What it remembers is the position and the symbol shown last: what comes before may be anything.
            for _ in 0..=position {
                policy.advance(&symbols, corrections);
            }
        };
        match propagate(self.sequence, MOST_STATES, &mut choose) {
            Some(known) => Known::States(known),
            None => Known::Nothing,
        }
    }

    /// Brings a policy back that has gone further than it may, by rollouts of its own after the update of a step. What is far away is brought back
    /// bit by bit, each time by new rollouts: those of one policy say little of another that is far from it.
    fn hold(&mut self, step: u64) -> Result<(), TrainerError> {
        let Some((most, roller)) = &self.held else { return Ok(()) };
        let actions = self.sequence.process().actions();
        for round in 0..MOST_ROUNDS {
            let first =
                step.saturating_mul(MOST_ROUNDS).saturating_add(round).saturating_mul(HELD_ROLLOUTS as u64);
            let actor = Actor::Fixed(self.learner.policy());
            roller.batch(self.sequence, actor, &mut self.beside, (step, first, HELD_ROLLOUTS), false);
            let ray = Ray::new(&self.beside);
            let now = ray.kl(1.0);
            if now <= *most {
                break;
            }
            let is_near = now <= NEARBY * most;
            let share = if is_near {
                share(*most, |share| ray.kl(share))
            } else {
                share(now / NEARBY, |share| ray.kl(share))
            };
            match self.learner.policy().scale(actions, share as f32) {
                Ok(true) if is_near => break,
                Ok(true) => {}
                Ok(false) => return Err(TrainerError::Unscaled { trainer: self.trainer }),
                Err(_) => return Err(TrainerError::Device { step }),
            }
        }
        Ok(())
    }

    fn settle(known: &Known, batch: &Batch, tape: &Tape, model: &RewardModel) -> Expectations {
        match known {
            Known::All(exact) => *exact,
            Known::States(known) => Expectations::sampled(batch, tape, model).propagated(known),
            Known::Nothing => Expectations::sampled(batch, tape, model),
        }
    }
}

impl Arena for Episodes<'_> {
    fn batch(&mut self, step: u64, first: u64, count: usize) -> Result<Batch, TrainerError> {
        // Before sampling: the activations of the sample are what the update goes back through.
        self.known = self.sum();
        let actor = Actor::Learning(self.learner.policy());
        let rollouts = (step, first, count);
        Ok(self.roller.batch(self.sequence, actor, &mut self.tape, rollouts, self.activations))
    }

    fn expectations(&mut self, batch: &Batch) -> Expectations {
        Self::settle(&self.known, batch, &self.tape, self.model)
    }

    fn credit(&mut self, batch: &mut Batch) {
        let credited = self.learner.credit(&Experience::new(&batch.observed, &self.tape));
        credited.write_to(&mut batch.observed);
    }

    fn update(&mut self, batch: &Batch, treatment: &Treatment, kl: f64) -> Result<(), TrainerError> {
        let experience = Experience::new(&batch.observed, &self.tape);
        match treated(experience, treatment) {
            Some(treated) => {
                self.learner.credit(&treated);
                self.learner.update(&treated, kl)?;
            }
            None => self.learner.update(&experience, kl)?,
        }
        self.hold(batch.observed.step.first().copied().unwrap_or(0))
    }

    fn deploy(&mut self, _: &ShiftSpec) -> Result<(), TrainError> {
        Err(TrainError::Undeployable)
    }

    fn coefficient(&self) -> Option<f64> {
        self.learner.coefficient()
    }

    fn clip_fraction(&self) -> Option<f64> {
        self.learner.clip_fraction()
    }

    fn save(&self) -> Result<Vec<u8>, TrainerError> {
        self.learner.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError> {
        self.learner.restore(state)
    }

    fn frozen(&mut self) -> Option<Vec<f64>> {
        let (table, tree) = (self.model.table()?, self.tree.as_ref()?);
        tree.log_ratios(self.learner.policy(), &mut self.log_ratios);
        // Of trajectories, up to a constant of each prompt.
        self.snapshot.set_from(&table.ref_log_prob, table.outcomes, &self.log_ratios);
        Some((0..table.len()).map(|cell| self.snapshot.log_prob(cell) - table.ref_log_prob[cell]).collect())
    }

    fn last(&mut self) -> Result<Final, TrainerError> {
        let known = self.sum();
        let end = match known {
            Known::All(exact) => exact,
            _ => {
                let roller = Roller::apart(&self.seeds, Purpose::Evaluation);
                let actor = Actor::Fixed(self.learner.policy());
                let batch = roller.batch(self.sequence, actor, &mut self.tape, (0, 0, FINAL_ROLLOUTS), false);
                Self::settle(&known, &batch, &self.tape, self.model)
            }
        };
        Ok(Final {
            policy: end,
            kl_coefficient: self.learner.coefficient(),
            reference_utility: self.reference.utility,
            reference_proxy: self.reference.proxy,
            reference_proxy_from_hacks: self.reference.proxy_from_hacks,
            reference_loss: self.reference.loss,
            reference_placebo_loss: self.reference.placebo_loss,
            best_utility: self.model.table().map(|table| best_utility(table, end.kl)),
            reference_spread: self.reference.spread,
            reference_utility_spread: self.reference.utility_spread,
            proxy_max: self.reference.proxy_max,
            kl_max: None,
            beta_critical: None,
            sighting: None,
        })
    }
}

impl Reference {
    /// Means are summed over the table where there is one; the rest is that of a sample, whose proxies are given too.
    fn of(model: &RewardModel, sequence: &SequenceModel, seeds: &SeedTree) -> (Self, Vec<f64>) {
        let roller = Roller::apart(seeds, Purpose::Scaling);
        let mut tape = Tape::default();
        let batch = roller.batch(sequence, Actor::Reference, &mut tape, (0, 0, REFERENCE_ROLLOUTS), false);
        let (utilities, proxies) = (&batch.truth.utility, &batch.observed.proxy);
        let from_hacks = |hack: &[bool], proxies: &[f64]| -> Vec<f64> {
            hack.iter().zip(proxies).map(|(hack, proxy)| if *hack { *proxy } else { 0.0 }).collect()
        };
        let (utility, proxy, proxy_from_hacks, proxy_max) = match model.table() {
            Some(table) => {
                let all: Vec<f64> = (0..table.len()).map(|cell| table.proxy(cell)).collect();
                let largest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let supplied = reference_mean(table, &from_hacks(&table.hack, &all));
                (reference_mean(table, &table.utility), reference_mean(table, &all), supplied, largest)
            }
            None => {
                let largest = proxies.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let supplied = mean(&from_hacks(&batch.truth.hack, proxies)).unwrap_or(0.0);
                (mean(utilities).unwrap_or(0.0), mean(proxies).unwrap_or(0.0), supplied, largest)
            }
        };
        let spreads = (spread(proxies), spread(utilities));
        let settled = match model.table() {
            Some(table) => {
                let mut reference = Snapshot::default();
                reference.set(table, |_| 0.0);
                Expectations::enumerated(&reference, table).placebos(&reference, table, model)
            }
            None => Expectations::sampled(&batch, &tape, model),
        };
        let own = Self {
            loss: settled.loss.unwrap_or(0.0),
            placebo_loss: settled.placebo_loss.unwrap_or(0.0),
            utility,
            proxy,
            proxy_from_hacks,
            spread: spreads.0,
            utility_spread: spreads.1,
            proxy_max,
        };
        (own, batch.observed.proxy)
    }
}
