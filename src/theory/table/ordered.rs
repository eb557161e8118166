//! One prompt's outcomes in order of the proxy: groups of equal U, each with the reference's mass above and below it.

use super::{Reweighting, check};
use crate::foundation::numeric::{CompensatedSum, log_sum_exp};
use crate::record::Outcomes;
use crate::theory::TheoryError;
use std::ops::Range;

/// Outcomes of equal U. Masses are the reference's and sum to one over a prompt.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Where they stand in [`Ordered::cells`].
    place: Range<usize>,
    /// U − max U ≤ 0.
    pub depth: f64,
    /// Their mass: above 0.
    pub mass: f64,
    /// Mass with a larger U.
    pub above: f64,
    /// Mass with a smaller U.
    pub below: f64,
}

/// A prompt's groups from the largest U down; outcomes that the reference cannot draw are in none.
#[derive(Debug, Clone)]
pub(super) struct Ordered {
    /// Cells of the table, from the largest U down.
    cells: Vec<usize>,
    /// Groups, in the same order: at least one.
    pub groups: Vec<Group>,
}

/// The table's prompts in order; refuses a broken table.
pub(super) fn ordered(table: &Outcomes) -> Result<Vec<Ordered>, TheoryError> {
    check(table)?;
    Ok((0..table.prompts).map(|prompt| Ordered::of(table, prompt)).collect())
}

impl Ordered {
    fn of(table: &Outcomes, prompt: usize) -> Self {
        let row = prompt * table.outcomes..(prompt + 1) * table.outcomes;
        let log_mass = log_sum_exp(&table.ref_log_prob[row.clone()]);
        let mass = |cell: usize| (table.ref_log_prob[cell] - log_mass).exp();
        let mut ranked: Vec<(f64, usize)> =
            row.filter(|cell| mass(*cell) > 0.0).map(|cell| (table.proxy(cell), cell)).collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let top = ranked.first().map_or(0.0, |first| first.0);
        let mut groups: Vec<Group> = Vec::new();
        let (mut start, mut above) = (0, CompensatedSum::default());
        for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
            let mass: f64 = tied.iter().map(|(_, cell)| mass(*cell)).collect::<CompensatedSum>().value();
            let place = start..start + tied.len();
            start = place.end;
            groups.push(Group { place, depth: tied[0].0 - top, mass, above: above.value(), below: 0.0 });
            above.add(mass);
        }
        let mut below = CompensatedSum::default();
        for group in groups.iter_mut().rev() {
            group.below = below.value();
            below.add(group.mass);
        }
        Self { cells: ranked.into_iter().map(|(_, cell)| cell).collect(), groups }
    }
}

/// The policy that gives all outcomes of a group the same ln(π/π₀).
pub(super) fn reweighted(
    prompts: &[Ordered],
    table: &Outcomes,
    multiplier: Option<f64>,
    mut ratio: impl FnMut(usize, &Group) -> f64,
) -> Reweighting {
    let mut log_ratio = vec![f64::NEG_INFINITY; table.len()];
    for (prompt, ordered) in prompts.iter().enumerate() {
        for group in &ordered.groups {
            let ratio = ratio(prompt, group);
            ordered.cells[group.place.clone()].iter().for_each(|cell| log_ratio[*cell] = ratio);
        }
    }
    Reweighting { log_ratio, multiplier }
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::*;

    #[test]
    fn ties_are_one_group_and_impossible_outcomes_are_in_none() {
        let mut table = table(&[0.25, 0.5, 0.0, 0.25], &[1.0, 3.0, 9.0, 1.0]);
        table.ref_log_prob[2] = f64::NEG_INFINITY;
        let prompts = ordered(&table).unwrap();
        let groups: Vec<_> = prompts[0].groups.iter().map(|g| (g.depth, g.mass, g.above, g.below)).collect();
        assert_eq!(groups, [(0.0, 0.5, 0.0, 0.5), (-2.0, 0.5, 0.5, 0.0)]);
        let policy = reweighted(&prompts, &table, None, |_, group| group.depth);
        assert_eq!(policy.log_ratio, [-2.0, 0.0, f64::NEG_INFINITY, -2.0]);
    }
}
