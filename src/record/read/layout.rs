//! How the numbers of a log lie in their temporary file: blocks of columns of 64-bit words, and stretches of rows.

use serde::{Deserialize, Serialize};

/// Bytes of numbers that are kept in memory.
pub(super) const IN_MEMORY: usize = 64 << 20;
/// Rows of a block.
pub(super) const BLOCK: usize = 8192;
/// Rollouts that stand for a step where a log has one a step: enough for a median, and few enough that a policy does not get much
/// better within them.
pub(super) const ROLLOUTS: usize = 32;
/// Bytes of a word.
pub(super) const WORD: usize = 8;
/// Which column of the blocks holds what; all are 64-bit words.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Layout {
    /// Row of the file.
    pub row: usize,
    pub proxy: usize,
    pub prompt: Option<usize>,
    pub members: Option<usize>,
    pub outcome: Option<usize>,
    pub length: Option<usize>,
    pub log_prob: Option<usize>,
    pub ref_log_prob: Option<usize>,
    pub advantage: Option<usize>,
    pub reward: Option<usize>,
    pub parts: Vec<(String, usize)>,
    pub features: Vec<(String, usize)>,
}

/// What all rows of a stretch share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shared {
    pub step: u64,
    pub run: u64,
    pub file: u32,
}

/// Rows that were written one after the other and share step, run and file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub shared: Shared,
    /// Its first row, as written.
    pub at: usize,
    pub rows: usize,
}

/// Offset in the file of a word.
pub(super) fn offset(width: usize, rows: usize, column: usize, row: usize) -> u64 {
    let block = row / BLOCK;
    let height = BLOCK.min(rows - block * BLOCK);
    ((block * BLOCK * width + column * height + row % BLOCK) * WORD) as u64
}
