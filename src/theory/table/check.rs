//! What every closed form on a table asks of the table, and its rows as the policies read them.

use crate::foundation::exponential::exp;
use crate::foundation::numeric::CompensatedSum;
use crate::record::Outcomes;
use crate::theory::TheoryError;

/// Beyond it a square would not fit.
const LARGEST: f64 = 1e150;
/// How far Σ π₀ may be from 1; the rest is rounding of the logarithms, and is taken out.
const SLACK: f64 = 1e-6;

/// Refuses a table without cells, with columns of different lengths, with a reward that is not a number of reasonable
/// size, or with a reference that does not sum to one for a prompt.
pub(crate) fn check(table: &Outcomes) -> Result<(), TheoryError> {
    let cells = table.prompts.saturating_mul(table.outcomes);
    for (argument, length) in [
        ("the table's number of utilities", table.utility.len()),
        ("the table's number of errors", table.error.len()),
        ("the table's number of reference log-probabilities", table.ref_log_prob.len()),
    ] {
        if cells == 0 || length != cells {
            let range = format!("prompts × outcomes = {cells}, and at least 1,");
            return Err(TheoryError::argument(argument, length as f64, range));
        }
    }
    let columns: [(_, &dyn Fn(usize) -> f64); 3] = [
        ("the table's utility", &|cell| table.utility[cell]),
        ("the table's error", &|cell| table.error[cell]),
        ("the table's proxy", &|cell| table.proxy(cell)),
    ];
    for (argument, value) in columns {
        // NaN is within no range.
        let fits = |cell: usize| (-LARGEST..=LARGEST).contains(&value(cell));
        if let Some(cell) = (0..cells).find(|&cell| !fits(cell)) {
            let range = format!("a number of size at most {LARGEST:e} in cell {cell}");
            return Err(TheoryError::argument(argument, value(cell), range));
        }
    }
    for (prompt, row) in table.ref_log_prob.chunks(table.outcomes).enumerate() {
        // A logarithm of NaN, or one above 0, shows here.
        let mass: CompensatedSum = row.iter().map(|log| exp(log.min(1.0))).collect();
        let (mass, broken) = (mass.value(), row.iter().find(|log| log.is_nan()));
        if broken.is_some() || !(-SLACK..=SLACK).contains(&(mass - 1.0)) {
            let mass = broken.copied().unwrap_or(mass);
            let range = format!("1 in prompt {prompt}");
            return Err(TheoryError::argument("the sum of the reference's probabilities", mass, range));
        }
    }
    Ok(())
}
