//! A policy over the outcomes of a table, in training.
//!
//! Losses are given by their derivatives in ln π of the sampled cells (and in V), worked out in f64 at the current weights;
//! [`crate::trainers::loss`] carries them on to the weights, and burn's optimizer takes the step.

use super::contract::Ground;
use super::experience::Experience;
use super::gradient::GradientLearner;
use super::model::{Fault, Model, Pass, Seen};
use super::network::Network;
use super::recipe::Recipe;
use crate::foundation::numeric::sum;
use crate::policies::{Backend, Kernels, Ray, Snapshot, TabularPolicy, TabularValue};
use crate::trainers::error::TrainerError;
use crate::trainers::loss::advantage::{Baseline, Scale, advantages};
use crate::trainers::loss::compared::compared;
use crate::trainers::loss::estimators::{corrected_slope, estimate, slope};
use crate::trainers::loss::gae::gae;
use crate::trainers::loss::kl::{Estimator, KlPenalty, Place};
use crate::trainers::loss::objective::Credit;
use crate::trainers::loss::projection::share;
use crate::trainers::loss::slopes::{Dense, Gradient, Slopes};
use crate::trainers::loss::surrogate::Surrogate;
use crate::trainers::loss::token_credit::Paid;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;

/// The table's policy and value head, and what the batch under way was credited with.
pub(in crate::trainers) struct Tabular {
    network: Network,
    backend: Backend,
    shape: [usize; 2],
    /// ln π₀ of every cell.
    reference: Vec<f64>,
    /// θ of every cell, as read back.
    theta: Vec<f32>,
    /// V of every prompt, as read back; empty without a value head.
    values: Vec<f32>,
    /// The current policy, unless `stale`.
    policy: Snapshot,
    /// Whether θ has changed since `policy` was made from it.
    stale: bool,
    advantage: Vec<f64>,
    /// What V should have been, one a row.
    target: Vec<f64>,
    /// The rows that count.
    rows: Vec<Row>,
    /// V when the batch was sampled.
    before: Vec<f32>,
}

/// One rollout of the batch that is being learned from.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Its place in the batch.
    row: usize,
    cell: usize,
    prompt: usize,
    advantage: f64,
    /// What V should have been.
    target: f64,
    log_prob: f64,
    reference: f64,
}

/// A learner on a table, at the reference.
pub(in crate::trainers) fn on_table(
    recipe: Recipe,
    ground: Ground<'_>,
) -> Result<GradientLearner<Tabular>, TrainerError> {
    let Ground { table, backend, reference_proxies } = ground;
    // burn's optimizers take weights that autodiff knows, and gradients that it does not.
    let trained = backend.device().clone().autodiff();
    let head = recipe.objective.value.map(|_| TabularValue::new(table.prompts, &trained));
    let values = head.as_ref().map_or_else(Vec::new, |_| vec![0.0; table.prompts]);
    let network =
        Network { policy: TabularPolicy::new([table.prompts, table.outcomes], &trained), value: head };
    let model = Tabular {
        network: match backend.kernels() {
            // Tracked by nobody: burn notes what it tracks behind one lock for all threads, at every step.
            Kernels::Native => network.no_grad(),
            Kernels::Burn => network,
        },
        backend: backend.clone(),
        shape: [table.prompts, table.outcomes],
        reference: table.ref_log_prob.clone(),
        theta: vec![0.0; table.len()],
        values,
        policy: Snapshot::default(),
        stale: true,
        advantage: Vec::new(),
        target: Vec::new(),
        rows: Vec::new(),
        before: Vec::new(),
    };
    GradientLearner::start(recipe, model, reference_proxies)
}

impl Tabular {
    /// The derivatives of some rows' loss at the current weights, and how many of them the clip has cut off.
    fn slopes(&self, pass: &Pass<'_>, rows: &[Row]) -> (Slopes, usize) {
        let objective = pass.objective;
        let share = 1.0 / rows.len() as f64;
        let in_loss = objective.kl.place == Place::Loss;
        let apart = pass.later && objective.surrogate.is_some_and(|clip| clip.surrogate == Surrogate::Masked);
        let mut clipped = 0;
        let mut slopes = Slopes {
            log_prob: Vec::with_capacity(rows.len()),
            totals: vec![0.0; self.shape[0]],
            logit: Vec::with_capacity(if apart { rows.len() } else { 0 }),
            value: objective.value.map(|_| vec![0.0; self.shape[0]]),
        };
        for row in rows {
            let log_prob = if pass.fresh { row.log_prob } else { self.policy.log_prob(row.cell) };
            let push = match objective.surrogate {
                None => Some(row.advantage),
                Some(clip) => clip.push(row.advantage, log_prob - row.log_prob),
            };
            clipped += usize::from(push.is_none());
            let mut weight = -push.unwrap_or(0.0);
            if apart {
                slopes.logit.push((row.cell, weight * share));
                weight = 0.0;
            }
            if in_loss {
                let pull = if objective.corrects_kl {
                    corrected_slope(log_prob - row.log_prob, log_prob, row.reference)
                } else {
                    slope(objective.kl.estimator, log_prob, row.reference)
                };
                weight += pass.coefficient * pull;
            }
            slopes.log_prob.push((row.cell, weight * share));
            slopes.totals[row.prompt] += weight * share;
            if let (Some(value), Some((coefficient, range))) = (&mut slopes.value, objective.value) {
                let (now, old) = (f64::from(self.values[row.prompt]), f64::from(self.before[row.prompt]));
                let held = old + (now - old).clamp(-range, range);
                // max of ½(V − r)² and ½(V held − r)²: the latter does not depend on V where it is larger.
                if (now - row.target).abs() >= (held - row.target).abs() {
                    value[row.prompt] += (coefficient * (now - row.target) * share) as f32;
                }
            }
        }
        (slopes, clipped)
    }

    /// Takes the weights over as numbers.
    fn read_back(&mut self) -> Result<(), Fault> {
        self.theta = self.network.policy.numbers().ok_or(Fault::Unreadable)?;
        self.stale = true;
        if let Some(head) = &self.network.value {
            self.values = head.numbers().ok_or(Fault::Unreadable)?;
        }
        if not_finite(&self.theta) || not_finite(&self.values) { Err(Fault::Diverged) } else { Ok(()) }
    }

    /// The policy that the weights give.
    fn current(&mut self) -> &mut Snapshot {
        if self.stale {
            self.policy.set_from(&self.reference, self.shape[1], &self.theta);
            self.stale = false;
        }
        &mut self.policy
    }
}

/// Looks at all of them: without an early end it is vectorised.
fn not_finite(numbers: &[f32]) -> bool {
    numbers.iter().fold(false, |found, t| found | !t.is_finite())
}

/// A column of the rollouts; empty where it is missing.
fn column(column: &Option<Vec<f64>>) -> &[f64] {
    column.as_deref().unwrap_or_default()
}

impl Model for Tabular {
    type Policy = Snapshot;
    type Trace = [usize];

    fn policy(&mut self) -> &mut Snapshot {
        self.current()
    }

    fn penalty(&self, kl: &KlPenalty, coefficient: f64, experience: &Experience<'_, [usize]>) -> Vec<f64> {
        let mut penalty = vec![0.0; experience.labels.len()];
        if kl.place == Place::Reward {
            let observed = experience.observed;
            let both = column(&observed.log_prob).iter().zip(column(&observed.ref_log_prob));
            for (penalty, (log_prob, reference)) in penalty.iter_mut().zip(both) {
                *penalty = coefficient * estimate(kl.estimator, *log_prob, *reference).unwrap_or(0.0);
            }
        }
        penalty
    }

    fn credit(
        &mut self,
        paid: &Paid<'_>,
        experience: &Experience<'_, [usize]>,
    ) -> (Vec<f64>, Option<Vec<f64>>) {
        let credit = paid.objective.credit;
        let critic = |kept: &[f64]| {
            let Credit::Critic { scale, gamma, lambda } = credit else { return Vec::new() };
            let value = |prompt: u64| self.values.get(prompt as usize).copied().map_or(0.0, f64::from);
            let prompts = paid.weight.select(&experience.observed.prompt);
            let values: Vec<f64> = prompts.into_iter().map(value).collect();
            let own = gae(kept, &values, &vec![true; kept.len()], 0.0, gamma, lambda);
            match scale {
                Scale::Raw => own,
                Scale::BatchNormalised => advantages(&own, Baseline::Mean, scale),
                Scale::Truncated { .. } | Scale::Catoni { .. } => advantages(&own, Baseline::None, scale),
            }
        };
        let advantage = compared(credit, paid.rewards, paid.functions, paid.groups, paid.weight)
            .unwrap_or_else(|| paid.weight.apply(paid.rewards, critic));
        self.advantage.clone_from(&advantage);
        self.target.clear();
        self.target.extend_from_slice(paid.rewards);
        (advantage, None)
    }

    fn begin(&mut self, experience: &Experience<'_, [usize]>) {
        let at = |column: &[f64], row: usize| column.get(row).copied().unwrap_or(0.0);
        let (log_prob, reference) =
            (column(&experience.observed.log_prob), column(&experience.observed.ref_log_prob));
        let of = |(row, &cell): (usize, &usize)| Row {
            row,
            cell,
            prompt: if self.shape[0] == 1 { 0 } else { cell / self.shape[1] },
            advantage: at(&self.advantage, row),
            target: at(&self.target, row),
            log_prob: at(log_prob, row),
            reference: at(reference, row),
        };
        let counted = experience.trace.iter().enumerate().filter(|(row, _)| experience.weight.counts(*row));
        self.rows = counted.map(of).collect();
        self.before.clone_from(&self.values);
    }

    fn distance(&mut self, _: &Experience<'_, [usize]>) -> f64 {
        self.current();
        let now = |row: &Row| estimate(Estimator::K3, row.log_prob, self.policy.log_prob(row.cell));
        sum(self.rows.iter().filter_map(now))
    }

    fn descend(
        &mut self,
        pass: &Pass<'_>,
        _: &Experience<'_, [usize]>,
        optimizer: &mut ModuleOptimizer,
    ) -> Result<Seen, Fault> {
        self.current();
        let place = |row: usize| self.rows.partition_point(|own| own.row < row);
        let rows = &self.rows[place(pass.rows.start)..place(pass.rows.end)];
        let (slopes, clipped) = self.slopes(pass, rows);
        let seen = Seen { looks: rows.len(), clipped };
        let (kl, entropy) = (&pass.objective.kl, pass.objective.entropy);
        let exact = kl.estimator == Estimator::Exact && kl.place == Place::Loss;
        let dense = Dense { entropy, kl: if exact { pass.coefficient } else { 0.0 } };
        let mut gradient = match self.backend.kernels() {
            Kernels::Native => Gradient::new(slopes, dense, &self.policy, &self.reference, self.shape[1]),
            Kernels::Burn => {
                self.network.gradient(slopes, dense, &self.reference).ok_or(Fault::Unreadable)?
            }
        };
        if let Some(largest) = pass.largest_norm {
            gradient.limit(largest);
        }
        let device = self.backend.device();
        self.network = self.network.descend(optimizer, pass.learning_rate, gradient, self.shape, device);
        self.read_back().map(|()| seen)
    }

    fn hold(&mut self, most: f64) -> Result<(), Fault> {
        // θ is ln(π/π₀) up to a constant of each prompt.
        let ray = Ray::new(&self.reference, &self.theta, self.shape[1]);
        let share = share(most, |share| ray.at(share));
        if share < 1.0 {
            self.theta.iter_mut().for_each(|t| *t = (f64::from(*t) * share) as f32);
            self.network.policy = self.network.policy.with(self.theta.clone());
            self.stale = true;
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, RecordError> {
        self.network.to_bytes()
    }

    fn restore(&mut self, bytes: Vec<u8>) -> Result<Result<(), Fault>, RecordError> {
        self.network = self.network.with_bytes(bytes)?;
        Ok(self.read_back())
    }
}
