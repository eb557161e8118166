//! Parts of a map that were run apart, as one.

use super::super::benchmark::table;
use super::trainers;
use crate::experiment::error::ExperimentError;
use crate::record::verdict::{AnswerRow, CellRow, EndsRow, Tables, TrainerRow};
use std::path::Path;

/// Puts the tables of parts together in `out`, in their order: cells, programmes and ends as they are; what is said over the whole map,
/// of discoveries and of trainers, anew.
///
/// # Errors
/// A table that cannot be written.
pub fn together(parts: Vec<Tables>, out: &Path) -> Result<Tables, ExperimentError> {
    let mut all = Tables::default();
    for part in parts {
        all.cells.extend(part.cells);
        all.answers.extend(part.answers);
        all.ends.extend(part.ends);
    }
    all.cells.iter_mut().for_each(|cell| cell.discovery = None);
    // Counts always give p-values between 0 and 1.
    if trainers::discover(&mut all.cells).is_err() {
        all.cells.iter_mut().for_each(|cell| cell.discovery = None);
    }
    all.trainers = trainers::trainers(&all.cells);
    table(out, CellRow::FILE, CellRow::COLUMNS, &all.cells)?;
    table(out, AnswerRow::FILE, AnswerRow::COLUMNS, &all.answers)?;
    table(out, EndsRow::FILE, EndsRow::COLUMNS, &all.ends)?;
    table(out, TrainerRow::FILE, TrainerRow::COLUMNS, &all.trainers)?;
    Ok(all)
}
