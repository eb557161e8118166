//! Updates of GRPO in a process equal those of its loss written out by hand, however actions are clipped, averaged and penalised.

use crate::episodes::world;
use crate::sequence_updates::{BATCH, BETA, Bench, HORIZON, Hand, Row, TOKENS, close, penalty};
use crate::ways::{WAYS, Way};
use serde_json::{Value, json};
use std::ops::Range;
use tailcatch::foundation::rng::Purpose;
use tailcatch::rollout::{Actor, Roller, Tape};
use tailcatch::trainers::Learner;

/// Settings of the loss.
#[derive(Debug, Clone, Copy)]
struct Kind {
    loss_type: &'static str,
    sequence: bool,
    per: &'static str,
    corrected: bool,
    masked: bool,
    high: f64,
    delta: Option<f64>,
    minibatches: usize,
}

/// All defaults.
const PLAIN: Kind = Kind {
    loss_type: "sum",
    sequence: false,
    per: "token",
    corrected: false,
    masked: false,
    high: 0.2,
    delta: None,
    minibatches: 1,
};

impl Kind {
    fn section(&self) -> Value {
        let level = if self.sequence { "sequence" } else { "token" };
        json!({ "grpo": { "batch": BATCH, "group": 4, "epochs": 3, "optimizer": { "sgd": { "learning_rate": 0.9 } },
            "minibatches": self.minibatches, "epsilon_high": self.high, "delta": self.delta, "loss_type": self.loss_type,
            "importance_sampling_level": level, "mask_truncated_completions": self.masked,
            "use_bias_correction_kl": self.corrected, "kl": { "coefficient": BETA, "per": self.per } } })
    }

    fn in_loss(&self, row: &Row) -> bool {
        let truncated = row.tokens.len() == HORIZON && row.tokens.last() != Some(&(TOKENS - 1));
        !(self.masked && truncated)
    }

    /// ln of the ratio of each token.
    fn log_ratios(&self, row: &Row, now: &Hand) -> Vec<f64> {
        let own: Vec<f64> = row.now(now).zip(&row.log_prob).map(|(p, old)| p - old).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        if self.sequence { vec![mean; own.len()] } else { own }
    }

    fn cut(&self, advantage: f64, log_ratio: f64) -> bool {
        let ratio = log_ratio.exp();
        (advantage > 0.0 && ratio > 1.0 + self.high)
            || (advantage < 0.0 && (ratio < 0.8 || self.delta.is_some_and(|most| ratio > most)))
    }

    /// −min(min(r, δ)·A, clip(r, 1 − .2, 1 + high)·A) of a token.
    fn clipped(&self, advantage: f64, log_ratio: f64) -> f64 {
        let ratio = log_ratio.exp();
        let most = self.delta.unwrap_or(f64::INFINITY);
        -(ratio.min(most) * advantage).min(ratio.clamp(0.8, 1.0 + self.high) * advantage)
    }

    /// The loss of the tokens of a rollout, one by one; a penalty of the whole is the first one's.
    fn tokens(&self, row: &Row, advantage: f64, now: &Hand) -> Vec<f64> {
        let log_prob: Vec<f64> = row.now(now).collect();
        let each = self.log_ratios(row, now).into_iter().enumerate().map(|(t, log_ratio)| {
            let k3 = penalty("k3", "token", &log_prob[t..=t], &row.reference[t..=t]);
            let pulled = match self.per {
                "token" => k3 * if self.corrected { log_ratio.exp() } else { 1.0 },
                _ if t == 0 => penalty("k3", "sequence", &log_prob, &row.reference),
                _ => 0.0,
            };
            self.clipped(advantage, log_ratio) + BETA * pulled
        });
        each.collect()
    }

    /// The loss of one minibatch of a batch.
    fn loss(&self, all: &[Row], part: &Range<usize>, advantage: &[f64], now: &Hand) -> f64 {
        let tokens = |rows: &[Row]| {
            rows.iter().filter(|row| self.in_loss(row)).map(|row| row.tokens.len()).sum::<usize>() as f64
        };
        let own = &all[part.clone()];
        let mut sum = 0.0;
        for (row, advantage) in own.iter().zip(&advantage[part.clone()]).filter(|(row, _)| self.in_loss(row))
        {
            let total = self.tokens(row, *advantage, now).iter().sum::<f64>();
            sum += total
                / match self.loss_type {
                    "sum" => own.len() as f64,
                    "grpo" => (own.len() * row.tokens.len()) as f64,
                    "bnpo" => tokens(own),
                    "dr_grpo" => (own.len() * HORIZON) as f64,
                    _ => tokens(all) / self.minibatches as f64,
                };
        }
        sum
    }
}

/// Two or more steps under these settings; gives the share that was clipped.
fn hold(kind: Kind, way: Way) -> f64 {
    let (mut bench, mut clips) = (Bench::new(kind.section(), way), 0.0);
    for step in 0..3 {
        let what = format!("{kind:?}, {way:?}, step {step}");
        let (rows, observed) = bench.sample();
        let advantage: Vec<f64> = rows
            .iter()
            .map(|row| {
                let group: Vec<f64> =
                    rows.iter().filter(|own| own.at / 4 == row.at / 4).map(|own| own.label).collect();
                let n = group.len() as f64;
                let mean = group.iter().sum::<f64>() / n;
                let sd = (group.iter().map(|u| (u - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
                (row.label - mean) / (sd + 1e-4)
            })
            .collect();
        close(&what, &way.counted(&observed.advantage), &advantage);
        let (mut cuts, mut looks, size) = (0, 0, BATCH / kind.minibatches);
        for _ in 0..3 {
            for first in (0..BATCH).step_by(size) {
                let of = |at: usize| rows.iter().filter(|row| row.at < at).count();
                let part = of(first)..of(first + size);
                for i in part.clone().filter(|i| kind.in_loss(&rows[*i])) {
                    let ratios = kind.log_ratios(&rows[i], &bench.hand);
                    cuts += ratios.iter().filter(|ratio| kind.cut(advantage[i], **ratio)).count();
                    looks += ratios.len();
                }
                bench.hand.descend(0.9, f64::INFINITY, |now| kind.loss(&rows, &part, &advantage, now));
            }
        }
        bench.update(&what);
        assert_eq!(bench.learner.clip_fraction(), Some(cuts as f64 / looks as f64), "{what}");
        clips += cuts as f64;
    }
    clips
}

#[test]
fn it_follows_the_gradient_of_its_clipped_loss_with_k3() {
    let clips: f64 = WAYS
        .into_iter()
        .flat_map(|way| ["token", "sequence"].map(|per| hold(Kind { per, ..PLAIN }, way)))
        .sum();
    assert!(clips > 10.0, "the clip was hardly tested: {clips}");
}

#[test]
fn losses_are_averaged_as_their_type_says() {
    for way in WAYS {
        for loss_type in ["sum", "grpo", "bnpo", "dr_grpo", "dapo"] {
            for (minibatches, masked) in [(1, false), (2, false), (1, true), (2, true)] {
                hold(Kind { loss_type, minibatches, masked, ..PLAIN }, way);
            }
        }
    }
}

#[test]
fn the_clip_has_a_high_end_a_bound_on_bad_rollouts_and_a_level() {
    for sequence in [false, true] {
        let plain = Kind { sequence, minibatches: 2, ..PLAIN };
        let clips = |kind: Kind| WAYS.into_iter().map(|way| hold(kind, way)).sum::<f64>();
        let near = Kind { high: 0.05, ..plain };
        let (narrow, wide, bound) =
            (clips(near), clips(Kind { high: 0.6, ..plain }), clips(Kind { delta: Some(1.06), ..near }));
        assert!(narrow > wide && wide > 0.0 && bound > narrow, "{narrow}, {wide}, {bound}");
    }
}

#[test]
fn the_corrected_penalty_is_differentiated_with_its_ratio() {
    for way in WAYS {
        for (sequence, loss_type) in [(false, "sum"), (true, "sum"), (false, "dapo"), (true, "grpo")] {
            hold(Kind { sequence, loss_type, corrected: true, minibatches: 2, ..PLAIN }, way);
        }
    }
}

#[test]
fn what_was_cut_off_at_the_horizon_is_told_from_what_ended_there() {
    let roll = |environment: Value| {
        let (world, mut tape) = (world(environment, json!({}), 5), Tape::default());
        let roller = Roller::apart(&world.seeds, Purpose::Evaluation);
        roller.batch(world.sequence(), Actor::Reference, &mut tape, (0, 0, 300), false);
        tape
    };
    let actions = |tape: &Tape, row: usize| -> Vec<u32> {
        (0..tape.lengths[row] as usize).map(|t| tape.chosen[t * tape.rows + row]).collect()
    };
    let hold = |tape: &Tape, cut: &dyn Fn(&[u32]) -> bool| {
        let expected: Vec<bool> = (0..tape.rows).map(|row| cut(&actions(tape, row))).collect();
        assert_eq!(tape.truncated, expected);
        tape.truncated.iter().filter(|cut| **cut).count()
    };
    let strings = |end: bool| roll(json!({ "tokens": { "vocabulary": 3, "length": 3, "end": end } }));
    let cut = hold(&strings(true), &|string| string.len() == 3 && string[2] != 2);
    assert!((60..140).contains(&cut), "8 of 27: {cut}");
    assert_eq!(hold(&strings(false), &|_| false), 0);
    // Two to the right is the goal; who runs into a wall stays.
    let walks = roll(json!({ "gridworld": { "map": ["S.G"], "horizon": 3, "reference": "uniform" } }));
    let reaches = |walk: &[u32]| {
        let step = |at: i32, action: &u32| (at + [0, 1, 0, -1][*action as usize]).max(0);
        walk.iter().fold(0, step) == 2
    };
    let cut = hold(&walks, &|walk| !reaches(walk));
    assert!((200..299).contains(&cut), "{cut}");
    assert!((0..300).any(|row| walks.lengths[row] == 3 && !walks.truncated[row]), "the goal at the horizon");
}
