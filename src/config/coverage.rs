//! Which arms an expectation speaks of.

use super::arm::Arm;
use super::expect::{Expectation, Expected, Published};
use std::collections::BTreeSet;

impl Expectation {
    /// Whether it speaks of an arm.
    pub fn covers(&self, arm: &Arm) -> bool {
        let has = |label: &String| arm.places(label).next().is_some();
        self.arms.iter().all(has) && !self.except.iter().any(has)
    }

    /// Comparisons that it makes.
    pub fn comparisons(&self, arms: &[Arm]) -> usize {
        match self.value {
            Expected::Ordered { .. } => 1,
            _ => arms.iter().filter(|arm| self.covers(arm)).count(),
        }
    }

    /// What contradicts itself, as (key below the section, problem; remedy).
    pub(super) fn contradictions(&self, arms: &[Arm]) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (key, labels) in [("arms", &self.arms), ("except", &self.except)] {
            for label in labels {
                let places: BTreeSet<usize> = arms.iter().flat_map(|arm| arm.places(label)).collect();
                if places.len() > 1 {
                    let problem = format!("two swept keys have the value {label}; write it as key={label}");
                    found.push((key, problem));
                }
                if !places.is_empty() {
                    continue;
                }
                let mut known: Vec<&str> =
                    arms.iter().flat_map(|arm| &arm.values).map(String::as_str).collect();
                known.sort_unstable();
                known.dedup();
                let listed = if known.is_empty() {
                    "nothing is swept here".to_owned()
                } else {
                    format!("the swept values are {}", known.join(", "))
                };
                found.push((key, format!("no arm has the value {label}; {listed}")));
            }
        }
        if found.is_empty() && !arms.iter().any(|arm| self.covers(arm)) {
            found.push(("arms", "no arm has all of these values; name fewer".to_owned()));
        }
        if let Expected::Ordered { at_most, .. } = &self.value
            && at_most.get() >= 0.0
        {
            let problem =
                "a rank correlation of 0 or more orders nothing; give a negative one, such as -0.95";
            found.push(("value.ordered.at_most", problem.to_owned()));
        }
        if let Expected::Published(Published { standard_error: None, replicates: None, .. }) = self.value {
            let problem =
                "a published number needs an error to be compared; add standard_error, or replicates";
            found.push(("value.published", problem.to_owned()));
        }
        found
    }
}
