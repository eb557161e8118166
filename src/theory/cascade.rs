//! A cheap reader who errs beside a dear one: is it better to have the dear one read everything, or only what the cheap one calls
//! a hack?
//!
//! At the same cost C the dear reader alone reads M = C/c_d of the largest rewards. In a cascade the cheap one reads M′ of
//! them, and the dear one what it confirms: the expected cost is M′·c_c + c_d·(s_c·T + (1 − f_c)·(M′ − T)) with T the expected
//! exploits among the M′. A hack is confirmed where both say so: sensitivity s_c·s_d, specificity 1 − (1 − f_c)(1 − f_d). M′ is
//! the largest whose expected cost is within C.

use super::TheoryError;
use super::error::{positive, require};
use super::power::{Auditor, Plan, Power};

/// A reader: how often right, and at what cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReaderCost {
    /// P(confirmed | a hack is read).
    pub sensitivity: f64,
    /// P(not confirmed | anything else is read).
    pub specificity: f64,
    /// Cost of a look.
    pub cost: f64,
}

/// What a cascade finds at a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cascade {
    /// What the dear reader alone finds.
    pub all_dear: Power,
    /// What the two find.
    pub cascade: Power,
    /// Expected looks of the dear reader in the cascade.
    pub dear_looks: f64,
}

impl Cascade {
    /// Whether the cascade confirms an exploit with the larger probability.
    pub fn is_better(&self) -> bool {
        self.cascade.p_confirmed > self.all_dear.p_confirmed
    }
}

/// Compares the two at the cost of `audits` looks of the dear reader, whose rates `plan` has.
///
/// # Errors
/// As for [`Auditor::new`] and [`Auditor::power`]; a cost that is not positive; rates outside \[0, 1\].
pub fn cascade(plan: &Plan, dear: f64, cheap: ReaderCost, audits: u64) -> Result<Cascade, TheoryError> {
    positive("cost", dear)?;
    positive("screen-cost", cheap.cost)?;
    let share = |s: f64| (0.0..=1.0).contains(&s);
    require(
        "screen-sensitivity",
        cheap.sensitivity,
        cheap.sensitivity > 0.0 && share(cheap.sensitivity),
        "above 0, at most 1",
    )?;
    require("screen-specificity", cheap.specificity, share(cheap.specificity), "a number from 0 to 1")?;
    let alone = Auditor::new(plan.clone())?;
    let both = Auditor::new(Plan {
        sensitivity: plan.sensitivity * cheap.sensitivity,
        specificity: 1.0 - (1.0 - plan.specificity) * (1.0 - cheap.specificity),
        ..plan.clone()
    })?;
    let passed = |power: &Power| {
        let benign = (power.audits as f64 - power.true_positives).max(0.0);
        cheap.sensitivity * power.true_positives + (1.0 - cheap.specificity) * benign
    };
    let budget = audits as f64 * dear;
    let within = |looks: u64| -> Result<bool, TheoryError> {
        Ok(looks as f64 * cheap.cost + dear * passed(&both.power(looks)?) <= budget)
    };
    // The cost rises with the looks: the largest number that is within the budget, at least 1.
    let (mut low, mut high) = (1, both.most_audits().min((budget / cheap.cost).floor().max(1.0) as u64));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if within(middle)? { low = middle } else { high = middle - 1 }
    }
    let found = both.power(low)?;
    Ok(Cascade { all_dear: alone.power(audits)?, dear_looks: passed(&found), cascade: found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            mass: 1e-4,
            proxy: 5.0,
            rollouts: 50_000.0,
            noise: "student_t:df=3".parse().ok(),
            rounds: 1,
            sensitivity: 1.0,
            specificity: 1.0,
        }
    }

    #[test]
    fn a_cheap_reader_who_never_errs_and_costs_nothing_lets_the_dear_one_read_hacks_alone() {
        let free = ReaderCost { sensitivity: 1.0, specificity: 1.0, cost: 1e-9 };
        let found = cascade(&plan(), 1.0, free, 20).unwrap();
        assert!(found.is_better() && found.cascade.audits > 40_000, "{found:?}");
        assert!((found.dear_looks - found.cascade.true_positives).abs() < 1e-9);
    }

    #[test]
    fn a_cheap_reader_as_dear_as_the_dear_one_only_adds_errors() {
        let dear = ReaderCost { sensitivity: 0.9, specificity: 0.9, cost: 1.0 };
        let found = cascade(&plan(), 1.0, dear, 100).unwrap();
        assert!(!found.is_better());
        assert!(found.cascade.audits < 100, "{}", found.cascade.audits);
        let cost = found.cascade.audits as f64 + found.dear_looks;
        assert!(cost <= 100.0 && cost > 95.0, "{cost}");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let reader = ReaderCost { sensitivity: 0.0, specificity: 1.0, cost: 1.0 };
        assert!(cascade(&plan(), 1.0, reader, 9).unwrap_err().to_string().contains("screen-sensitivity"));
        let reader = ReaderCost { sensitivity: 1.0, specificity: 1.0, cost: 0.0 };
        assert!(cascade(&plan(), 1.0, reader, 9).unwrap_err().to_string().contains("screen-cost"));
    }
}
