//! Episodes side by side: all rows take their first action, then their second, so that the network sees a batch at a time.

use super::Batch;
use super::tape::Tape;
use crate::environments::Move;
use crate::foundation::rng::{Family, Purpose, SeedTree, Stream};
use crate::policies::SequencePolicy;
use crate::record::{DISAGREEMENT, Observed, Truth};
use crate::reward::{Phase, SequenceModel, Walk};
use std::num::NonZeroU32;

/// The streams that episodes of one phase draw from.
#[derive(Debug)]
pub struct Roller {
    streams: Streams,
    phase: Phase,
    group: u64,
}

#[derive(Debug)]
enum Streams {
    /// Prompt, actions and chance each from their own stream of the rollout's number.
    Apart { prompts: Family, actions: Family, chances: Family },
    /// All from one.
    One(Family),
}

/// Who acts.
pub enum Actor<'a> {
    /// π₀.
    Reference,
    /// A policy; its activations are kept, so that it can be moved by what it did.
    Learning(&'a mut dyn SequencePolicy),
    /// A policy that is only looked at.
    Fixed(&'a mut dyn SequencePolicy),
}

impl Roller {
    /// Rollouts of the policy in training, `group` of them in a row for each prompt that is drawn.
    pub fn training(seeds: &SeedTree, group: NonZeroU32) -> Self {
        let (prompts, actions) = (seeds.family(Purpose::Prompt), seeds.family(Purpose::Action));
        let streams = Streams::Apart { prompts, actions, chances: seeds.family(Purpose::Transition) };
        Self { streams, phase: Phase::Training, group: u64::from(group.get()) }
    }

    /// Rollouts outside training, from streams of their own, so that training draws the same with and without them.
    pub fn apart(seeds: &SeedTree, purpose: Purpose) -> Self {
        Self { streams: Streams::One(seeds.family(purpose)), phase: Phase::Calibration, group: 1 }
    }

    /// Samples `count` episodes, numbered from `first`, at `step`; what was done is written onto `tape`. With `activations`,
    /// the last hidden layer at each row's last action becomes the features `hidden_0`, `hidden_1` …
    pub fn batch(
        &self,
        model: &SequenceModel,
        mut actor: Actor<'_>,
        tape: &mut Tape,
        (step, first, count): (u64, u64, usize),
        activations: bool,
    ) -> Batch {
        let process = model.process();
        let mut observed = Observed {
            step: vec![step; count],
            trajectory: (first..first + count as u64).collect(),
            ..Observed::default()
        };
        let mut episodes = Episodes { walks: Vec::with_capacity(count), draws: Vec::with_capacity(count) };
        tape.start(count, process.actions(), process.horizon());
        for number in first..first + count as u64 {
            let leader = number - number % self.group;
            let (mut rng, mut own) = match &self.streams {
                Streams::Apart { prompts, actions, chances } => {
                    let chance = (!process.deterministic()).then(|| chances.at(number));
                    (prompts.at(leader), Some((actions.at(number), chance)))
                }
                Streams::One(family) => (family.at(number), None),
            };
            let (prompts, trained) = (process.prompts(), process.trained());
            let prompt = if trained > 1 { rng.below(trained as u64) as usize } else { 0 };
            episodes.draws.push(own.take().unwrap_or((rng, None)));
            episodes.walks.push(Walk::start(model, prompt));
            tape.prompts.push(prompt as u32);
            observed.prompt.push(prompt as u64);
            let together = if self.group > 1 { leader } else { step * prompts as u64 + prompt as u64 };
            observed.group.push(together);
        }
        let mut hidden = Hidden::default();
        episodes.run(model, &mut actor, tape, activations.then_some(&mut hidden));
        tape.truncated.extend(episodes.walks.iter().map(|walk| process.truncated(walk.state())));

        let mut truth = Truth::default();
        let mut disagreement = Vec::new();
        for (walk, number) in episodes.walks.iter().zip(first..) {
            let scored = walk.finish(model, number, self.phase);
            observed.outcome.push(scored.trajectory);
            observed.proxy.push(scored.utility + scored.error);
            truth.utility.push(scored.utility);
            truth.error.push(scored.error);
            truth.class.push(scored.class);
            truth.hack.push(scored.hack);
            disagreement.extend(scored.disagreement);
        }
        for place in model.own_functions() {
            let paid = episodes.walks.iter().map(|walk| walk.paid(place)).collect();
            observed.parts.push((format!("trigger_{}", place + 1), paid));
        }
        observed.log_prob = Some(tape.per_row(|t, row| tape.choice.log_prob[t * tape.rows + row]));
        observed.ref_log_prob = Some(tape.per_row(|t, row| tape.ref_log_prob(t, row)));
        observed.length = Some(tape.lengths.iter().map(|&n| f64::from(n)).collect());
        observed.features = hidden.columns(count);
        if !disagreement.is_empty() {
            observed.features.push((DISAGREEMENT.to_owned(), disagreement));
        }
        Batch { observed, truth, cells: Vec::new() }
    }
}

/// Episodes under way: where each stands, and the streams that its actions and chance are drawn from.
struct Episodes {
    walks: Vec<Walk>,
    draws: Vec<(Stream, Option<Stream>)>,
}

impl Episodes {
    /// Position by position, until every one has ended.
    fn run(
        &mut self,
        model: &SequenceModel,
        actor: &mut Actor<'_>,
        tape: &mut Tape,
        mut hidden: Option<&mut Hidden>,
    ) {
        let Self { walks, draws } = self;
        let process = model.process();
        let (rows, actions) = (tape.rows, tape.actions);
        let mut correction = vec![0f32; rows * actions];
        let mut moves: Vec<Move> = Vec::new();
        match actor {
            Actor::Reference => {}
            Actor::Learning(policy) => policy.begin(&tape.prompts, true),
            Actor::Fixed(policy) => policy.begin(&tape.prompts, false),
        }
        while walks.iter().any(|walk| !walk.ended(model)) {
            let place = tape.add_position();
            for (row, walk) in walks.iter().enumerate().filter(|(_, walk)| !walk.ended(model)) {
                tape.symbols[place + row] = process.symbol(walk.state()) as u32;
                tape.reference[(place + row) * actions..][..actions]
                    .copy_from_slice(process.reference(walk.state()));
                tape.lengths[row] += 1;
            }
            if let Actor::Learning(policy) | Actor::Fixed(policy) = actor {
                policy.advance(&tape.symbols[place..place + rows], &mut correction);
                tape.choice.values.extend_from_slice(policy.values());
            }
            for (row, walk) in walks.iter_mut().enumerate().filter(|(_, walk)| !walk.ended(model)) {
                let (cell, correction) = ((place + row) * actions, &correction[row * actions..][..actions]);
                let settled = tape.settle(place + row, correction);
                let (own, chance) = &mut draws[row];
                let action = pick(&tape.choice.prob[cell..][..actions], own.open_unit());
                let log_prob =
                    tape.reference[cell + action] + f64::from(correction[action]) - settled.log_total;
                tape.choose(place + row, action, log_prob);
                let luck = match (process.deterministic(), chance) {
                    (true, _) => 0.0,
                    (false, Some(chance)) => chance.open_unit(),
                    (false, None) => own.open_unit(),
                };
                walk.act(model, action, luck, &mut moves);
                if let (Some(hidden), true, Actor::Learning(policy) | Actor::Fixed(policy)) =
                    (hidden.as_deref_mut(), walk.ended(model), &*actor)
                {
                    hidden.take(policy.hidden(), row, rows);
                }
            }
        }
    }
}

/// Inverts a distribution at a uniform number.
fn pick(prob: &[f64], uniform: f64) -> usize {
    let mut below = 0.0;
    for (action, p) in prob.iter().enumerate() {
        below += p;
        if uniform < below {
            return action;
        }
    }
    // The sum may end a rounding below one: the last action that can be taken at all.
    prob.iter().rposition(|p| *p > 0.0).unwrap_or(0)
}

/// The last hidden layer of each row at its last action.
#[derive(Debug, Default)]
struct Hidden {
    width: usize,
    values: Vec<f32>,
}

impl Hidden {
    fn take(&mut self, layer: &[f32], row: usize, rows: usize) {
        self.width = layer.len() / rows;
        self.values.resize(layer.len(), 0.0);
        let place = row * self.width..(row + 1) * self.width;
        self.values[place.clone()].copy_from_slice(&layer[place]);
    }

    fn columns(&self, rows: usize) -> Vec<(String, Vec<f64>)> {
        let column =
            |unit: usize| (0..rows).map(|row| f64::from(self.values[row * self.width + unit])).collect();
        (0..self.width).map(|unit| (format!("hidden_{unit}"), column(unit))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_never_picks_what_has_no_mass() {
        let prob = [0.0, 0.25, 0.0, 0.75, 0.0];
        assert_eq!(pick(&prob, 1e-300), 1);
        assert_eq!(pick(&prob, 0.249), 1);
        assert_eq!(pick(&prob, 0.251), 3);
        assert_eq!(pick(&prob, 1.0), 3, "the sum may be a rounding below one");
    }
}
