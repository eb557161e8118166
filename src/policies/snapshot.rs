//! The policy as plain f64 arrays: what rollouts are drawn from and exact quantities are summed over.

use super::native::{BLOCK, Scale, Softmax};
#[cfg(test)]
use crate::foundation::numeric::CompensatedSum;
use crate::foundation::rng::Stream;
use crate::record::Outcomes;
use pulp::{Simd, WithSimd};
use std::hint::select_unpredictable;

/// Searches that go in step.
const LANES: usize = 8;
/// Cells that are added up plainly; what they come to is added with compensation.
#[cfg(test)]
const SUMMED: usize = 64;

/// π at one moment, a row a prompt. Buffers, and weights that have not changed, are reused from step to step.
#[derive(Debug, Default)]
pub struct Snapshot {
    outcomes: usize,
    /// ln π up to a constant of each prompt, in blocks of which the last of a prompt is filled up.
    logits: Vec<[f64; BLOCK]>,
    /// π up to a factor of each prompt, laid out alike.
    weights: Vec<[f64; BLOCK]>,
    /// The running sum of these from the start of each block.
    within: Vec<[f64; BLOCK]>,
    /// The sum of each block's weights.
    sums: Vec<f64>,
    /// The same with all blocks before it of the same prompt.
    running: Vec<f64>,
    /// Constants and factors of the prompts.
    scales: Vec<Scale>,
}

/// π of one prompt.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    logits: &'a [f64],
    weights: &'a [f64],
    scale: Scale,
}

impl<'a> Row<'a> {
    /// π of every outcome; sums to one.
    pub fn probs(self) -> impl Iterator<Item = f64> + Clone + 'a {
        self.weights.iter().map(move |weight| weight * self.scale.factor)
    }

    /// ln π of every outcome.
    pub fn log_probs(self) -> impl Iterator<Item = f64> + Clone + 'a {
        self.logits.iter().map(move |logit| logit - self.scale.log_total)
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    fn clone_from(&mut self, source: &Self) {
        self.outcomes = source.outcomes;
        self.logits.clone_from(&source.logits);
        self.weights.clone_from(&source.weights);
        self.within.clone_from(&source.within);
        self.sums.clone_from(&source.sums);
        self.running.clone_from(&source.running);
        self.scales.clone_from(&source.scales);
    }
}

impl Snapshot {
    /// π ∝ π₀·exp(θ), prompt by prompt; `tilt(cell)` gives θ.
    pub fn set(&mut self, table: &Outcomes, tilt: impl Fn(usize) -> f64) {
        let tilts: Vec<f64> = (0..table.len()).map(tilt).collect();
        self.set_from(&table.ref_log_prob, table.outcomes, &tilts);
    }

    /// π ∝ π₀·exp(θ) from ln π₀ and θ of every cell, `outcomes` cells a prompt. What π was before makes it faster, not
    /// another one.
    pub fn set_from<T: Copy + Default + Into<f64>>(
        &mut self,
        reference: &[f64],
        outcomes: usize,
        tilt: &[T],
    ) {
        let row = outcomes.max(1);
        let (prompts, size) = (reference.len().div_ceil(row), row.div_ceil(BLOCK));
        if (outcomes, prompts) != (self.outcomes, self.scales.len()) {
            *self = Self {
                outcomes,
                logits: vec![[f64::NAN; BLOCK]; prompts * size],
                weights: vec![[f64::NAN; BLOCK]; prompts * size],
                within: vec![[f64::NAN; BLOCK]; prompts * size],
                sums: vec![f64::NAN; prompts * size],
                running: vec![f64::NAN; prompts * size],
                scales: vec![Scale::NONE; prompts],
            };
        }
        let Self { logits, weights, within, sums, running, scales, .. } = self;
        let given = reference.chunks(row).zip(tilt.chunks(row));
        let cells = logits.chunks_mut(size).zip(weights.chunks_mut(size)).zip(within.chunks_mut(size));
        let blocks = sums.chunks_mut(size).zip(running.chunks_mut(size));
        for (((reference, tilt), ((logits, weights), within)), ((sums, running), scale)) in
            given.zip(cells).zip(blocks.zip(scales))
        {
            let softmax = Softmax { reference, tilt, logits, weights, within, sums, running, scale: *scale };
            *scale = pulp::Arch::new().dispatch(softmax);
        }
    }

    /// ln π of a cell.
    pub fn log_prob(&self, cell: usize) -> f64 {
        let (prompt, block, lane) = self.place(cell);
        self.logits[block][lane] - self.scales[prompt].log_total
    }

    /// π of a cell.
    pub fn prob(&self, cell: usize) -> f64 {
        let (prompt, block, lane) = self.place(cell);
        self.weights[block][lane] * self.scales[prompt].factor
    }

    /// A cell's prompt, block and lane.
    #[inline]
    fn place(&self, cell: usize) -> (usize, usize, usize) {
        // A table of one prompt needs no division.
        let prompt = if cell < self.outcomes { 0 } else { cell / self.outcomes };
        let place = cell - prompt * self.outcomes;
        (prompt, prompt * self.outcomes.div_ceil(BLOCK) + place / BLOCK, place % BLOCK)
    }

    /// π of each prompt.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let size = self.outcomes.div_ceil(BLOCK).max(1);
        let blocks = self.logits.chunks(size).zip(self.weights.chunks(size));
        blocks.zip(&self.scales).map(|((logits, weights), scale)| Row {
            logits: &logits.as_flattened()[..self.outcomes],
            weights: &weights.as_flattened()[..self.outcomes],
            scale: *scale,
        })
    }

    /// KL(π‖π₀) from ln π₀ of every cell, in nats, averaged over the prompts.
    #[cfg(test)]
    pub fn kl(&self, reference: &[f64]) -> f64 {
        let mut total = CompensatedSum::default();
        for (row, reference) in self.rows().zip(reference.chunks(self.outcomes.max(1))) {
            let mut cells = row.probs().zip(row.log_probs()).zip(reference);
            for _ in (0..self.outcomes).step_by(SUMMED) {
                let part = cells.by_ref().take(SUMMED);
                // Without mass there is nothing to add, also where the reference has none.
                let part = part.map(|((p, log_p), log)| if p > 0.0 { p * (log_p - log) } else { 0.0 });
                total.add(part.sum());
            }
        }
        (total.value() / self.scales.len().max(1) as f64).max(0.0)
    }

    /// Draws an outcome of `prompt` by inversion, and gives its cell. One uniform number is used.
    pub fn sample(&self, prompt: usize, rng: &mut Stream) -> usize {
        let [cell] = self.invert([prompt], [rng.open_unit()]);
        cell
    }

    /// The cell that [`Snapshot::sample`] draws for each prompt from a stream whose next uniform number is the one in `units`.
    pub fn sample_all(&self, prompts: &[u64], units: &[f64]) -> Vec<usize> {
        pulp::Arch::new().dispatch(Search { policy: self, prompts, units })
    }

    /// The first cell of each prompt up to which π adds up to `units`: binary searches among blocks in step, so that none
    /// waits for another's memory, and then a count within the block. Nothing branches on what is drawn: half of such
    /// branches would be mispredicted.
    #[inline(always)]
    fn invert<const N: usize>(&self, prompts: [usize; N], units: [f64; N]) -> [usize; N] {
        let (running, blocks) = (self.running.as_slice(), self.outcomes.div_ceil(BLOCK));
        let mut found = prompts.map(|prompt| prompt * blocks);
        let mut targets = units;
        for (target, first) in targets.iter_mut().zip(found) {
            *target *= running[first + blocks - 1];
        }
        let mut size = blocks;
        while size > 1 {
            let half = size / 2;
            for (block, target) in found.iter_mut().zip(targets) {
                let above = *block + half;
                *block = select_unpredictable(running[above - 1] < target, above, *block);
            }
            size -= half;
        }
        let mut cells = prompts;
        for ((cell, block), target) in cells.iter_mut().zip(found).zip(targets) {
            let place = block - *cell * blocks;
            let before = select_unpredictable(place == 0, 0.0, running[block.saturating_sub(1)]);
            let below = self.within[block].iter().map(|sum| u64::from(before + sum < target)).sum::<u64>();
            *cell = *cell * self.outcomes + place * BLOCK + below as usize;
        }
        cells
    }
}

/// Many searches, with the registers of this CPU.
struct Search<'a> {
    policy: &'a Snapshot,
    prompts: &'a [u64],
    units: &'a [f64],
}

impl WithSimd for Search<'_> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<usize> {
        let mut cells = Vec::with_capacity(self.prompts.len());
        let (prompts, prompts_rest) = self.prompts.as_chunks::<LANES>();
        let (units, units_rest) = self.units.as_chunks::<LANES>();
        for (prompts, units) in prompts.iter().zip(units) {
            cells.extend(self.policy.invert(prompts.map(|prompt| prompt as usize), *units));
        }
        for (prompt, unit) in prompts_rest.iter().zip(units_rest) {
            cells.extend(self.policy.invert([*prompt as usize], [*unit]));
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
                    sum += policy.prob(cell);
                    assert!((policy.log_prob(cell) - (logit - total)).abs() < 1e-12);
                    assert!((policy.prob(cell) - want).abs() < 1e-14 * want.max(1e-3));
                }
                assert!((sum - 1.0).abs() < 1e-13);
            }
        }
    }

    /// The running sum of a prompt's weights, blocks apart.
    fn running(policy: &Snapshot, prompt: usize) -> Vec<f64> {
        let row = policy.rows().nth(prompt).unwrap();
        let (mut before, mut sums) = (0.0, Vec::new());
        for block in row.weights.chunks(BLOCK) {
            let within = block.iter().scan(0.0, |sum, weight| {
                *sum += weight;
                Some(before + *sum)
            });
            sums.extend(within);
            before = sums[sums.len() - 1];
        }
        sums
    }

    /// Everything to the last bit; one NaN is as good as another.
    fn bits(policy: &Snapshot) -> Vec<u64> {
        let scales = policy.scales.iter().flat_map(|scale| [scale.shift, scale.log_total, scale.factor]);
        let blocks = policy.logits.iter().chain(&policy.weights).chain(&policy.within).flatten();
        let all = blocks.chain(&policy.sums).chain(&policy.running).copied().chain(scales);
        all.map(|x| if x.is_nan() { f64::NAN } else { x }.to_bits()).collect()
    }

    // Few or many logits change, by little or by more than a shift; zeros change their sign; some have no mass, or overflow;
    // all goes back to where it was, as at a restart; the reference and the shape change.
    #[test]
    fn what_was_before_leaves_no_trace() {
        let family = SeedTree::new(4, 0).family(Purpose::Action);
        let (mut policy, mut shifts) = (Snapshot::default(), 0);
        for (round, (prompts, outcomes)) in
            [(1, 1), (3, 2), (2, 7), (1, 8), (3, 16), (16, 3), (2, 33), (1, 1000)].into_iter().enumerate()
        {
            let cells = prompts * outcomes;
            let mut rng = family.at(round as u64);
            let mut reference = vec![-(outcomes as f64).ln(); cells];
            let (mut tilt, mut saved) = (vec![0f32; cells], vec![0f32; cells]);
            for step in 0..400 {
                let before = policy.scales.first().map(|scale| scale.shift);
                let mut any = |most: usize| rng.below(most as u64) as usize;
                let few = any(4);
                match any(12) {
                    0..6 => (0..few).for_each(|_| tilt[any(cells)] += any(100) as f32 / 50.0 - 1.0),
                    6 => tilt.iter_mut().for_each(|tilt| *tilt += any(100) as f32 / 50.0 - 1.0),
                    7 => tilt[any(cells)] += 100.0,
                    8 => tilt[any(cells)] *= -1.0,
                    9 => tilt[any(cells)] = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN, -0.0][few],
                    10 => reference[any(cells)] = [f64::NEG_INFINITY, -2.0, -0.0, -1e-30][few],
                    _ if few == 0 && tilt.iter().all(|tilt| tilt.is_finite()) => saved.clone_from(&tilt),
                    _ => tilt.clone_from(&saved),
                }
                policy.set_from(&reference, outcomes, &tilt);
                let mut fresh = Snapshot::default();
                fresh.set_from(&reference, outcomes, &tilt);
                assert_eq!(bits(&policy), bits(&fresh), "{prompts} of {outcomes}, step {step}");
                shifts += usize::from(before != Some(policy.scales[0].shift));
            }
        }
        assert!((50..1000).contains(&shifts), "{shifts}");
    }

    #[test]
    fn weights_are_kept_where_no_logit_of_their_block_has_changed() {
        let (reference, mut tilt, mut policy) = ([-1.0; 20], [0f32; 20], Snapshot::default());
        policy.set_from(&reference, 10, &tilt);
        // Marks that no computation would leave.
        policy.weights.iter_mut().for_each(|block| block[0] = 7.0);
        tilt[3] = 0.5;
        policy.set_from(&reference, 10, &tilt);
        let kept =
            |policy: &Snapshot| policy.weights.iter().map(|block| block[0] == 7.0).collect::<Vec<bool>>();
        assert_eq!(kept(&policy), [false, true, true, true]);
        // Beyond the middle between two shifts, all of that prompt is done again.
        tilt[3] = 40.0;
        policy.set_from(&reference, 10, &tilt);
        assert_eq!(kept(&policy), [false, false, true, true]);
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
                let row = running(&policy, prompt as usize);
                let place = row.iter().position(|sum| *sum >= unit * row[outcomes - 1]).unwrap();
                assert_eq!(cell, prompt as usize * outcomes + place, "{outcomes} outcomes, {unit}");
            }
            let alone = policy.sample(prompts[5] as usize, &mut family.at(5));
            assert_eq!(alone, policy.sample_all(&prompts[5..6], &units[5..6])[0]);
        }
    }
}
