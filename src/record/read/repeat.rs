//! A rollout by what identifies it, and rows that are there again.

use super::layout::Shared;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One rollout of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rollout {
    /// A hash of prompt, completion and reward.
    pub identity: u64,
    pub prompt: u64,
    /// Its row, as written.
    pub row: usize,
}

/// Which rows of a batch are those of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Repeat {
    pub of: Shared,
    pub at: Shared,
    /// Rows of the batch.
    pub batch: usize,
    /// Rows, as written, that were there before.
    pub rows: Vec<usize>,
    /// Whether they are known by their prompts and completions, and not by their rewards alone.
    pub texts: bool,
}

impl Repeat {
    /// In words, with `more` that is to be said.
    pub fn said(&self, files: &[PathBuf], more: &str) -> String {
        let Self { of, at, batch, rows, texts } = self;
        let name = |file: u32| files.get(file as usize).map(|p| p.display().to_string()).unwrap_or_default();
        let (what, whose) = if of == at {
            (format!("step {} in {}", at.step, name(at.file)), "the same step before them".to_owned())
        } else if of.step == at.step {
            (format!("step {} in {}", at.step, name(at.file)), name(of.file))
        } else {
            (format!("step {}", at.step), format!("step {}", of.step))
        };
        let by =
            if *texts { "same prompt, completion and reward" } else { "the same rewards in the same order" };
        format!(
            "{} of {batch} rollouts of {what} are those of {whose} ({by}): counted once{more}",
            rows.len()
        )
    }
}
