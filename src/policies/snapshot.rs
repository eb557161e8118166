//! The policy as plain f64 arrays: what rollouts are drawn from and exact quantities are summed over.

use super::softmax::Softmax;
use crate::foundation::rng::Stream;
use crate::record::Outcomes;

/// Searches that go in step.
const LANES: usize = 8;

/// π at one moment. Buffers are reused from step to step.
#[derive(Debug, Default)]
pub struct Snapshot {
    outcomes: usize,
    log_prob: Vec<f64>,
    prob: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.outcomes = source.outcomes;
        self.log_prob.clone_from(&source.log_prob);
        self.prob.clone_from(&source.prob);
        self.cumulative.clone_from(&source.cumulative);
    }
}

impl Snapshot {
    /// π ∝ π₀·exp(θ), prompt by prompt; `tilt(cell)` gives θ.
    pub fn set(&mut self, table: &Outcomes, tilt: impl Fn(usize) -> f64) {
        let tilts: Vec<f64> = (0..table.len()).map(tilt).collect();
        self.set_from(&table.ref_log_prob, table.outcomes, &tilts);
    }

    /// π ∝ π₀·exp(θ) from ln π₀ and θ of every cell, `outcomes` cells a prompt.
    pub fn set_from<T: Copy + Into<f64>>(&mut self, reference: &[f64], outcomes: usize, tilt: &[T]) {
        self.outcomes = outcomes;
        let Self { log_prob, prob, cumulative, .. } = self;
        for column in [&mut *log_prob, &mut *prob, &mut *cumulative] {
            column.resize(reference.len(), 0.0);
        }
        let row = outcomes.max(1);
        let given = reference.chunks(row).zip(tilt.chunks(row));
        let written = log_prob.chunks_mut(row).zip(prob.chunks_mut(row)).zip(cumulative.chunks_mut(row));
        for ((reference, tilt), ((log_prob, prob), cumulative)) in given.zip(written) {
            pulp::Arch::new().dispatch(Softmax { reference, tilt, log_prob, prob, cumulative });
        }
    }

    /// ln π of a cell.
    pub fn log_prob(&self, cell: usize) -> f64 {
        self.log_prob[cell]
    }

    /// π of every cell; each prompt's row sums to one.
    pub fn probs(&self) -> &[f64] {
        &self.prob
    }

    /// ln π of every cell.
    pub fn log_probs(&self) -> &[f64] {
        &self.log_prob
    }

    /// Draws an outcome of `prompt` by inversion, and gives its cell. One uniform number is used.
    pub fn sample(&self, prompt: usize, rng: &mut Stream) -> usize {
        let [cell] = self.invert([prompt], [rng.open_unit()]);
        cell
    }

    /// The cell that [`Snapshot::sample`] draws for each prompt from a stream whose next uniform number is the one in `units`.
    pub fn sample_all(&self, prompts: &[u64], units: &[f64]) -> Vec<usize> {
        let mut cells = Vec::with_capacity(prompts.len());
        let (prompts, prompts_rest) = prompts.as_chunks::<LANES>();
        let (units, units_rest) = units.as_chunks::<LANES>();
        for (prompts, units) in prompts.iter().zip(units) {
            cells.extend(self.invert(prompts.map(|prompt| prompt as usize), *units));
        }
        cells.extend(
            prompts_rest
                .iter()
                .zip(units_rest)
                .flat_map(|(prompt, unit)| self.invert([*prompt as usize], [*unit])),
        );
        cells
    }

    /// The first cell of each prompt up to which π adds up to `units`: binary searches in step, so that none waits for
    /// another's memory.
    #[inline]
    fn invert<const N: usize>(&self, prompts: [usize; N], units: [f64; N]) -> [usize; N] {
        let cumulative = self.cumulative.as_slice();
        let mut cells = prompts.map(|prompt| prompt * self.outcomes);
        let mut targets = units;
        for (target, start) in targets.iter_mut().zip(cells) {
            *target *= cumulative[start + self.outcomes - 1];
        }
        let mut size = self.outcomes;
        while size > 1 {
            let half = size / 2;
            for (cell, target) in cells.iter_mut().zip(targets) {
                let above = *cell + half;
                *cell = if cumulative[above - 1] < target { above } else { *cell };
            }
            size -= half;
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::numeric::log_sum_exp;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn uneven(prompts: usize, outcomes: usize) -> (Snapshot, Vec<f64>) {
        let tilt = |cell: usize| ((cell * 7919) % 103) as f64 * 0.3 - (cell % 5) as f64 * 90.0;
        let reference: Vec<f64> = (0..prompts * outcomes).map(|cell| -((cell % 11) as f64)).collect();
        let mut policy = Snapshot::default();
        let tilts: Vec<f64> = (0..reference.len()).map(tilt).collect();
        policy.set_from(&reference, outcomes, &tilts);
        (policy, reference.iter().enumerate().map(|(cell, log)| log + tilt(cell)).collect())
    }

    #[test]
    fn a_vectorised_softmax_is_the_softmax() {
        for outcomes in [1, 2, 7, 16, 33, 1000] {
            let (policy, logits) = uneven(3, outcomes);
            for (prompt, row) in logits.chunks(outcomes).enumerate() {
                let total = log_sum_exp(row);
                let mut sum = 0.0;
                for (place, logit) in row.iter().enumerate() {
                    let cell = prompt * outcomes + place;
                    let want = (logit - total).exp();
                    sum += policy.probs()[cell];
                    assert!((policy.log_prob(cell) - (logit - total)).abs() < 1e-12);
                    assert!((policy.probs()[cell] - want).abs() < 1e-14 * want.max(1e-3));
                }
                assert!((sum - 1.0).abs() < 1e-13);
            }
        }
    }

    // The last number but one makes the target the whole sum, the last one nothing.
    #[test]
    fn searches_in_step_find_what_a_scan_finds() {
        let family = SeedTree::new(9, 0).family(Purpose::Action);
        for outcomes in [1, 2, 3, 8, 37, 1000] {
            let (policy, _) = uneven(3, outcomes);
            let prompts: Vec<u64> = (0..203).map(|i| i * 5 % 3).collect();
            let mut units: Vec<f64> = (0..201).map(|i| family.at(i).open_unit()).collect();
            units.extend([1.0, 0.0]);
            for ((&prompt, &unit), cell) in
                prompts.iter().zip(&units).zip(policy.sample_all(&prompts, &units))
            {
                let row = &policy.cumulative[prompt as usize * outcomes..][..outcomes];
                let place = row.iter().position(|sum| *sum >= unit * row[outcomes - 1]).unwrap();
                assert_eq!(cell, prompt as usize * outcomes + place, "{outcomes} outcomes, {unit}");
            }
            let alone = policy.sample(prompts[5] as usize, &mut family.at(5));
            assert_eq!(alone, policy.sample_all(&prompts[5..6], &units[5..6])[0]);
        }
    }
}
