//! Detectors of a scenario and arm, those that no audit can tell apart together.

use crate::detectors::Access;
use crate::record::benchmark::{CaughtRow, GuardRow};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A scenario with an arm: within it detectors are compared.
pub(super) type Place = (String, String);

/// Detectors that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Their names, in the order of the config.
    pub detectors: Vec<String>,
    /// What the first may see.
    pub access: String,
    /// Why it is not ranked: a guard that did not hold.
    pub disqualified: Option<String>,
}

impl Group {
    /// The first of its names, by which tables call it: all have the same numbers.
    pub fn first(&self) -> &str {
        self.detectors.first().map_or("", String::as_str)
    }

    /// `control` or `unsupervised`. Nothing here is fitted on labels: detectors cannot name the truth.
    pub fn supervision(&self) -> &'static str {
        if self.access == Access::Control.name() { "control" } else { "unsupervised" }
    }
}

/// The groups of every place, in the order in which the rows name them.
///
/// Two detectors are one if in every run the same rows were audited at the same steps at every budget, and recall at a
/// false-positive rate of 1e-3 is the same to the last bit. Controls are never put together with detectors.
pub(super) fn groups(caught: &[CaughtRow], guards: &[GuardRow]) -> Vec<(Place, Vec<Group>)> {
    let mut failed: HashMap<&str, String> = HashMap::new();
    for guard in guards.iter().filter(|guard| !guard.held) {
        failed
            .entry(&guard.detector)
            .or_insert_with(|| format!("disqualified: {}: {}", guard.guard, guard.detail));
    }
    let mut places: Vec<Place> = Vec::new();
    let mut known: HashSet<Place> = HashSet::new();
    let mut evidence: HashMap<Place, BTreeMap<usize, Evidence<'_>>> = HashMap::new();
    let mut order: HashMap<&str, usize> = HashMap::new();
    for row in caught {
        let place = (row.scenario.clone(), row.arm.clone());
        if known.insert(place.clone()) {
            places.push(place.clone());
        }
        let next = order.len();
        let number = *order.entry(&row.detector).or_insert(next);
        let of_place = evidence.entry(place).or_default();
        let own = of_place.entry(number).or_insert_with(|| Evidence {
            detector: &row.detector,
            access: &row.access,
            seen: Vec::new(),
            scored: true,
        });
        own.scored &= !row.audit_order.is_empty();
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        let recalls = (bits(row.recall_at_fpr_1e3_early), bits(row.recall_at_fpr_1e3_after));
        own.seen.push((row.replicate, row.budget.to_bits(), &row.audit_order, recalls));
    }
    let of_place = |place: Place| {
        let mut groups: Vec<(Group, Vec<Seen<'_>>)> = Vec::new();
        for own in evidence.remove(&place).unwrap_or_default().into_values() {
            let disqualified = failed.get(own.detector).cloned();
            let twin = groups.iter_mut().find(|(group, seen)| {
                own.scored
                    && group.access_is_control() == (own.access == Access::Control.name())
                    && group.disqualified == disqualified
                    && *seen == own.seen
            });
            match twin {
                Some((group, _)) => group.detectors.push(own.detector.to_owned()),
                None => groups.push((
                    Group {
                        detectors: vec![own.detector.to_owned()],
                        access: own.access.to_owned(),
                        disqualified,
                    },
                    own.seen,
                )),
            }
        }
        (place, groups.into_iter().map(|(group, _)| group).collect())
    };
    places.into_iter().map(of_place).collect()
}

impl Group {
    fn access_is_control(&self) -> bool {
        self.access == Access::Control.name()
    }
}

/// Replicate, budget, which rows were audited when, and recall at 1e-3 in both windows.
type Seen<'a> = (u64, u64, &'a str, (Option<u64>, Option<u64>));

struct Evidence<'a> {
    detector: &'a str,
    access: &'a str,
    seen: Vec<Seen<'a>>,
    /// Whether it scored every run.
    scored: bool,
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A damaged run of `detector` in which everything was caught in time.
    pub fn caught(detector: &str, replicate: u64) -> CaughtRow {
        CaughtRow {
            scenario: "s".to_owned(),
            arm: "a".to_owned(),
            replicate,
            detector: detector.to_owned(),
            access: "reward".to_owned(),
            budget: 0.01,
            rollouts: 1000,
            sightings: 20,
            sightings_early: 5,
            damage_step: Some(30),
            audits: 10,
            first_catch: Some(3),
            caught_in_time: Some(true),
            chance_in_time: Some(0.25),
            recall_early: Some(0.5),
            precision_early: Some(0.5),
            recall_after: Some(1.0),
            precision_after: Some(0.2),
            auroc_early: Some(0.9),
            auroc_after: Some(0.9),
            recall_at_fpr_1e3_early: Some(0.5),
            recall_at_fpr_1e3_after: Some(0.5),
            smallest_mass: Some(1e-3),
            audit_order: "x".to_owned(),
            status: "ok".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::caught;
    use super::*;

    fn names(rows: &[CaughtRow], guards: &[GuardRow]) -> Vec<String> {
        groups(rows, guards)
            .into_iter()
            .flat_map(|(_, groups)| groups)
            .map(|group| group.detectors.join(" = "))
            .collect()
    }

    #[test]
    fn detectors_that_audit_the_same_rows_in_every_run_are_one() {
        let mut rows: Vec<CaughtRow> =
            ["one", "two", "three"].iter().flat_map(|d| [caught(d, 0), caught(d, 1)]).collect();
        assert_eq!(names(&rows, &[]), ["one = two = three"]);
        rows[5].audit_order = "y".to_owned();
        assert_eq!(names(&rows, &[]), ["one = two", "three"], "another order in one run");
        rows[3].recall_at_fpr_1e3_early = Some(0.5 + 1e-15);
        assert_eq!(names(&rows, &[]), ["one", "two", "three"], "another recall in one run");
    }

    #[test]
    fn refusals_controls_and_the_disqualified_stand_alone() {
        let mut rows: Vec<CaughtRow> = ["one", "two", "three", "four"].iter().map(|d| caught(d, 0)).collect();
        rows[1].access = "control".to_owned();
        rows[2].audit_order = String::new();
        let guard = GuardRow {
            scenario: "s".to_owned(),
            arm: "a".to_owned(),
            replicate: 0,
            detector: "four".to_owned(),
            guard: "leak".to_owned(),
            held: false,
            detail: "row 3".to_owned(),
        };
        assert_eq!(names(&rows, &[]), ["one = four", "two", "three"]);
        assert_eq!(names(&rows, std::slice::from_ref(&guard)), ["one", "two", "three", "four"]);
        let (_, found) = groups(&rows, &[guard]).pop().unwrap();
        assert_eq!(found[3].disqualified.as_deref(), Some("disqualified: leak: row 3"));
        assert_eq!((found[1].supervision(), found[0].supervision()), ("control", "unsupervised"));
    }
}
