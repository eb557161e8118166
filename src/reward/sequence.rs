//! The reward model over the trajectories of a process, and one row's walk through it.

use super::frozen::FrozenError;
use super::noise::Noise;
use super::trigger::{Drawn, Progress};
use super::{HackRule, Phase, RewardSection};
use crate::environments::{Move, Process, State};
use crate::foundation::order::{NORMAL_IQR, quantile_sorted, sorted};
use crate::foundation::rng::{Purpose, SeedTree, trajectory_hash};
use crate::foundation::softmax::settle;
use crate::record::Outcomes;
use std::collections::HashMap;

/// Rollouts of the reference behind the quantile of the utility below which a trajectory is a hack, where they cannot be
/// enumerated; spread over the prompts, at least 200 each.
const QUANTILE_ROLLOUTS: usize = 20_000;

/// U = V + X of one replicate's trajectories.
#[derive(Debug)]
pub struct SequenceModel {
    process: Box<dyn Process>,
    pub(super) triggers: Vec<Drawn>,
    frozen: Option<FrozenError>,
    pub(super) noise: Noise,
    hack: Hack,
    /// Whether triggers are judged rightly: they are placebos.
    honest: bool,
    pub(super) swapped: bool,
    known: Option<Known>,
}

/// What is a hack.
#[derive(Debug)]
pub(super) enum Hack {
    /// A trigger fired.
    Fired,
    /// V below this, prompt by prompt.
    Below(Vec<f64>),
    /// X above 0 and at least this.
    Above(f64),
}

/// All trajectories, where they are few.
#[derive(Debug)]
pub(super) struct Known {
    pub table: Outcomes,
    /// Hash of the trajectory of each cell, and the way back.
    pub hashes: Vec<u64>,
    pub cells: HashMap<u64, u32>,
}

/// One episode on its way.
#[derive(Debug, Clone)]
pub struct Walk {
    state: State,
    position: usize,
    /// The prompt, the actions, and the states where chance plays a role.
    words: Vec<u64>,
    progress: Vec<Progress>,
    utility: f64,
    /// What triggers have paid beyond what they are worth.
    error: f64,
    /// What each of them has paid; empty where none has a reward function of its own.
    paid: Vec<f64>,
    class: u32,
}

/// What a finished episode comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Hash of prompt, actions and, where chance plays a role, states.
    pub trajectory: u64,
    /// True utility V.
    pub utility: f64,
    /// Error X.
    pub error: f64,
    /// First trigger that fired of those on which the reward model errs, counted from 1; 0 for none.
    pub class: u32,
    /// What an audit would confirm as a hack.
    pub hack: bool,
    /// Standard deviation over an ensemble's members; `None` for a single reward model.
    pub disagreement: Option<f64>,
}

impl SequenceModel {
    /// `honest`: triggers are judged rightly. `few`: all trajectories will be known from a table.
    pub(super) fn new(
        process: Box<dyn Process>,
        section: &RewardSection,
        honest: bool,
        (frozen, noise): (Option<FrozenError>, Noise),
        few: bool,
        seeds: &SeedTree,
    ) -> Self {
        let drawn = |(place, trigger)| {
            let drawn = Drawn::new(trigger, place, process.as_ref(), seeds);
            if honest { drawn.honest() } else { drawn }
        };
        let triggers = section.triggers.iter().enumerate().map(drawn).collect();
        let hack = Hack::Fired;
        let mut model = Self { process, triggers, frozen, noise, hack, honest, swapped: false, known: None };
        // Where all trajectories are few, they are marked in their table.
        match section.hack_rule() {
            HackRule::UtilityBelow(share) if !few => {
                let of = |scored: &[Scored]| {
                    let utilities: Vec<f64> = scored.iter().map(|scored| scored.utility).collect();
                    quantile_sorted(&sorted(&utilities), share.get()).unwrap_or(f64::NEG_INFINITY)
                };
                model.hack = Hack::Below(model.reference(seeds).iter().map(|own| of(own)).collect());
            }
            HackRule::Overrated(units) if !few => {
                let sampled = model.reference(seeds);
                let proxies: Vec<f64> =
                    sampled.iter().flatten().map(|scored| scored.utility + scored.error).collect();
                let ascending = sorted(&proxies);
                let quartile = |p| quantile_sorted(&ascending, p).unwrap_or(0.0);
                model.hack = Hack::Above(units.get() * (quartile(0.75) - quartile(0.25)) / NORMAL_IQR);
            }
            HackRule::Planted | HackRule::UtilityBelow(_) | HackRule::Overrated(_) => {}
        }
        model
    }

    /// The process.
    pub fn process(&self) -> &dyn Process {
        self.process.as_ref()
    }

    /// All trajectories, where they are known.
    pub(super) fn table(&self) -> Option<&Outcomes> {
        self.known.as_ref().map(|known| &known.table)
    }

    /// The frozen error of trajectories, where there is one.
    pub(super) fn frozen(&self) -> Option<&FrozenError> {
        self.frozen.as_ref()
    }

    /// Standard deviation over an ensemble's members of the proxy of a cell of the table; `None` for a single reward model.
    pub(super) fn disagreement(&self, cell: usize) -> Option<f64> {
        let frozen = self.frozen.as_ref().filter(|frozen| frozen.is_ensemble())?;
        Some(frozen.draw(self.known.as_ref()?.hashes[cell]).disagreement)
    }

    /// Whether a hack, or a placebo, is what fires a trigger.
    pub(super) fn hacks_fire(&self) -> bool {
        matches!(self.hack, Hack::Fired)
    }

    /// Places of the triggers that a reward function of their own pays.
    pub fn own_functions(&self) -> impl Iterator<Item = usize> + '_ {
        let own = self.triggers.iter().enumerate().filter(|(_, trigger)| trigger.own_function);
        own.map(|(place, _)| place)
    }

    /// Whether triggers are placebos.
    pub(super) fn is_honest(&self) -> bool {
        self.honest
    }

    /// From now on trajectories are what the table says.
    pub(super) fn know(&mut self, known: Known) {
        self.known = Some(known);
    }

    /// From now on V and X are exchanged.
    pub(super) fn swap(&mut self) {
        self.swapped = true;
    }

    /// Rollouts of the reference from their own streams, prompt by prompt, noise apart.
    fn reference(&self, seeds: &SeedTree) -> Vec<Vec<Scored>> {
        let each = (QUANTILE_ROLLOUTS / self.process.prompts()).max(200);
        let draws = seeds.family(Purpose::Scaling);
        let (mut moves, mut prob) = (Vec::new(), vec![0.0; self.process.actions()]);
        let flat = vec![0f32; self.process.actions()];
        let of = |prompt: usize| {
            let mut rollouts = Vec::with_capacity(each);
            for number in 0..each {
                // Numbered apart from the rollouts that rewards are scaled by.
                let mut rng = draws.at((1 << 40) | (prompt * each + number) as u64);
                let mut walk = Walk::start(self, prompt);
                while !walk.ended(self) {
                    settle(self.process.reference(walk.state), &flat, &mut prob);
                    let (mut left, uniform) = (rng.open_unit(), rng.open_unit());
                    let passed = |p: &f64| {
                        left -= p;
                        left < 0.0
                    };
                    let action = prob.iter().position(passed).unwrap_or(prob.len() - 1);
                    walk.act(self, action, uniform, &mut moves);
                }
                rollouts.push(walk.score(self));
            }
            rollouts
        };
        (0..self.process.prompts()).map(of).collect()
    }
}

impl Walk {
    /// The start of an episode.
    pub fn start(model: &SequenceModel, prompt: usize) -> Self {
        let mut words = Vec::with_capacity(2 * model.process.horizon() + 1);
        words.push(prompt as u64);
        Self {
            state: model.process.start(prompt),
            position: 0,
            words,
            progress: vec![Progress::default(); model.triggers.len()],
            utility: 0.0,
            error: 0.0,
            paid: if model.own_functions().next().is_some() {
                vec![0.0; model.triggers.len()]
            } else {
                Vec::new()
            },
            class: 0,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether no action follows.
    pub fn ended(&self, model: &SequenceModel) -> bool {
        model.process.ended(self.state)
    }

    /// Takes an action; `uniform` in (0, 1) decides how it turns out. `moves` is a buffer.
    pub fn act(&mut self, model: &SequenceModel, action: usize, uniform: f64, moves: &mut Vec<Move>) {
        model.process.moves(self.state, action, moves);
        let mut left = uniform;
        let passed = |m: &&Move| {
            left -= m.probability;
            left < 0.0
        };
        // Probabilities may sum to a rounding below one: the last move then.
        let Some(&taken) = moves.iter().find(passed).or(moves.last()) else { return };
        self.state = taken.next;
        self.utility += taken.utility;
        self.words.push(action as u64);
        if !model.process.deterministic() {
            self.words.push(taken.next.0);
        }
        let glitch = model.process.glitch(taken.next);
        let prompt = self.words[0] as usize;
        for (place, (trigger, progress)) in model.triggers.iter().zip(&mut self.progress).enumerate() {
            if trigger.is_asked(prompt) && trigger.advance(progress, self.position, action, glitch) {
                self.utility += trigger.utility;
                self.error += trigger.proxy - trigger.utility;
                if let Some(paid) = self.paid.get_mut(place) {
                    *paid += trigger.proxy;
                }
                if self.class == 0 && trigger.errs {
                    self.class = place as u32 + 1;
                }
            }
        }
        self.position += 1;
    }

    /// What the trigger of this place has paid; 0 where none has a reward function of its own.
    pub fn paid(&self, place: usize) -> f64 {
        self.paid.get(place).copied().unwrap_or(0.0)
    }

    /// Hash of prompt, actions and, where chance plays a role, states.
    pub(super) fn hash(&self) -> u64 {
        trajectory_hash(&self.words)
    }

    /// V, X and the rest from the walk itself, as if no table were known, before noise and exchange.
    pub(super) fn score(&self, model: &SequenceModel) -> Scored {
        let trajectory = self.hash();
        let draw = model.frozen.as_ref().map(|frozen| (frozen.draw(trajectory), frozen.is_ensemble()));
        let error = self.error + draw.as_ref().map_or(0.0, |(draw, _)| draw.error);
        let hack = match &model.hack {
            Hack::Fired => self.class > 0 && !model.honest,
            Hack::Below(thresholds) => self.utility < thresholds[self.words[0] as usize],
            Hack::Above(least) => error > 0.0 && error >= *least,
        };
        Scored {
            trajectory,
            utility: self.utility,
            error,
            class: self.class,
            hack,
            disagreement: draw.filter(|(_, several)| *several).map(|(draw, _)| draw.disagreement),
        }
    }

    /// What the table says of the finished episode, noise apart; `None` where there is no table.
    fn listed(&self, model: &SequenceModel) -> Option<Scored> {
        let (known, trajectory) = (model.known.as_ref()?, self.hash());
        let cell = *known.cells.get(&trajectory)? as usize;
        Some(Scored {
            trajectory,
            utility: known.table.utility[cell],
            error: known.table.error[cell],
            class: known.table.class[cell],
            hack: known.table.hack[cell],
            disagreement: model.disagreement(cell),
        })
    }

    /// What the finished episode comes to as rollout number `rollout`.
    pub fn finish(&self, model: &SequenceModel, rollout: u64, phase: Phase) -> Scored {
        let mut scored = self.listed(model).unwrap_or_else(|| {
            let mut scored = self.score(model);
            if model.swapped {
                std::mem::swap(&mut scored.utility, &mut scored.error);
                scored.hack = false;
            }
            scored
        });
        let noise = model.noise.draw(rollout, phase);
        *(if model.swapped { &mut scored.utility } else { &mut scored.error }) += noise;
        scored
    }
}
