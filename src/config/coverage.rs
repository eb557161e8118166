//! Which arms an expectation speaks of.

use super::arm::Arm;
use super::expect::{Expectation, Expected, Published};
use super::rules::Contradiction;
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

    /// What contradicts itself, by key below the section.
    pub(super) fn contradictions(&self, arms: &[Arm]) -> Vec<Contradiction> {
        let mut found = Vec::new();
        let mut say = |key: &str, message: String, help: String| {
            found.push(Contradiction { path: key.to_owned(), message, help });
        };
        let mut met = true;
        for (key, labels) in [("arms", &self.arms), ("except", &self.except)] {
            for label in labels {
                let places: BTreeSet<usize> = arms.iter().flat_map(|arm| arm.places(label)).collect();
                if places.len() > 1 {
                    let problem = format!("two swept keys have the value {label}");
                    say(key, problem, format!("write it as key={label}"));
                    met = false;
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
                say(key, format!("no arm has the value {label}"), listed);
                met = false;
            }
        }
        if met && !arms.iter().any(|arm| self.covers(arm)) {
            say("arms", "no arm has all of these values".to_owned(), "name fewer".to_owned());
        }
        if let Expected::Ordered { at_most, .. } = &self.value
            && at_most.get() >= 0.0
        {
            say(
                "value.ordered.at_most",
                "a rank correlation of 0 or more orders nothing".to_owned(),
                "give a negative one, such as -0.95".to_owned(),
            );
        }
        if let Expected::Published(Published { standard_error: None, replicates: None, .. }) = self.value {
            say(
                "value.published",
                "a published number needs an error to be compared".to_owned(),
                "add standard_error, or replicates".to_owned(),
            );
        }
        found
    }
}
