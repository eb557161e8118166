//! How many audits there are, and how many may have been spent by when.

use crate::foundation::numeric::audits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// How many trajectories may be looked at: below 1 a fraction of the rollouts, from 1 on a count over the whole run.
///
/// Written as a plain number: `1e-3`, `20`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Budget(f64);

/// A number that is no audit budget.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{value} is no audit budget: give a fraction of rollouts between 0 and 1, or a whole count from 1 on"
)]
pub struct InvalidBudget {
    /// What was given.
    pub value: f64,
}

impl Budget {
    /// Counts end where whole numbers do.
    const LARGEST: f64 = 9_007_199_254_740_992.0;

    /// A fraction strictly between 0 and 1, or a whole number from 1 to 2⁵³.
    pub fn new(value: f64) -> Result<Self, InvalidBudget> {
        let fraction = value > 0.0 && value < 1.0;
        let count = (1.0..=Self::LARGEST).contains(&value) && value.fract() == 0.0;
        if fraction || count { Ok(Self(value)) } else { Err(InvalidBudget { value }) }
    }

    /// A constant in a default, checked by the test of every default.
    pub const fn known(value: f64) -> Self {
        Self(value)
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Audits there are for so many rollouts, all at once; `None` where a fraction of them is less than one.
    pub fn of(self, rollouts: usize) -> Option<u64> {
        Some(audits(self.0, rollouts as f64) as u64).filter(|audits| *audits > 0)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Budget {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Budget".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
                { "type": "number", "minimum": 1, "maximum": Self::LARGEST, "multipleOf": 1 }
            ],
            "description": "a fraction of the rollouts below 1, or a whole count of audits from 1 on"
        })
    }
}

/// A budget spread over a run, in whole numbers from end to end, so that no credit is lost or won by rounding.
///
/// A fraction is taken as the decimal it was written as: 29% of 100 rollouts are 29 audits, although the nearest binary
/// number to 0.29 times 100 lies below 29. A fraction a gives a·B credits for a batch of B; a count M gives M/T at each of
/// T steps. What is not a whole audit yet, or could not be spent, is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `digits`/`scale` of the rollouts.
    Share { digits: u128, scale: u128 },
    /// `count` over `steps`.
    Count { count: u128, steps: u128 },
}

impl Allocation {
    /// Spreads `budget` over a run planned for `steps` batches; a fraction does not depend on `steps`, a count over no
    /// steps is due at once.
    pub fn new(budget: Budget, steps: u64) -> Self {
        if budget.get() >= 1.0 {
            return Self(Kind::Count { count: budget.get() as u128, steps: u128::from(steps.max(1)) });
        }
        // The shortest decimal that reads back as this number: at most 17 digits.
        let written = format!("{:e}", budget.get());
        let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let decimals = mantissa.split_once('.').map_or(0, |(_, after)| after.len());
        let digits: u128 = mantissa.replace('.', "").parse().unwrap_or(0);
        let places = decimals as i64 - exponent.parse::<i64>().unwrap_or(0);
        // Below 1e-38 no number of rollouts that fits into 64 bits yields an audit.
        match u32::try_from(places).ok().and_then(|places| 10u128.checked_pow(places)) {
            Some(scale) => Self(Kind::Share { digits, scale }),
            None => Self(Kind::Share { digits: 0, scale: 1 }),
        }
    }

    /// Audits that may have been spent, in all, once `batches` batches of together `rollouts` rollouts are in.
    pub fn due(&self, batches: u64, rollouts: u64) -> u64 {
        let due = match self.0 {
            Kind::Share { digits, scale } => digits * u128::from(rollouts) / scale,
            Kind::Count { count, steps } => count * u128::from(batches).min(steps) / steps,
        };
        u64::try_from(due).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation(budget: f64, steps: u64) -> Allocation {
        Allocation::new(Budget::new(budget).unwrap(), steps)
    }

    #[test]
    fn budgets_outside_the_range_are_refused_by_name() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1.5, 1e17] {
            assert!(Budget::new(value).is_err(), "{value}");
        }
        for value in [1e-300, 0.999, 1.0, 20.0] {
            assert_eq!(Budget::new(value).unwrap().get(), value);
        }
        assert_eq!(serde_json::from_str::<Vec<Budget>>("[1e-3, 20]").unwrap()[1].get(), 20.0);
        assert_eq!(serde_json::to_string(&Budget::new(1e-3).unwrap()).unwrap(), "0.001");
        let message = serde_json::from_str::<Budget>("2.5").unwrap_err().to_string();
        assert!(message.contains("2.5 is no audit budget"), "{message}");
    }

    #[test]
    fn fractions_are_the_decimals_that_were_written() {
        for percent in 1..100u64 {
            let written: f64 = format!("0.{percent:02}").parse().unwrap();
            assert_eq!(allocation(written, 0).due(1, 100), percent, "{percent}%");
        }
        assert!((0.29f64 * 100.0).floor() < 29.0, "the trap that the line above avoids");
        assert_eq!(allocation(1e-4, 0).due(300, 76_800), 7);
        assert_eq!(allocation(0.1 + 0.2, 0).due(1, 10), 3);
        assert_eq!(allocation(1e-300, 0).due(1, u64::MAX), 0);
        assert_eq!(allocation(f64::MIN_POSITIVE, 0).due(1, u64::MAX), 0);
        assert_eq!(allocation(1.0 - f64::EPSILON / 2.0, 0).due(1, 1 << 53), (1 << 53) - 1);
    }

    #[test]
    fn credit_is_carried_over_without_drift() {
        // .1 a step for a million steps: exactly one audit every tenth step.
        let tenth = allocation(0.001, 0);
        assert!((1..=1_000_000).all(|t| tenth.due(t, 100 * t) == t / 10));
    }

    #[test]
    fn counts_are_spread_evenly_and_end_exactly() {
        let seven = allocation(7.0, 20);
        let due: Vec<u64> = (1..=20).map(|t| seven.due(t, 0)).collect();
        assert_eq!(due, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 7]);
        assert_eq!(seven.due(99, 0), 7, "a run longer than planned gets no more");
        assert_eq!(allocation(7.0, 0).due(1, 0), 7);
    }
}
