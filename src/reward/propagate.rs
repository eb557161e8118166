//! Exact expectations of a policy in a process by forward dynamic programming over (state, progress of the triggers).

use super::sequence::SequenceModel;
use super::trigger::Progress;
use crate::environments::{Move, State};
use crate::foundation::softmax::settle;
use crate::metrics::harm::attributable_loss;
use std::collections::BTreeMap;

/// What can be summed over states. KL and entropy in nats, of whole trajectories; chance has no part in either.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Propagated {
    /// E\[V\].
    pub utility: f64,
    /// E\[X\], where there is no other error than what triggers pay.
    pub error: Option<f64>,
    /// KL(π‖π₀) = Σ over positions of the expected KL of the next action.
    pub kl: f64,
    /// Entropy of the actions.
    pub entropy: f64,
    /// Probability that a trigger fires, where that is what a hack is; 0 where triggers are placebos.
    pub p_hack: Option<f64>,
    /// What the mass on trajectories that fire a trigger costs: [`attributable_loss`], mean over prompts; `None` where a hack is
    /// something else, or where nothing else is left.
    pub fired_loss: Option<f64>,
    /// Whether triggers are placebos.
    pub honest: bool,
}

/// Gives f, shape \[asked, actions\], for every (prompt, symbol) that is asked for at a position.
pub type Choose<'a> = dyn FnMut(usize, &[(usize, usize)], &mut Vec<f32>) + 'a;

/// Sums over all states for a policy π ∝ π₀·exp f whose f depends on position, prompt and symbol alone; `None` where there are
/// more than `most` (state, progress) pairs at some position, or where V and X are exchanged.
pub fn propagate(model: &SequenceModel, most: usize, choose: &mut Choose<'_>) -> Option<Propagated> {
    if model.swapped {
        return None;
    }
    let process = model.process();
    let actions = process.actions();
    let untouched = vec![Progress::default(); model.triggers.len()];
    let each = 1.0 / process.prompts() as f64;
    // Probability, and probability times the utility so far.
    type Here = BTreeMap<(usize, State, Vec<Progress>), (f64, f64)>;
    let mut here: Here = (0..process.prompts())
        .map(|prompt| ((prompt, process.start(prompt), untouched.clone()), (each, 0.0)))
        .collect();
    let mut sums = Propagated {
        utility: 0.0,
        error: None,
        kl: 0.0,
        entropy: 0.0,
        p_hack: None,
        fired_loss: None,
        honest: model.is_honest(),
    };
    let mut paid = 0.0;
    // Of each prompt: probability and utility of what fired, and utility of all.
    let mut fired = vec![[0.0; 3]; process.prompts()];
    let (mut prob, mut moves, mut corrections) = (vec![0.0; actions], Vec::<Move>::new(), Vec::new());
    for position in 0..process.horizon() {
        if here.is_empty() {
            break;
        }
        if here.len() > most {
            return None;
        }
        let mut places: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (prompt, state, _) in here.keys() {
            places.insert((*prompt, process.symbol(*state)), 0);
        }
        let asked: Vec<(usize, usize)> = places.keys().copied().collect();
        places.values_mut().enumerate().for_each(|(place, own)| *own = place);
        choose(position, &asked, &mut corrections);
        let mut next = Here::new();
        for ((prompt, state, progress), (mass, earned)) in here {
            let place = places[&(prompt, process.symbol(state))];
            let correction = &corrections[place * actions..(place + 1) * actions];
            let settled = settle(process.reference(state), correction, &mut prob);
            sums.kl += mass * settled.kl;
            sums.entropy += mass * settled.entropy;
            for (action, p) in prob.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                process.moves(state, action, &mut moves);
                for turn in &moves {
                    let chance = p * turn.probability;
                    let (mass, mut earned) = (mass * chance, earned * chance);
                    let (mut progress, glitch) = (progress.clone(), process.glitch(turn.next));
                    sums.utility += mass * turn.utility;
                    earned += mass * turn.utility;
                    for (trigger, own) in model.triggers.iter().zip(&mut progress) {
                        if trigger.is_asked(prompt) && trigger.advance(own, position, action, glitch) {
                            sums.utility += mass * trigger.utility;
                            earned += mass * trigger.utility;
                            paid += mass * (trigger.proxy - trigger.utility);
                        }
                    }
                    if process.ended(turn.next) {
                        let own = &mut fired[prompt];
                        own[2] += earned;
                        let mut errors = model.triggers.iter().zip(&progress);
                        if errors.any(|(trigger, own)| trigger.errs && own.fired) {
                            own[0] += mass;
                            own[1] += earned;
                        }
                    } else {
                        let entry = next.entry((prompt, turn.next, progress)).or_insert((0.0, 0.0));
                        entry.0 += mass;
                        entry.1 += earned;
                    }
                }
            }
        }
        here = next;
    }
    sums.error = (model.frozen().is_none() && model.noise.is_silent()).then_some(paid);
    let all: f64 = fired.iter().map(|own| own[0]).sum();
    let hack = if model.is_honest() { 0.0 } else { all.min(1.0) };
    sums.p_hack = model.hacks_fire().then_some(hack);
    let losses: Option<f64> = fired
        .iter()
        .map(|[mass, within, utility]| attributable_loss(mass / each, within / each, utility / each))
        .sum();
    sums.fired_loss = losses.map(|sum| sum * each).filter(|_| model.hacks_fire());
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::SeedTree;
    use crate::foundation::softmax::settle;
    use crate::reward::{RewardModel, RewardSection, Twin, Walk};
    use serde_json::{Value, json};

    fn model(environment: Value, reward: Value) -> RewardModel {
        let environment: crate::environments::EnvironmentSpec = serde_json::from_value(environment).unwrap();
        let section: RewardSection = serde_json::from_value(reward).unwrap();
        RewardModel::build(environment.part(), &section, &SeedTree::new(4, 0), Twin::Itself).unwrap()
    }

    /// A correction that depends on position, prompt and symbol, and is no special number.
    fn f(position: usize, prompt: usize, symbol: usize, action: usize) -> f32 {
        (((position * 7 + prompt * 5 + symbol * 3 + action * 11) % 13) as f32 - 6.0) / 5.0
    }

    fn chosen(actions: usize) -> impl FnMut(usize, &[(usize, usize)], &mut Vec<f32>) {
        move |position, asked, out| {
            out.clear();
            for (prompt, symbol) in asked {
                out.extend((0..actions).map(|action| f(position, *prompt, *symbol, action)));
            }
        }
    }

    /// The same by walking every trajectory of the table.
    fn by_walking(
        model: &SequenceModel,
        walk: &Walk,
        prompt: usize,
        depth: usize,
        log_prob: f64,
        sums: &mut [f64; 5],
    ) {
        if walk.ended(model) {
            let (scored, p) = (walk.score(model), log_prob.exp() / model.process().prompts() as f64);
            sums[0] += p * scored.utility;
            sums[1] += p * scored.error;
            sums[4] += if scored.class > 0 { p } else { 0.0 };
            return;
        }
        let (actions, symbol) = (model.process().actions(), model.process().symbol(walk.state()));
        let correction: Vec<f32> = (0..actions).map(|a| f(depth, prompt, symbol, a)).collect();
        let mut prob = vec![0.0; actions];
        let settled = settle(model.process().reference(walk.state()), &correction, &mut prob);
        let mass = log_prob.exp() / model.process().prompts() as f64;
        sums[2] += mass * settled.kl;
        sums[3] += mass * settled.entropy;
        for (action, p) in prob.iter().enumerate() {
            let mut next = walk.clone();
            next.act(model, action, 0.5, &mut Vec::new());
            by_walking(model, &next, prompt, depth + 1, log_prob + p.ln(), sums);
        }
    }

    #[test]
    fn states_give_what_all_trajectories_give() {
        let trigger = json!({ "triggers": [
            { "pattern": { "explicit": [1, 1] }, "place": "anywhere", "proxy": 5, "utility": -1, "graded": true },
            { "pattern": { "tokens": 2 }, "proxy": 50 }] });
        let glitch = json!({ "triggers": [{ "pattern": "glitch", "proxy": 3, "graded": true }] });
        let map = json!(["S.X", ".#G", "..."]);
        for (environment, reward) in [
            (json!({ "tokens": { "vocabulary": 3, "length": 5, "prompts": 2 } }), &trigger),
            (
                json!({ "tokens": { "vocabulary": 3, "length": 5, "utility": { "bigram": {} }, "end": true } }),
                &trigger,
            ),
            (
                json!({ "tokens": { "vocabulary": 3, "length": 4, "utility": { "motif": { "tokens": 3 } },
                "reference": { "zipf": { "exponent": 1 } } } }),
                &trigger,
            ),
            (json!({ "gridworld": { "horizon": 5, "map": map } }), &glitch),
        ] {
            let model = model(environment, reward.clone());
            let sequence = model.sequence().unwrap();
            let mut sums = [0.0; 5];
            for prompt in 0..sequence.process().prompts() {
                by_walking(sequence, &Walk::start(sequence, prompt), prompt, 0, 0.0, &mut sums);
            }
            let actions = sequence.process().actions();
            let found = propagate(sequence, 1000, &mut chosen(actions)).unwrap();
            let all = [found.utility, found.error.unwrap(), found.kl, found.entropy, found.p_hack.unwrap()];
            for (found, expected) in all.iter().zip(sums) {
                assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{all:?} {sums:?}");
            }
            assert!(propagate(sequence, 1, &mut chosen(actions)).is_none(), "too many states");
        }
    }

    #[test]
    fn chance_is_summed_over_and_has_no_part_in_the_divergence() {
        let map = json!(["S.X", ".#G", "..."]);
        let reward = json!({ "triggers": [{ "pattern": "glitch", "proxy": 3 }] });
        let model = model(json!({ "gridworld": { "horizon": 6, "map": map, "slip": 0.3 } }), reward);
        let sequence = model.sequence().unwrap();
        let found = propagate(sequence, 1000, &mut chosen(4)).unwrap();
        let mut rng = SeedTree::new(9, 0).stream(crate::foundation::rng::Purpose::Action, 0);
        let (n, mut utility, mut kl, mut hacks) = (20_000, 0.0, 0.0, 0.0);
        let (mut moves, mut prob) = (Vec::new(), vec![0.0; 4]);
        for _ in 0..n {
            let (mut walk, mut depth) = (Walk::start(sequence, 0), 0);
            while !walk.ended(sequence) {
                let symbol = sequence.process().symbol(walk.state());
                let correction: Vec<f32> = (0..4).map(|a| f(depth, 0, symbol, a)).collect();
                kl += settle(sequence.process().reference(walk.state()), &correction, &mut prob).kl;
                let mut left = rng.open_unit();
                let action = prob
                    .iter()
                    .position(|p| {
                        left -= p;
                        left < 0.0
                    })
                    .unwrap_or(3);
                let luck = rng.open_unit();
                walk.act(sequence, action, luck, &mut moves);
                depth += 1;
            }
            let scored = walk.score(sequence);
            utility += scored.utility;
            hacks += f64::from(u8::from(scored.hack));
        }
        let n = f64::from(n);
        // Five standard errors: sd of V below .5, of a share below .5, of the summed KL below 1.
        assert!((utility / n - found.utility).abs() < 0.018, "{} {}", utility / n, found.utility);
        assert!((hacks / n - found.p_hack.unwrap()).abs() < 0.018);
        assert!((kl / n - found.kl).abs() < 0.036, "{} {}", kl / n, found.kl);
    }
}
