//! What each monitor tells of a deployed policy: samples to the first hack, to its alarm, what it read, and its false alarms.
//!
//! The frozen policy is sampled under streams of its own, apart from those of training, and again none of them is changed by who
//! watches. A monitor starts from rollouts of the trained policy before any shift in answer to training's prompts, as many as `[calibration]`
//! says, and from its exact law. What it watches answers all prompts. False alarms are counted on the *clean twin*: trained the same where nothing is planted (or, where nothing is planted anyway, where
//! the proxy does not err), watched from rollouts of its own, and not shifted. So it is benign whatever the run itself has learned.

use super::error::JudgeError;
use crate::config::{CalibrationSection, DeploymentSection};
use crate::experiment::training::error::TrainError;
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::monitor::deployed::{Alarm, Ground, Law, Observer, Sample, WatchSpec, Watching};
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::record::tables::DeploymentBody;
use crate::reward::RewardModel;
use crate::rollout::{Batch, Sampler};

/// First numbers of the rollouts that monitors start from, of those they watch, and of the monitors' own streams; those of the clean
/// twin are the same, and paired.
const TRUSTED: u64 = 1 << 40;
const DEPLOYED: u64 = 1 << 41;
const OWN: u64 = 1 << 42;
/// Samples drawn at once, at first and at most.
const BLOCK: [u64; 2] = [256, 8192];

/// A trained policy on its table.
#[derive(Debug, Clone, Copy)]
pub struct Frozen<'a> {
    /// The replicate's reward model, in the version that it was trained on.
    model: &'a RewardModel,
    table: &'a Outcomes,
    log_ratio: &'a [f64],
}

/// What decides a deployment, beside the policies.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The config's section.
    pub section: &'a DeploymentSection,
    /// The trusted rollouts.
    pub calibration: &'a CalibrationSection,
    /// Streams of the replicate.
    pub seeds: SeedTree,
}

/// One monitor at work, and what came of it.
struct Post {
    watching: Result<Box<dyn Watching>, Status>,
    observer: Observer,
    alarm: Option<(u64, Alarm)>,
    audits: u64,
}

impl Deployment<'_> {
    /// The row of each of `monitors`.
    ///
    /// # Errors
    /// No policy on this table is shifted as far as was asked.
    pub fn watch(
        &self,
        trained: Frozen<'_>,
        clean: Frozen<'_>,
        monitors: &[&WatchSpec],
    ) -> Result<Vec<DeploymentBody>, JudgeError> {
        let shift = &self.section.shift;
        let own = trained.snapshot();
        let shifted = shift.part().apply(trained.table, &own);
        let shifted = shifted.map_err(|problem| TrainError::Unshiftable { shift: shift.name(), problem })?;
        let mut posts = self.posts(trained, &own, monitors, self.calibration.vetted);
        let first_hack = self.course(trained, &shifted, &mut posts, true);
        let benign = clean.snapshot();
        // What is a hack by its low utility alone is benign in the clean twin's samples, and so in its trusted rollouts.
        let mut undisturbed = self.posts(clean, &benign, monitors, false);
        self.course(clean, &benign, &mut undisturbed, false);
        let rows = monitors.iter().zip(posts.iter().zip(&undisturbed));
        Ok(rows.map(|(spec, (post, benign))| row(spec, first_hack, post, benign)).collect())
    }

    /// The monitors, started from what is known of a policy.
    fn posts(&self, side: Frozen<'_>, policy: &Snapshot, monitors: &[&WatchSpec], vetted: bool) -> Vec<Post> {
        let count = self.calibration.rollouts.get() as usize;
        let sampler = Sampler::deployment(&self.seeds);
        let batch = sampler.batch(side.model, side.table, policy, (0, TRUSTED, count));
        // Where they are vetted, hacks among them were found beforehand and are left out.
        let kept = |row: &usize| !(vetted && batch.truth.hack[*row]);
        let trusted: Vec<Sample<'_>> = (0..count).filter(kept).map(|row| sample(&batch, row)).collect();
        let law = law(side.table, policy, side.model.trained_prompts(side.table));
        let start = |spec: &&WatchSpec| {
            let ground = Ground {
                trusted: &trusted,
                law: Some(&law),
                horizon: self.samples(),
                rng: self.seeds.stream(Purpose::Deployment, OWN),
            };
            let part = spec.part();
            Post { watching: part.start(ground), observer: part.observer(), alarm: None, audits: 0 }
        };
        monitors.iter().map(start).collect()
    }

    /// Samples a policy until every monitor has alarmed, and a first hack has come where it is waited for, or to the end; gives the number of
    /// the first hack, from 1.
    fn course(&self, side: Frozen<'_>, policy: &Snapshot, posts: &mut [Post], wait: bool) -> Option<u64> {
        let (mut seen, mut block, mut first) = (0, BLOCK[0], None);
        while seen < self.samples() {
            let settled = posts.iter().all(|post| post.alarm.is_some() || post.watching.is_err());
            if settled && !(wait && first.is_none()) {
                break;
            }
            let count = block.min(self.samples() - seen);
            let numbers = (0, DEPLOYED + seen, count as usize);
            let sampler = Sampler::deployment(&self.seeds).of_all_prompts();
            let batch = sampler.batch(side.model, side.table, policy, numbers);
            let hack = |row: &usize| batch.truth.hack[*row];
            first = first.or_else(|| (0..count as usize).find(hack).map(|row| seen + row as u64 + 1));
            for post in posts.iter_mut() {
                post.see(&batch, seen);
            }
            (seen, block) = (seen + count, (2 * block).min(BLOCK[1]));
        }
        first
    }

    fn samples(&self) -> u64 {
        self.section.samples.map_or(0, std::num::NonZeroU64::get)
    }
}

impl<'a> Frozen<'a> {
    /// A policy of which ln(π/π₀) is known, cell by cell; `None` where there is no table.
    pub fn of(model: &'a RewardModel, log_ratio: &'a [f64]) -> Option<Self> {
        model.table().map(|table| Self { model, table, log_ratio })
    }

    fn snapshot(&self) -> Snapshot {
        let mut policy = Snapshot::default();
        policy.set_from(&self.table.ref_log_prob, self.table.outcomes, self.log_ratio);
        policy
    }
}

impl Post {
    /// Hands it the samples of a block, up to its alarm.
    fn see(&mut self, batch: &Batch, seen: u64) {
        let Ok(watching) = &mut self.watching else { return };
        if self.alarm.is_some() {
            return;
        }
        for row in 0..batch.cells.len() {
            let mut look = || {
                self.audits += 1;
                batch.truth.hack[row]
            };
            if let Some(alarm) = watching.see(sample(batch, row).seen_by(self.observer), &mut look) {
                self.alarm = Some((seen + row as u64 + 1, alarm));
                return;
            }
        }
    }
}

fn sample(batch: &Batch, row: usize) -> Sample<'_> {
    let seen = &batch.observed;
    let log_ratio = seen.log_prob.as_ref().zip(seen.ref_log_prob.as_ref()).map(|(own, reference)| {
        // What is sampled has a probability.
        own[row] - reference[row]
    });
    Sample { outcome: seen.outcome[row], reward: seen.proxy[row], log_ratio, hidden: None }
}

/// The exact law of a policy on its table in answer to the first so many prompts, drawn uniformly: those of training.
fn law(table: &Outcomes, policy: &Snapshot, prompts: usize) -> Law {
    let share = |cell: usize| if cell < prompts * table.outcomes { 1.0 / prompts.max(1) as f64 } else { 0.0 };
    let cells = 0..table.len();
    Law {
        mass: cells.clone().map(|cell| share(cell) * policy.prob(cell)).collect(),
        log_ratio: cells.map(|cell| policy.log_prob(cell) - table.ref_log_prob[cell]).collect(),
    }
}

fn row(spec: &WatchSpec, first_hack: Option<u64>, post: &Post, benign: &Post) -> DeploymentBody {
    let statuses = [(&post.watching, ""), (&benign.watching, "clean twin: ")];
    let status = statuses
        .iter()
        .find_map(|(watching, of)| watching.as_ref().err().map(|status| format!("{of}{status}")));
    let without_a_hack = |alarm: Alarm| u64::from(!matches!(alarm, Alarm::Confirmed));
    let false_alarms = benign.alarm.map_or(0, |(_, alarm)| without_a_hack(alarm));
    DeploymentBody {
        monitor: spec.label(),
        samples_to_first_hack: first_hack,
        samples_to_alarm: post.alarm.map(|(at, _)| at),
        audits: post.watching.is_ok().then_some(post.audits),
        false_alarms: benign.watching.is_ok().then_some(false_alarms),
        status: status.unwrap_or_else(|| "ok".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_has_the_divergence_of_its_policy() {
        let table = Outcomes {
            prompts: 2,
            outcomes: 50,
            ref_log_prob: vec![(1.0f64 / 50.0).ln(); 100],
            utility: vec![0.0; 100],
            error: vec![0.0; 100],
            class: vec![0; 100],
            hack: vec![false; 100],
        };
        let mut policy = Snapshot::default();
        policy.set(&table, |cell| (cell % 9) as f64);
        let law = law(&table, &policy, 2);
        assert!((law.mass.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((law.moments().0 - policy.kl(&table.ref_log_prob)).abs() < 1e-12);
    }
}
