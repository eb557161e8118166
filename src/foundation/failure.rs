//! Why a number is not there: the statuses that stand in its place.

use super::format::{sentence, table};
use serde::Serialize;
use std::fmt;

/// A reason for which a quantity has no value. It is printed in the place of the number.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum Status {
    /// Fewer values than the method needs.
    TooFew {
        /// What is counted, for example `excesses`.
        what: &'static str,
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// Ranks among n calibration rows come in steps of 1/(n + 1), which is too coarse for what was asked.
    Resolution {
        /// n; under weights their effective number, rounded down.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// All values are equal, so nothing can be ranked or scaled.
    AllTied,
    /// The median absolute deviation is 0: more than half of the values are equal.
    ZeroMad,
    /// A column that the method needs is not in the data.
    Missing {
        /// The column.
        column: String,
    },
    /// The system did not let a file be read, which says nothing of what stands in it.
    Unreadable {
        /// The file, and what the system said.
        problem: String,
    },
    /// A cell of a column is NaN or infinite, and the method has no use for it.
    NotFinite {
        /// The column.
        column: String,
        /// 0-based row of the batch.
        row: usize,
        /// What stands there, as text: a number that JSON cannot hold.
        value: String,
    },
    /// Each row is a mean over a training step: there is no tail to read.
    Aggregate,
    /// Too few distinct values for a tail index.
    Discrete {
        /// How many distinct values there are.
        distinct: usize,
    },
    /// A share of the values sits exactly at the largest: the tail was cut off.
    Clipped {
        /// The largest value.
        at: f64,
        /// How many values equal it.
        count: usize,
    },
    /// A share of the values sits exactly at the largest, because the same completions came again and again.
    Repeated {
        /// The largest value.
        at: f64,
        /// How many equal it.
        count: usize,
        /// How many completions they are.
        completions: usize,
    },
    /// The largest values stand apart from the rest: one law for both says nothing of either.
    Mixture {
        /// The smallest of them.
        from: f64,
        /// How many they are.
        count: usize,
        /// The largest of the others.
        below: f64,
    },
    /// The top of the values has moved during training: pooled, its tail is that of one part of the log.
    Shifted {
        /// First and last step at the beginning.
        steps: [u64; 2],
        /// What 5% of the rollouts of these steps exceed.
        level: f64,
        /// First and last step of those whose top is elsewhere.
        later_steps: [u64; 2],
        /// What 5% of the rollouts of these steps exceed.
        later_level: f64,
    },
    /// The likelihood grows without bound, so there is no maximum to report.
    Unbounded,
    /// The estimator's value does not exist for this input.
    Undefined {
        /// Why.
        reason: &'static str,
    },
    /// Every member of a combination has a status of its own.
    NoMember {
        /// The members with their statuses.
        reasons: String,
    },
    /// One of two classes is empty.
    OneClass,
    /// The comparison cannot come out differently, whatever is measured.
    Degenerate {
        /// Why.
        reason: &'static str,
    },
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { what, have, need } => write!(f, "insufficient: {have} {what}, {need} needed"),
            Self::Resolution { have, need } => write!(
                f,
                "resolution: {have} calibration rows cannot tell rates below 1/{} apart, {need} needed",
                have.saturating_add(1)
            ),
            Self::AllTied => write!(f, "degenerate: all values are equal"),
            Self::ZeroMad => write!(f, "degenerate: MAD is 0 (more than half of the values are equal)"),
            Self::Missing { column } => write!(f, "needs {column}"),
            Self::Unreadable { problem } => f.write_str(problem),
            Self::NotFinite { column, row, value } => {
                write!(
                    f,
                    "undefined: {column} is {value} in row {row}; drop the row, or leave the column out"
                )
            }
            Self::Aggregate => {
                write!(f, "aggregate: each row is a step mean, so the rollouts' tail is not in this file")
            }
            Self::Discrete { distinct } => {
                write!(f, "discrete: {distinct} distinct values, ξ is not identifiable")
            }
            Self::Clipped { at, count } => {
                write!(
                    f,
                    "{count} equal values at {}, the largest: clipped, or one completion again and again; ξ is not \
                     identifiable",
                    sentence(*at)
                )
            }
            Self::Repeated { at, count, completions } => write!(
                f,
                "repeated: the {count} equal values at {}, the largest, are {}: nothing was clipped, and ξ is not identifiable",
                table(*at),
                match completions {
                    1 => "one completion again and again".to_owned(),
                    several => format!("{several} completions again and again"),
                }
            ),
            Self::Mixture { from, count, below } => write!(
                f,
                "mixture: {} from {} up, none between {} and {}; no single tail fits both",
                if *count == 1 { "1 value lies".to_owned() } else { format!("{count} values lie") },
                table(*from),
                table(*below),
                table(*from)
            ),
            Self::Shifted { steps, level, later_steps, later_level } => write!(
                f,
                "shifted: the top 5% began at {} in steps {}–{} and is at {} in {}–{}: pooled, the tail is that of the {} policy",
                table(*level),
                steps[0],
                steps[1],
                table(*later_level),
                later_steps[0],
                later_steps[1],
                if later_level > level { "later" } else { "earlier" }
            ),
            Self::Unbounded => write!(f, "unbounded: the likelihood has no maximum"),
            Self::Undefined { reason } => write!(f, "undefined: {reason}"),
            Self::NoMember { reasons } => write!(f, "no member is left: {reasons}"),
            Self::OneClass => write!(f, "insufficient: one of the two classes is empty"),
            Self::Degenerate { reason } => write!(f, "degenerate: {reason}"),
        }
    }
}
