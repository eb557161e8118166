//! What is known of a file before its rows are read.

use super::cell::Column;
use super::part::Extent;
use super::unfold::Unfold;

/// What a file holds, judged by its first rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Present {
    pub columns: Vec<Column>,
    /// How rows lie in a record.
    pub unfold: Unfold,
    /// Whether the format says that rows are means over steps.
    pub means: bool,
    /// How much of the file is read.
    pub extent: Extent,
    /// Whether numbers have a comma where a point belongs.
    pub decimal_comma: bool,
}

impl Present {
    /// Whether a column answers to this name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.answers(name))
    }
}
