//! Rollouts that are named by file and line: those to be read first, and some that hold a text that came since the reference.

use super::file_names::FileNames;
use super::table::{count, indented};
use crate::monitor::{ListEntry, Place, Reading, Verdict};
use std::path::Path;

/// Rollouts that are named to be read first.
const FIRST: usize = 6;

/// All rollouts that are named, with those that are not listed.
pub(super) fn named(reading: &Reading) -> impl Iterator<Item = &Path> {
    let apart = reading.apart.iter().flat_map(|apart| &apart.places);
    let examples = reading.new_text.iter().flat_map(|text| &text.examples);
    let listed = reading.list.iter().map(|entry| entry.file.as_path());
    listed.chain(apart.chain(examples).map(|place| place.file.as_path()))
}

/// Where those stand that are to be read first, unless that is all of the list (also then, if some were `printed` before it was known), and
/// some that hold a text that came since.
pub(super) fn first(reading: &Reading, printed: bool, names: &FileNames) -> String {
    let chosen = |wanted: &dyn Fn(&ListEntry) -> bool| -> Vec<Place> {
        reading.list.iter().filter(|entry| wanted(entry)).map(ListEntry::place).collect()
    };
    let (mut first, mut why) = (
        chosen(&|entry| entry.apart),
        if reading.pass_rate.is_some() && reading.apart.is_none() { "never, then always" } else { "apart" },
    );
    let mut all = first.len();
    // In the order of time, listed or not.
    if let Some(apart) = reading.apart.as_ref().filter(|apart| apart.count > all && !apart.places.is_empty())
    {
        (first, all) = (apart.places.clone(), apart.count);
    }
    let piece = reading.shared.as_ref().and_then(|shared| shared.pieces.first());
    if let (true, Verdict::Flagged, Some(piece)) = (first.is_empty(), reading.judgement.verdict, piece) {
        let holds =
            |entry: &ListEntry| entry.completion.as_deref().is_some_and(|text| piece.is_held_by(text));
        (first, why) = (chosen(&holds), "the shared text");
        all = first.len();
    }
    let (mut out, name) = (String::new(), |file: &Path| names.name(file));
    if !first.is_empty() && (printed || all != reading.list.len()) {
        // Of those that stand apart the farthest, in the order of time: the lowest may be honest.
        if why == "apart" {
            let mut farthest: Vec<f64> = first.iter().map(|at| at.score).collect();
            farthest.sort_unstable_by(|a, b| b.total_cmp(a));
            let least = farthest.get(FIRST - 1).copied().unwrap_or(f64::NEG_INFINITY);
            first.retain(|at| at.score >= least);
        }
        first.truncate(FIRST);
        let more = match all.checked_sub(first.len()) {
            Some(more @ 1..) => format!(" and {} more", count(more)),
            _ => String::new(),
        };
        out.push_str(&indented(&format!("Read first ({why}): {}{more}.", Place::all_said(&first, &name)), 0));
    }
    if let Some(text) = reading.new_text.as_ref().filter(|text| !text.examples.is_empty()) {
        let examples = Place::all_said(&text.examples, &name);
        out.push_str(&indented(&format!("Some that {}: {examples}.", text.held()), 0));
    }
    out
}
