//! Entries of rewards of a few values: the first rollouts of prompts that go from never passing to always, and why others are listed.

use super::entries::{ListEntry, cut, texts};
use super::gather::ELSEWHERE;
use super::pass_rate::PassRate;
use super::visits::Jump;
use crate::foundation::format::table;
use crate::record::{Error, Log, Rollouts};

/// Prompts of which a rollout is listed.
pub(in crate::monitor) const JUMPS: usize = 5;

/// The first rollouts of prompts that go from never passing to always, those that are shown to do so first.
fn of_jumps(log: &Log<Rollouts>, rates: &PassRate) -> Result<Vec<ListEntry>, Error> {
    let (shown, near) =
        (rates.jumps.iter().map(|jump| (jump, true)), rates.near.iter().map(|jump| (jump, false)));
    let own: Vec<(&Jump, bool)> =
        shown.chain(near).filter(|(jump, _)| jump.row < ELSEWHERE).take(JUMPS).collect();
    let rows: Vec<usize> = own.iter().map(|(jump, _)| jump.row as usize).collect();
    let mut entries = Vec::with_capacity(rows.len());
    for (((jump, apart), row), found) in own.into_iter().zip(&rows).zip(texts(log, &rows)?) {
        let origin = log.rollouts.origin(*row)?;
        let reward = log.rollouts.rewards(*row..row + 1)?.first().copied().unwrap_or_default();
        entries.push(ListEntry {
            step: jump.step,
            file: log.meta.files.get(origin.file).cloned().unwrap_or_default(),
            row: origin.row,
            line: found.line.or(origin.line),
            reward,
            parts: if found.parts.len() > 1 { found.parts } else { Vec::new() },
            centre: reward,
            score: 0.0,
            rank: 1,
            of: jump.after as u64,
            expected_benign: 0.0,
            reference: false,
            apart,
            by_step: false,
            prompt: found.prompt,
            completion: found.completion.as_deref().map(cut),
            reason: format!("first {}", jump.said()),
        });
    }
    Ok(entries)
}

/// Puts the first rollouts of such prompts on the list of those that pass, and says of the others that they do.
pub(super) fn list(
    log: &Log<Rollouts>,
    rates: &PassRate,
    noun: &str,
    mut list: Vec<ListEntry>,
) -> Result<Vec<ListEntry>, Error> {
    let jumps = of_jumps(log, rates)?;
    list.retain(|entry| !jumps.iter().any(|jump| (&jump.file, jump.row) == (&entry.file, entry.row)));
    for entry in list.iter_mut().filter(|entry| entry.reward > rates.above && !entry.apart) {
        entry.reason = match entry.centre > rates.above {
            true => format!("is paid {}, where {noun} is {}", table(entry.reward), table(entry.centre)),
            false => format!("passes, where {noun} is {}", table(entry.centre)),
        };
    }
    list.extend(jumps);
    list.sort_by_key(|entry| (!entry.reference, entry.step));
    Ok(list)
}
