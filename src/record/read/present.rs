//! What is known of a file before its rows are read.

use super::cell::Column;
use super::unfold::Unfold;

/// What a file holds, judged by its first rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Present {
    pub columns: Vec<Column>,
    /// How rows lie in a record.
    pub unfold: Unfold,
    /// Whether the format says that rows are means over steps.
    pub means: bool,
    /// Bytes to which the file may expand.
    pub limit: u64,
    /// Whether numbers have a comma where a point belongs.
    pub decimal_comma: bool,
}

impl Present {
    /// Whether a column answers to this name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.answers(name))
    }
}
