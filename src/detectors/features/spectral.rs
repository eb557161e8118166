//! The direction in which the rows of a step spread most, and how far along it a row lies (Tran, Li & Madry 2018,
//! *NeurIPS*).

use super::columns::{Columns, names, needs};
use super::linear::{Moments, Whitener, dot};
use crate::detectors::input::{digits, scores, step_of, steps};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The score is the squared projection of a row, centred at the calibration mean, on the top right singular vector of its
/// step's rows: s = ⟨x − μ, v⟩², v = argmax Σ ⟨xᵢ − μ, v⟩² over the rows of the step, ‖v‖ = 1.
///
/// Many rollouts that share one oddity turn that vector towards it, so that each of them stands out where alone it would
/// not. With `whiten`, rows are first brought to the identity covariance of calibration, as in SPECTRE (Hayase,
/// Kong, Somani & Oh 2021): otherwise the vector is that of the ordinary spread. A score uses its own step only, and
/// all of its rows.
///
/// Refuses with [`Status::Missing`] or [`Status::NotFinite`] by name; with [`Status::TooFew`] and [`Status::Degenerate`] as
/// `mahalanobis` does, where rows are whitened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Spectral {
    /// Feature columns, `proxy`, `length` or `log_ratio`; none: every feature column.
    #[serde(deserialize_with = "names")]
    pub columns: Vec<String>,
    /// Whether rows are whitened by the calibration covariance; otherwise columns are only put on a common scale.
    pub whiten: bool,
}

impl Default for Spectral {
    fn default() -> Self {
        Self { columns: Vec::new(), whiten: true }
    }
}

impl Detector for Spectral {
    fn access(&self) -> Access {
        Access::Features
    }
    fn needs(&self) -> Vec<String> {
        needs(&self.columns)
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Frame::of(self, calibration) {
            Ok(frame) => Fitted::Ready(Box::new(frame)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

/// Squarings at most: directions that spread alike to one part in 10⁵ are still told apart.
const SQUARINGS: usize = 20;

struct Frame {
    columns: Columns,
    whitener: Option<Whitener>,
}

/// Rows of one step and the direction in which they spread most.
struct Spread {
    /// One after the other, centred at the calibration mean and scaled.
    rows: Vec<f64>,
    direction: Vec<f64>,
}

impl Frame {
    fn of(settings: &Spectral, calibration: &Observed) -> Result<Self, Status> {
        let (columns, cells) = Columns::fit(&settings.columns, calibration)?;
        if !settings.whiten {
            return Ok(Self { columns, whitener: None });
        }
        let (have, width) = (calibration.len(), columns.len());
        if have <= width {
            return Err(Status::TooFew { what: "calibration rollouts", have, need: width + 1 });
        }
        let moments = Moments::centring(&mut columns.by_column(&cells, true), width);
        let whitener = moments.whitener().ok_or(Status::Degenerate {
            reason: "a column is a linear combination of others; set whiten = false, or use fewer columns",
        })?;
        Ok(Self { columns, whitener: Some(whitener) })
    }

    /// Of standardised rows, one after the other.
    fn spread(&self, rows: &[f64]) -> Spread {
        let width = self.columns.len();
        let rows: Vec<f64> = match &self.whitener {
            Some(whitener) => rows.chunks_exact(width).flat_map(|row| whitener.whiten(row)).collect(),
            None => rows.to_vec(),
        };
        // Summed in an order of their own, so that the rows' order decides nothing. By the largest, so that nothing overflows.
        let largest = rows.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let scale = if largest > 0.0 { 1.0 / largest } else { 1.0 };
        let mut ordered: Vec<&[f64]> = rows.chunks_exact(width).collect();
        ordered.sort_by(|a, b| {
            a.iter()
                .zip(*b)
                .map(|(x, y)| x.total_cmp(y))
                .find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut gram = vec![0.0; width * width];
        for row in ordered {
            for (sums, x) in gram.chunks_exact_mut(width).zip(row) {
                for (sum, y) in sums.iter_mut().zip(row) {
                    *sum += (x * scale) * (y * scale);
                }
            }
        }
        Spread { direction: top(&gram, width), rows }
    }

    /// Standardised rows of a batch, one after the other.
    fn rows(&self, batch: &Observed) -> Result<Vec<f64>, Status> {
        Ok(self.columns.by_row(&self.columns.read(batch)?, true))
    }
}

/// The eigenvector of the largest eigenvalue of a positive semidefinite matrix: what remains of it when it is squared
/// again and again. Nothing where the matrix is 0.
fn top(matrix: &[f64], width: usize) -> Vec<f64> {
    let mut power = matrix.to_vec();
    let mut next = vec![0.0; matrix.len()];
    for _ in 0..SQUARINGS {
        let trace: f64 = power.iter().step_by(width + 1).sum();
        if trace == 0.0 {
            return vec![0.0; width];
        }
        power.iter_mut().for_each(|x| *x /= trace);
        // With trace 1, the sum of squared eigenvalues is 1 when only one is left.
        if dot(&power, &power) > 1.0 - 1e-14 {
            break;
        }
        for (i, row) in power.chunks_exact(width).enumerate() {
            for (j, other) in power.chunks_exact(width).enumerate().take(i + 1) {
                let product = dot(row, other);
                next[i * width + j] = product;
                next[j * width + i] = product;
            }
        }
        std::mem::swap(&mut power, &mut next);
    }
    let largest = (0..width).max_by(|&a, &b| power[a * width + a].total_cmp(&power[b * width + b]));
    let mut vector: Vec<f64> = power.iter().skip(largest.unwrap_or(0) * width).take(width).copied().collect();
    let norm = dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

impl Scorer for Frame {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let (rows, width) = (self.rows(batch)?, self.columns.len());
        let mut projections = Vec::with_capacity(batch.len());
        for step in steps(batch) {
            let Some(own) = rows.get(step.start * width..step.end * width) else { continue };
            let spread = self.spread(own);
            projections
                .extend(spread.rows.chunks_exact(width).map(|row| dot(row, &spread.direction).powi(2)));
        }
        scores(projections)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let (Some(values), Some(Range { start: first, end: last })) =
            (self.columns.row(batch, row), step_of(batch, row))
        else {
            return "absent".into();
        };
        let step = batch.step.get(row).map_or_else(|| "the batch".to_owned(), |step| format!("step {step}"));
        let width = self.columns.len();
        let Ok(rows) = self.rows(batch) else { return "absent".into() };
        let Some(own) = rows.get(first * width..last * width) else { return "absent".into() };
        let spread = self.spread(own);
        let projections: Vec<f64> =
            spread.rows.chunks_exact(width).map(|row| dot(row, &spread.direction).powi(2)).collect();
        let score = projections.get(row - first).copied().unwrap_or_default();
        // The direction in standardised columns: a row's projection is the sum of its cells' products with it.
        let axis = match &self.whitener {
            Some(whitener) => whitener.transposed(&spread.direction),
            None => spread.direction,
        };
        let cells = own.chunks_exact(width).nth(row - first).unwrap_or_default();
        let signed: Vec<f64> = cells.iter().zip(&axis).map(|(x, a)| x * a).collect();
        let projection: f64 = signed.iter().sum();
        let parts: Vec<f64> = signed.iter().map(|part| part * projection).collect();
        let mean = projections.iter().sum::<f64>() / projections.len().max(1) as f64;
        format!(
            "squared projection {} on the direction in which the {} rollouts of {step} spread most (mean {}), of which \
             {}{}",
            digits(score),
            last - first,
            digits(mean),
            self.columns.strongest(&parts, &values),
            self.columns.note(batch, row),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_vector_is_that_of_the_largest_eigenvalue() {
        // Eigenvectors (1, 1)/√2 with 3, (1, −1)/√2 with 1.
        let vector = top(&[2.0, 1.0, 1.0, 2.0], 2);
        assert!(vector.iter().all(|x| (x - 0.5f64.sqrt()).abs() < 1e-12), "{vector:?}");
        // The largest diagonal belongs to another eigenvector, with 2 instead of 3.8.
        let vector = top(&[2.0, 0.0, 0.0, 0.0, 1.9, 1.9, 0.0, 1.9, 1.9], 3);
        assert!(vector[0].abs() < 1e-12 && (vector[1] - vector[2]).abs() < 1e-12, "{vector:?}");
        // One part in 10⁴ apart.
        let vector = top(&[1.0, 0.0, 0.0, 1.0001], 2);
        assert!(vector[0].abs() < 1e-12, "{vector:?}");
        assert_eq!(top(&[0.0; 4], 2), [0.0; 2]);
    }
}
