//! The only training loop: snapshot → rollout → credit → audit → respond → update. Deployment goes on without the update.
//!
//! A track is a course through training together with all audits that have left it the same so far. At a step at which some of
//! them ask for another update, it splits.

use super::arena::{self, Arena};
use super::checkpoint::{Checkpoints, Partial};
use super::error::TrainError;
use super::responding::{Past, Responder};
use super::setting::{Audited, Setting};
use super::sighting::Way;
use super::step_row::row;
use super::trained::{Final, Trained};
use crate::audit::response::Treatment;
use crate::config::CalibrationSection;
use crate::experiment::auditing::Calibration;
use crate::record::tables::StepBody;
use crate::rollout::{Batch, Steer};
use std::sync::Arc;

/// A course through training, as far as it came.
pub(super) struct Track<'a> {
    setting: Setting<'a>,
    arena: Box<dyn Arena + 'a>,
    run: Partial,
    way: Way,
    deployed: bool,
    /// Whether there is room for all rollouts.
    roomy: bool,
    followers: Vec<Follower<'a>>,
}

/// One of the audits that a track is trained under, or none.
struct Follower<'a> {
    /// Its place among those asked for.
    number: usize,
    responder: Option<Responder<'a>>,
    /// Steps between the points that its response may go back to.
    restore_every: Option<u64>,
}

/// What an audit asks for at a step.
#[derive(PartialEq)]
struct Effect {
    treatment: Treatment,
    /// The point that the policy goes back to, by its place.
    back: Option<usize>,
}

impl<'a> Track<'a> {
    /// A run where it is, under these audits; those that cannot act on it are lost.
    pub fn start(
        setting: Setting<'a>,
        audits: &[(usize, Option<Audited<'a>>)],
        run: Partial,
        way: Way,
        lost: &mut Vec<(usize, TrainError)>,
    ) -> Result<Self, TrainError> {
        let mut arena = arena::enter(setting)?;
        if !run.so_far.steps.is_empty() {
            arena.restore(&run.arena)?;
        }
        let mut followers = Vec::with_capacity(audits.len());
        let mut known: Option<(&CalibrationSection, Arc<Calibration>)> = None;
        for (number, audited) in audits {
            let Some(audited) = *audited else {
                followers.push(Follower { number: *number, responder: None, restore_every: None });
                continue;
            };
            let section = audited.calibration;
            let calibration = match &known {
                Some((own, calibration)) if *own == section => Arc::clone(calibration),
                _ => Arc::new(arena::calibration(setting, section.rollouts.get() as usize, section.vetted)),
            };
            known = Some((section, Arc::clone(&calibration)));
            let opened = Responder::open(&setting, audited, calibration)
                .and_then(|mut own| own.catch_up(&run.so_far).map(|()| own));
            match opened {
                Ok(responder) => {
                    let restore_every = audited.section.response.part().restore_every();
                    followers.push(Follower { number: *number, responder: Some(responder), restore_every });
                }
                Err(problem) => lost.push((*number, problem)),
            }
        }
        Ok(Self { setting, arena, run, way, deployed: false, roomy: false, followers })
    }

    /// Takes a step. What splits off is given back; an audit that cannot go on is lost.
    pub fn step(&mut self, step: u64, lost: &mut Vec<(usize, TrainError)>) -> Result<Vec<Self>, TrainError> {
        if self.is_over() {
            return Ok(Vec::new());
        }
        self.deploy(step)?;
        if self.followers.iter().any(|own| own.restore_every.is_some_and(|every| step.is_multiple_of(every)))
        {
            self.run.points.push((step, self.arena.save()?));
        }
        let mut batch = self.sample(step)?;
        if let Some(&value) = batch.observed.proxy.iter().find(|u| !u.is_finite()) {
            return Err(TrainError::Proxy { step, value });
        }
        let now = self.arena.expectations(&batch);
        self.arena.credit(&mut batch);
        let row = row(step, &batch, &now, self.arena.coefficient(), &mut self.run.influence);
        let mut asked: Vec<(Effect, Vec<Follower<'a>>)> = Vec::new();
        for mut follower in std::mem::take(&mut self.followers) {
            match follower.effect(step, &batch, &self.run, self.deployed) {
                Ok(effect) => match asked.iter_mut().find(|(own, _)| *own == effect) {
                    Some((_, all)) => all.push(follower),
                    None => asked.push((effect, vec![follower])),
                },
                Err(problem) => lost.push((follower.number, problem)),
            }
        }
        let mut asked = asked.into_iter();
        let Some((effect, followers)) = asked.next() else { return Ok(Vec::new()) };
        let mut split = Vec::new();
        for (effect, followers) in asked {
            let (mut own, batch) = self.fork(step)?;
            own.followers = followers;
            own.update(batch, row.clone(), &effect, now.kl)?;
            split.push(own);
        }
        self.followers = followers;
        self.update(batch, row, &effect, now.kl)?;
        Ok(split)
    }

    /// Whether no audit goes on with it.
    pub fn is_over(&self) -> bool {
        self.followers.is_empty()
    }

    /// Whether an audit goes on with it.
    pub fn is_of(&self, number: usize) -> bool {
        self.followers.iter().any(|own| own.number == number)
    }

    /// ln P(no hack in the batch) of each step of a course that never samples one; nothing of any other.
    pub fn unseen(&self) -> &[f64] {
        match &self.way {
            Way::Away(unseen) => unseen,
            Way::Free | Way::To(_) => &[],
        }
    }

    /// Keeps it as it is after a step.
    pub fn keep(&mut self, checkpoints: &Checkpoints<'_>, step: u64) -> Result<(), TrainError> {
        self.run.arena = self.arena.save()?;
        checkpoints.save(&self.run).map_err(|e| TrainError::Checkpoint { step, problem: e.to_string() })
    }

    /// What it leaves, with the audits that were trained under.
    pub fn finish(mut self) -> Result<(Trained, Vec<(usize, Responder<'a>)>), TrainError> {
        self.run.so_far.policy = self.setting.keeps_policy().then(|| self.arena.frozen()).flatten();
        self.run.so_far.last = Final { sighting: self.run.so_far.last.sighting, ..self.arena.last()? };
        let audits = self.followers.into_iter().filter_map(|own| Some((own.number, own.responder?)));
        Ok((self.run.so_far, audits.collect()))
    }

    /// Deploys the policy once training is over.
    fn deploy(&mut self, step: u64) -> Result<(), TrainError> {
        let due = |_: &_| step >= self.setting.trainer.part().steps() && !self.deployed;
        if let Some(deployment) = self.setting.deployment.filter(due) {
            self.arena.deploy(&deployment.shift)?;
            self.deployed = true;
        }
        Ok(())
    }

    fn sample(&mut self, step: u64) -> Result<Batch, TrainError> {
        let size = self.setting.trainer.part().batch();
        let (first, steer) = (step * size as u64, self.way.steer(step));
        match steer {
            Steer::Away | Steer::Into(_) if !self.deployed => {
                let (batch, unseen) =
                    self.arena.steered((step, first, size), steer).ok_or(TrainError::Unsteered)?;
                self.way.note(unseen);
                Ok(batch)
            }
            _ => Ok(self.arena.batch(step, first, size)?),
        }
    }

    /// The same run once more, up to the update of a step that was sampled already, with that step's batch.
    fn fork(&self, step: u64) -> Result<(Self, Batch), TrainError> {
        let mut arena = arena::enter(self.setting)?;
        arena.restore(&self.arena.save()?)?;
        let (run, way) = (self.run.clone(), self.way.clone());
        let mut own = Self {
            setting: self.setting,
            arena,
            run,
            way,
            deployed: false,
            roomy: false,
            followers: Vec::new(),
        };
        own.deploy(step)?;
        let mut batch = own.sample(step)?;
        own.way = self.way.clone();
        own.arena.credit(&mut batch);
        Ok((own, batch))
    }

    /// Moves the policy as an audit asks for, and takes the step's rollouts over.
    fn update(
        &mut self,
        batch: Batch,
        mut row: StepBody,
        effect: &Effect,
        kl: f64,
    ) -> Result<(), TrainError> {
        let treatment = &effect.treatment;
        if let Some(keep) = &treatment.keep {
            let removed = |hack: bool| {
                let rows = keep.iter().zip(&batch.truth.hack);
                rows.filter(|(keep, own)| !**keep && **own == hack).count() as u64
            };
            (row.removed, row.removed_honest) = (removed(true) + removed(false), removed(false));
        }
        if let Some((_, point)) = effect.back.and_then(|place| self.run.points.get(place)) {
            self.arena.restore(point)?;
        } else if !self.deployed && !treatment.stop {
            self.arena.update(&batch, treatment, kl)?;
            row.clip_fraction = self.arena.clip_fraction();
        }
        self.run.so_far.steps.push(row);
        let so_far = &mut self.run.so_far;
        so_far.observed.append(batch.observed);
        so_far.truth.append(batch.truth);
        if !self.roomy {
            let rest = (self.setting.planned().0 as usize).saturating_sub(so_far.observed.len());
            so_far.observed.reserve(rest);
            so_far.truth.reserve(rest);
            self.roomy = true;
        }
        Ok(())
    }
}

impl Follower<'_> {
    /// Audits a step's batch, and says what is to change in its update.
    fn effect(
        &mut self,
        step: u64,
        batch: &Batch,
        run: &Partial,
        deployed: bool,
    ) -> Result<Effect, TrainError> {
        let rows = run.so_far.observed.len();
        let past = Past { observed: &run.so_far.observed, truth: &run.so_far.truth, rows };
        let treatment = match &mut self.responder {
            Some(responder) => responder.step(step, batch, past)?,
            None => Treatment::default(),
        };
        let is_own = |point: u64| self.restore_every.is_some_and(|every| point.is_multiple_of(every));
        let last = |to: u64| run.points.iter().rposition(|(point, _)| *point <= to && is_own(*point));
        let back = treatment.back_to.filter(|_| !deployed).and_then(last);
        Ok(Effect { treatment, back })
    }
}
