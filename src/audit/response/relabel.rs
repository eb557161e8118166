//! Visits of a confirmed outcome are paid what they are worth.

use super::contract::{Findings, Response, Shown, Treatment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// U ← V: what is optimised at every visit of a confirmed outcome is the true utility that the look revealed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Relabel {
    /// Steps from the look to its effect.
    pub delay: u64,
}

impl Response for Relabel {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let mut worth: Vec<(u64, f64)> =
            findings.all.iter().map(|finding| (finding.outcome, finding.revealed.utility)).collect();
        worth.sort_by_key(|(outcome, _)| *outcome);
        let find = |outcome: &u64| worth.binary_search_by_key(outcome, |(own, _)| *own).ok();
        let observed = shown.observed;
        let label = |(outcome, proxy): (&u64, &f64)| {
            find(outcome).and_then(|at| worth.get(at)).map_or(*proxy, |(_, utility)| *utility)
        };
        let known = observed.outcome.iter().any(|outcome| find(outcome).is_some());
        let labels = known.then(|| observed.outcome.iter().zip(&observed.proxy).map(label).collect());
        Treatment { labels, ..Treatment::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract::Finding;
    use super::*;
    use crate::audit::Revealed;
    use crate::record::Observed;

    #[test]
    fn every_visit_of_what_was_read_is_paid_what_it_is_worth_and_the_rest_its_proxy() {
        let finding = |outcome: u64, utility: f64| Finding {
            outcome,
            first_sampled: Some(0),
            revealed: Revealed { hack: true, utility, error: 20.0 - utility },
            features: Vec::new(),
            class: None,
        };
        let observed = Observed {
            outcome: vec![4, 9, 1, 4, 2],
            proxy: vec![20.0, 20.0, 0.5, 20.0, 20.0],
            ..Observed::default()
        };
        let labels = |all: &[Finding]| {
            let shown = Shown { observed: &observed, reference_max: 1.0, classes: None };
            let treatment = Relabel::default().treat(&shown, &Findings { all, new: 1 });
            assert_eq!(treatment, Treatment { labels: treatment.labels.clone(), ..Treatment::default() });
            treatment.labels
        };
        let both = labels(&[finding(9, -3.0), finding(4, -5.0)]).unwrap();
        assert_eq!(both, [-5.0, -3.0, 0.5, -5.0, 20.0], "2 was not read");
        assert_eq!(labels(&[finding(7, -5.0)]), None, "nothing of this batch was read");
    }
}
