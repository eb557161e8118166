//! Plants exploits: picks their outcomes and gives them proxy, utility and mass.

use super::Exploit;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::record::Outcomes;

/// Outcomes of a prompt that a class occupies: as stated, or mass × K, at least one.
pub fn outcomes_of(exploit: &Exploit, outcomes: usize) -> usize {
    let spread = (exploit.mass.get() * outcomes as f64).round() as usize;
    exploit.outcomes.map_or(spread, |n| n.get() as usize).max(1)
}

/// Plants every class into the table; an `honest` reward model judges them rightly. The classes' outcomes are disjoint; the
/// caller has checked that they fit.
pub(super) fn plant(exploits: &[Exploit], honest: bool, table: &mut Outcomes, seeds: &SeedTree) {
    let picks = seeds.family(Purpose::Exploit);
    let present: Vec<Vec<bool>> = exploits
        .iter()
        .enumerate()
        .map(|(i, exploit)| prompts_of(exploit, table.prompts, &mut picks.at((1 << 32) | i as u64)))
        .collect();
    for prompt in 0..table.prompts {
        let mut rng = picks.at(prompt as u64);
        let start = prompt * table.outcomes;
        let mut free: Vec<usize> = (start..start + table.outcomes).collect();
        let mut planted: Vec<(usize, Vec<usize>)> = Vec::new();
        for (i, exploit) in exploits.iter().enumerate() {
            // Outcomes are drawn even where the class is absent, so that prompts do not shift each other's draws.
            let cells = take(&mut free, outcomes_of(exploit, table.outcomes), &mut rng);
            if present.get(i).is_some_and(|prompts| prompts[prompt]) {
                planted.push((i, cells));
            }
        }
        for (i, cells) in &planted {
            for &cell in cells {
                let exploit = &exploits[*i];
                let utility = exploit.utility.map_or(table.utility[cell], f64::from);
                table.class[cell] = *i as u32 + 1;
                table.utility[cell] = utility;
                table.error[cell] = if honest { 0.0 } else { exploit.proxy.get() - utility };
            }
        }
        share_mass(exploits, &planted, table, start);
    }
}

/// In which prompts a class exists: exactly the stated share of them, rounded, at least one.
fn prompts_of(exploit: &Exploit, prompts: usize, rng: &mut Stream) -> Vec<bool> {
    let count = ((exploit.contexts.get() * prompts as f64).round() as usize).clamp(1, prompts);
    let mut free: Vec<usize> = (0..prompts).collect();
    let mut present = vec![false; prompts];
    for prompt in take(&mut free, count, rng) {
        present[prompt] = true;
    }
    present
}

/// Takes `count` members out of `free`, uniformly.
fn take(free: &mut Vec<usize>, count: usize, rng: &mut Stream) -> Vec<usize> {
    (0..count.min(free.len())).map(|_| free.swap_remove(rng.below(free.len() as u64) as usize)).collect()
}

/// Gives each class present in a prompt its mass, evenly, and rescales the other outcomes to the rest.
fn share_mass(exploits: &[Exploit], planted: &[(usize, Vec<usize>)], table: &mut Outcomes, start: usize) {
    let row = start..start + table.outcomes;
    let claimed: f64 = planted.iter().map(|(i, _)| exploits[*i].mass.get()).sum();
    let before: f64 = planted.iter().flat_map(|(_, cells)| cells).map(|&c| table.ref_log_prob[c].exp()).sum();
    let shift = (-claimed).ln_1p() - (-before).ln_1p();
    // A uniform reference whose classes hold their natural mass stays uniform to the last bit.
    if (claimed - before).abs() > 1e-12 * claimed || planted.len() > 1 {
        for cell in row.filter(|&cell| table.class[cell] == 0) {
            table.ref_log_prob[cell] += shift;
        }
        for (i, cells) in planted {
            let each = exploits[*i].mass.get().ln() - (cells.len() as f64).ln();
            for &cell in cells {
                table.ref_log_prob[cell] = each;
            }
        }
    }
}
