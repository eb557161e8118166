//! Detectors that look at several columns at once: activations, and whatever else a row of the log holds.
//!
//! Each has a setting `columns`: the names of the feature columns to look at, or `proxy`, `length` and `log_ratio`
//! (ln π − ln π₀) for the columns that are no features. Left empty, it means every feature column but
//! [`crate::record::DISAGREEMENT`] and [`crate::record::GRADIENT_NORM`], which are looked at where they are named.
//! On the command line the names are joined by `+`: `knn:columns=proxy+length`. What is missing is refused and never filled in.

mod chi_squared;
mod columns;
mod ecod;
mod isolation_forest;
mod knn;
mod linear;
mod mahalanobis;
mod mcd;
mod neighbours;
mod spectral;
mod trees;

pub use ecod::{Ecod, Tails};
pub use isolation_forest::IsolationForest;
pub use knn::{Distance, Knn};
pub use mahalanobis::{Covariance, Mahalanobis};
pub use spectral::Spectral;
