//! Which columns a detector looks at: chosen once, at the fit, and asked of every batch after it.

use crate::detectors::input::{digits, feature_column, numbers};
use crate::foundation::failure::Status;
use crate::foundation::numeric::mean;
use crate::record::{DISAGREEMENT, GRADIENT_NORM, Observed};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// A standardised cell is cut off here, so that sums of squares cannot overflow.
const FARTHEST: f64 = 1e100;

/// What is needed where no column is named.
const ANY: &str = "feature columns";
/// What a log-ratio is made of.
const OWN: &str = "log_prob";
const REFERENCE: &str = "ref_log_prob";

/// What a setting `columns` needs of rollouts.
pub(super) fn needs(columns: &[String]) -> Vec<String> {
    if columns.is_empty() {
        return vec![ANY.to_owned()];
    }
    let made_of = |name: &String| match name.as_str() {
        "proxy" => Vec::new(),
        "log_ratio" => vec![OWN.to_owned(), REFERENCE.to_owned()],
        _ => vec![name.clone()],
    };
    columns.iter().flat_map(made_of).collect()
}

/// The names in a setting `columns`: a list, or on the command line one word, `proxy+length`.
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a list of column names, or names joined by `+`")]
    enum Names {
        Word(String),
        List(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::Word(word) => word.split('+').map(|name| name.trim().to_owned()).collect(),
        Names::List(list) => list,
    })
}

/// Columns of a batch, one slice each.
pub(super) type Cells<'a> = Vec<Cow<'a, [f64]>>;

/// The columns that a fit settled on, with their mean and spread in the calibration rollouts.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    names: Vec<String>,
    mean: Vec<f64>,
    sd: Vec<f64>,
    /// Columns that never varied in calibration, and what they held.
    constant: Vec<(String, f64)>,
}

/// A column by the name that a setting gives it.
fn column<'a>(batch: &'a Observed, name: &str) -> Result<Cow<'a, [f64]>, Status> {
    let missing = || Status::Missing { column: name.to_owned() };
    let found = match name {
        "proxy" => Cow::Borrowed(batch.proxy.as_slice()),
        "log_ratio" => {
            let (own, reference) = (numbers(batch, OWN)?, numbers(batch, REFERENCE)?);
            Cow::Owned(own.iter().zip(reference).map(|(a, b)| a - b).collect())
        }
        "length" => Cow::Borrowed(numbers(batch, name)?),
        _ => Cow::Borrowed(feature_column(batch, name).ok_or_else(missing)?),
    };
    if found.len() != batch.len() {
        return Err(missing());
    }
    match found.iter().position(|x| !x.is_finite()) {
        None => Ok(found),
        Some(row) => {
            let value = found.get(row).map_or_else(String::new, f64::to_string);
            Err(Status::NotFinite { column: name.to_owned(), row, value })
        }
    }
}

/// One finite cell of such a column.
fn cell(batch: &Observed, name: &str, row: usize) -> Option<f64> {
    let at = |column: &Option<Vec<f64>>| column.as_ref().and_then(|values| values.get(row).copied());
    let value = match name {
        "proxy" => batch.proxy.get(row).copied(),
        "length" => at(&batch.length),
        "log_ratio" => at(&batch.log_prob).zip(at(&batch.ref_log_prob)).map(|(a, b)| a - b),
        _ => {
            batch.features.iter().find(|(feature, _)| feature == name).and_then(|(_, c)| c.get(row).copied())
        }
    };
    value.filter(|x| x.is_finite())
}

impl Columns {
    /// Settles on the `wanted` columns of `calibration` (none named: every feature that is not of the policy's owner),
    /// without those that never vary. The columns come with it, one slice each.
    ///
    /// # Errors
    /// [`Status::Missing`] for a column that is not there, [`Status::NotFinite`] for a cell that is no number,
    /// [`Status::TooFew`] below two rows, [`Status::AllTied`] where no column varies.
    pub fn fit<'a>(wanted: &[String], calibration: &'a Observed) -> Result<(Self, Cells<'a>), Status> {
        let names: Vec<&str> = if wanted.is_empty() {
            let features = calibration.features.iter().map(|(name, _)| name.as_str());
            features.filter(|name| *name != DISAGREEMENT && *name != GRADIENT_NORM).collect()
        } else {
            wanted.iter().map(String::as_str).collect()
        };
        if names.is_empty() {
            return Err(Status::Missing { column: ANY.into() });
        }
        if calibration.len() < 2 {
            return Err(Status::TooFew { what: "calibration rollouts", have: calibration.len(), need: 2 });
        }
        let mut fitted = Self { names: Vec::new(), mean: Vec::new(), sd: Vec::new(), constant: Vec::new() };
        let mut kept = Vec::new();
        for name in names {
            if fitted.names.iter().any(|known| known == name) {
                return Err(Status::Degenerate { reason: "a column is named twice in `columns`" });
            }
            let values = column(calibration, name)?;
            let centre = mean(&values).unwrap_or_default();
            let squares: f64 = values.iter().map(|x| (x - centre) * (x - centre)).sum();
            let sd = (squares / values.len() as f64).sqrt();
            let first = values.first().copied().unwrap_or_default();
            if values.iter().all(|x| *x == first) {
                fitted.constant.push((name.to_owned(), first));
                continue;
            }
            if !(sd.is_finite() && sd > f64::MIN_POSITIVE) {
                return Err(Status::Undefined { reason: "the variance of a column is out of range" });
            }
            fitted.names.push(name.to_owned());
            fitted.mean.push(centre);
            fitted.sd.push(sd);
            kept.push(values);
        }
        if kept.is_empty() { Err(Status::AllTied) } else { Ok((fitted, kept)) }
    }

    /// The same columns of another batch.
    ///
    /// # Errors
    /// As [`Columns::fit`]: nothing is filled in.
    pub fn read<'a>(&self, batch: &'a Observed) -> Result<Cells<'a>, Status> {
        self.names.iter().map(|name| column(batch, name)).collect()
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Their means in calibration.
    pub fn means(&self) -> &[f64] {
        &self.mean
    }

    /// Column by column (x − mean)/sd, or x as it is.
    pub fn by_column(&self, columns: &[Cow<'_, [f64]>], standardize: bool) -> Vec<f64> {
        let mut flat = Vec::with_capacity(columns.iter().map(|c| c.len()).sum());
        for ((values, mean), sd) in columns.iter().zip(&self.mean).zip(&self.sd) {
            let (mean, sd) = if standardize { (*mean, *sd) } else { (0.0, 1.0) };
            flat.extend(values.iter().map(|x| ((x - mean) / sd).clamp(-FARTHEST, FARTHEST)));
        }
        flat
    }

    /// Row by row (x − mean)/sd, or x as it is.
    pub fn by_row(&self, columns: &[Cow<'_, [f64]>], standardize: bool) -> Vec<f64> {
        let (width, rows) = (columns.len(), columns.first().map_or(0, |c| c.len()));
        let flat = self.by_column(columns, standardize);
        let mut turned = vec![0.0; flat.len()];
        for (j, column) in flat.chunks_exact(rows.max(1)).enumerate() {
            for (cell, x) in turned.iter_mut().skip(j).step_by(width).zip(column) {
                *cell = *x;
            }
        }
        turned
    }

    /// The raw values of one row, if the batch has it and all its columns.
    pub fn row(&self, batch: &Observed, row: usize) -> Option<Vec<f64>> {
        self.names.iter().map(|name| cell(batch, name, row)).collect()
    }

    /// One row of raw values as [`Columns::by_row`] has it.
    pub fn standardized(&self, row: &[f64], standardize: bool) -> Vec<f64> {
        let cells: Vec<Cow<'_, [f64]>> = row.chunks(1).map(Cow::Borrowed).collect();
        self.by_row(&cells, standardize)
    }

    /// The columns that weigh most in a score, `hidden_3 12.1 (value 4.2, calibration mean 0.1)`, three at most.
    pub fn strongest(&self, parts: &[f64], values: &[f64]) -> String {
        let mut order: Vec<usize> = (0..parts.len().min(self.len())).collect();
        order.sort_by(|&a, &b| parts[b].abs().total_cmp(&parts[a].abs()));
        let told = order.iter().take(3).filter_map(|&j| {
            let (name, part) = (self.names.get(j)?, parts.get(j)?);
            let (value, mean) = (values.get(j)?, self.mean.get(j)?);
            Some(format!(
                "{name} {} (value {}, calibration mean {})",
                digits(*part),
                digits(*value),
                digits(*mean)
            ))
        });
        let rest = match order.len().saturating_sub(3) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        format!("{}{rest}", told.collect::<Vec<_>>().join(", "))
    }

    /// What to add about columns that never varied in calibration: nothing where there are none.
    pub fn note(&self, batch: &Observed, row: usize) -> String {
        let told = self.constant.iter().map(|(name, held)| match cell(batch, name, row) {
            Some(x) if x != *held => format!("{name} ({} in calibration, {} here)", digits(*held), digits(x)),
            _ => format!("{name} ({} in calibration)", digits(*held)),
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { String::new() } else { format!("; left out as constant: {}", told.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(features: &[(&str, &[f64])]) -> Observed {
        let rows = features.first().map_or(0, |(_, c)| c.len());
        Observed {
            proxy: (0..rows).map(|i| i as f64).collect(),
            features: features.iter().map(|(n, c)| ((*n).to_owned(), c.to_vec())).collect(),
            ..Observed::default()
        }
    }

    fn fit(wanted: &[&str], batch: &Observed) -> Result<Vec<String>, Status> {
        let wanted: Vec<String> = wanted.iter().map(|n| (*n).to_owned()).collect();
        Columns::fit(&wanted, batch).map(|(columns, _)| columns.names)
    }

    #[test]
    fn all_features_but_the_owners_unless_named() {
        let rows = [1.0, 2.0];
        let log = batch(&[("b", &rows), (DISAGREEMENT, &rows), ("a", &rows), (GRADIENT_NORM, &rows)]);
        assert_eq!(fit(&[], &log).unwrap(), ["b", "a"]);
        assert_eq!(fit(&["proxy", GRADIENT_NORM, "a"], &log).unwrap(), ["proxy", GRADIENT_NORM, "a"]);
        let only_owners = batch(&[(DISAGREEMENT, &rows)]);
        assert_eq!(fit(&[], &only_owners), Err(Status::Missing { column: "feature columns".into() }));
        for (name, column) in [("length", "length"), ("log_ratio", "log_prob"), ("c", "c")] {
            assert_eq!(fit(&[name], &log), Err(Status::Missing { column: column.into() }));
        }
        assert!(matches!(fit(&["a", "a"], &log), Err(Status::Degenerate { .. })));
        let ratio = Observed {
            log_prob: Some(vec![-1.0, -2.0]),
            ref_log_prob: Some(vec![-3.0, -2.5]),
            ..log.clone()
        };
        assert_eq!(*column(&ratio, "log_ratio").unwrap(), [2.0, 0.5]);
    }

    #[test]
    fn constant_columns_are_left_out_and_told_of() {
        let log = batch(&[("dead", &[0.0, 0.0, 0.0]), ("alive", &[1.0, 2.0, 3.0])]);
        let (columns, kept) = Columns::fit(&[], &log).unwrap();
        assert_eq!((columns.names.as_slice(), kept.len()), (&["alive".to_owned()][..], 1));
        assert_eq!(columns.note(&log, 0), "; left out as constant: dead (0 in calibration)");
        let later = batch(&[("dead", &[0.5]), ("alive", &[1.0])]);
        assert_eq!(columns.note(&later, 0), "; left out as constant: dead (0 in calibration, 0.5 here)");
        assert_eq!(fit(&["dead"], &log), Err(Status::AllTied));
    }

    #[test]
    fn nothing_is_filled_in() {
        let (columns, _) = Columns::fit(&[], &batch(&[("a", &[1.0, 2.0]), ("b", &[2.0, 1.0])])).unwrap();
        let lacking = batch(&[("a", &[1.0, 2.0])]);
        assert_eq!(columns.read(&lacking).err(), Some(Status::Missing { column: "b".into() }));
        let short = Observed { proxy: vec![0.0; 3], ..batch(&[("a", &[1.0, 2.0]), ("b", &[2.0, 1.0])]) };
        assert_eq!(columns.read(&short).err(), Some(Status::Missing { column: "a".into() }));
        let holed = batch(&[("a", &[1.0, 2.0]), ("b", &[2.0, f64::NAN])]);
        let status = columns.read(&holed).unwrap_err();
        assert_eq!(status, Status::NotFinite { column: "b".into(), row: 1, value: "NaN".into() });
        assert!(status.to_string().contains("b is NaN in row 1"), "{status}");
        assert_eq!(columns.row(&holed, 1), None);
        assert_eq!(columns.row(&holed, 2), None);
    }

    #[test]
    fn rows_and_columns_hold_the_same_cells() {
        let log = batch(&[("a", &[1.0, 3.0]), ("b", &[10.0, 30.0])]);
        let (columns, kept) = Columns::fit(&[], &log).unwrap();
        assert_eq!(columns.by_column(&kept, false), [1.0, 3.0, 10.0, 30.0]);
        assert_eq!(columns.by_row(&kept, false), [1.0, 10.0, 3.0, 30.0]);
        assert_eq!(columns.by_row(&kept, true), [-1.0, -1.0, 1.0, 1.0]);
        assert_eq!(columns.standardized(&[1e300, 30.0], true), [FARTHEST, 1.0]);
    }
}
