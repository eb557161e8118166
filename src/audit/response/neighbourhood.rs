//! Rollouts near a confirmed hack do not count.

use super::contract::{Findings, Response, Shown, Treatment, without};
use crate::foundation::scalar::Positive;
use crate::record::{DISAGREEMENT, GRADIENT_NORM, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rollout has weight 0 if it lies within `radius` of a confirmed hack, by the Euclidean distance between the policy's last
/// hidden layers. What is honest and near is removed too, and is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbourhood {
    /// Largest distance, in the units of the features.
    pub radius: Positive,
    /// Steps from the look to its effect.
    #[serde(default)]
    pub delay: u64,
}

impl Response for Neighbourhood {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn needs_features(&self) -> bool {
        true
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let most = self.radius.get() * self.radius.get();
        let columns: Vec<&[f64]> = hidden_columns(shown.observed).collect();
        let near = |row: usize, centre: &[f64]| {
            let squares = columns.iter().zip(centre).map(|(column, x)| (column[row] - x).powi(2));
            squares.sum::<f64>() <= most
        };
        let outcomes = findings.outcomes();
        without(shown.observed.len(), |row| {
            outcomes.binary_search(&shown.observed.outcome[row]).is_ok()
                || findings
                    .all
                    .iter()
                    .any(|finding| !finding.features.is_empty() && near(row, &finding.features))
        })
    }
}

/// The activations among the features, in their order.
pub fn hidden_columns(observed: &Observed) -> impl Iterator<Item = &[f64]> {
    let own = observed.features.iter().filter(|(name, _)| name != DISAGREEMENT && name != GRADIENT_NORM);
    own.map(|(_, column)| column.as_slice())
}

#[cfg(test)]
mod tests {
    use super::super::contract::Finding;
    use super::*;
    use crate::audit::Revealed;

    fn finding(outcome: u64, features: &[f64]) -> Finding {
        Finding {
            outcome,
            first_sampled: Some(0),
            revealed: Revealed { hack: true, utility: -1.0, error: 2.0 },
            features: features.to_vec(),
            class: None,
        }
    }

    fn keep(radius: f64, all: &[Finding]) -> Option<Vec<bool>> {
        let column = |name: &str, values: [f64; 6]| (name.to_owned(), values.to_vec());
        // From (1, 1): the same place, 5 by (3, 4), 5.1, 13 by (5, 12), far away, and far away in what is no activation.
        let observed = Observed {
            outcome: vec![1, 2, 3, 4, 9, 6],
            proxy: vec![0.0; 6],
            features: vec![
                column("hidden_0", [1.0, 4.0, 1.0, 6.0, 900.0, 1.0]),
                column(DISAGREEMENT, [0.0, 0.0, 0.0, 0.0, 0.0, 900.0]),
                column("hidden_1", [1.0, 5.0, 6.1, 13.0, 900.0, 1.0]),
                column(GRADIENT_NORM, [0.0, 0.0, 0.0, 0.0, 0.0, 900.0]),
            ],
            ..Observed::default()
        };
        let shown = Shown { observed: &observed, reference_max: 0.0, classes: None };
        let response = Neighbourhood { radius: Positive::known(radius), delay: 0 };
        response.treat(&shown, &Findings { all, new: all.len() }).keep
    }

    #[test]
    fn what_lies_within_the_radius_is_removed_and_nothing_else() {
        let centre = [finding(7, &[1.0, 1.0])];
        let kept = |radius| keep(radius, &centre).unwrap();
        assert_eq!(kept(4.9), [false, true, true, true, true, false]);
        assert_eq!(kept(5.0), [false, false, true, true, true, false], "the border is within");
        assert_eq!(kept(5.2), [false, false, false, true, true, false]);
        assert_eq!(kept(13.0), [false, false, false, false, true, false]);
    }

    #[test]
    fn an_outcome_that_was_confirmed_is_removed_wherever_it_lies() {
        let both = [finding(7, &[1.0, 1.0]), finding(9, &[50.0, 50.0])];
        assert_eq!(keep(5.0, &both).unwrap(), [false, false, true, true, false, false]);
        assert_eq!(
            keep(5.0, &[finding(9, &[])]).unwrap(),
            [true, true, true, true, false, true],
            "no features"
        );
        assert_eq!(keep(5.0, &[finding(7, &[50.0, 50.0])]), None, "nothing is near");
    }
}
