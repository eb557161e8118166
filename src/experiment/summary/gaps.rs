//! What a config expects and no run can give, known before anything runs.

use super::closed_forms::predict;
use super::quantities;
use crate::config::{Expected, Loaded};
use crate::foundation::nearest::nearest;
use crate::record::metric::Metric;

/// An expectation that no run can meet.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Gap {
    /// Number of the arm; `None` for all that the expectation covers.
    pub arm: Option<usize>,
    /// The number.
    pub metric: String,
    /// Why.
    pub problem: String,
}

/// Expectations of a config that cannot be met: numbers that no run has, and those without the closed form they name.
pub fn gaps(loaded: &Loaded) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for expectation in &loaded.document.expect {
        let by = match &expectation.value {
            Expected::Ordered { by, .. } => Some(by),
            _ => None,
        };
        let unknown: Vec<Gap> = [Some(&expectation.metric), by]
            .into_iter()
            .flatten()
            .filter_map(|metric| absent(metric))
            .collect();
        if !unknown.is_empty() {
            gaps.extend(unknown);
            continue;
        }
        if expectation.value != Expected::ClosedForm {
            continue;
        }
        for arm in loaded.arms.iter().filter(|arm| expectation.covers(arm)) {
            if let Err(problem) = predict(&arm.document, &expectation.metric) {
                gaps.push(Gap { arm: Some(arm.index), metric: expectation.metric.clone(), problem });
            }
        }
    }
    gaps
}

/// Why no run has this number.
fn absent(metric: &str) -> Option<Gap> {
    let names = quantities::names();
    let name = Metric::parse(metric).name;
    if names.iter().any(|known| known == name) {
        return None;
    }
    let problem = match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("no run has this number; did you mean {meant}?"),
        None => "no run has this number; the metrics of summary.csv are those there are".to_owned(),
    };
    Some(Gap { arm: None, metric: metric.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_bytes;

    #[test]
    fn a_misspelt_number_is_a_gap_with_the_nearest_name() {
        let loaded = from_bytes(
            "test.toml",
            b"question = '?'\nenvironment = { bandit = {} }\ntrainer = { exact = { kl = { budget = 1 } } }\n\
              [[expect]]\nmetric = 'utlity'\nvalue = 'closed_form'\n",
            &[],
        );
        let found = gaps(&loaded.unwrap());
        assert!(found[0].problem.contains("did you mean utility?") && found.len() == 1, "{found:?}");
        assert!(absent("precision[robust_z@0.01]").is_none());
    }
}
