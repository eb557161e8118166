//! What a reward is made of: a column, or a weighted sum of columns, with a function over each that holds lists.

use super::cell::{Cell, NotANumber};
use super::error::Error;
use super::present::Present;
use std::fmt;
use std::str::FromStr;

/// Which columns make the reward. A name may be a function of a column of lists: `sum(c)`, `last(c)`, `max(c)`, `mean(c)`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum RewardSpec {
    /// One column as it is.
    Column(String),
    /// A weighted sum of columns. A row in which some of them are empty sums the others, as trainers do.
    Weighted(Vec<(String, f64)>),
    /// No column: nobody looks at rewards, and every row counts with a reward of 0.
    Unseen,
}

/// A function over a list of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListFunction {
    Sum,
    Last,
    Max,
    Mean,
}

impl ListFunction {
    const ALL: [(&'static str, Self); 4] =
        [("sum", Self::Sum), ("last", Self::Last), ("max", Self::Max), ("mean", Self::Mean)];

    /// The value over a list; `None` of an empty one.
    fn of(self, numbers: &[f64]) -> Option<f64> {
        let last = *numbers.last()?;
        let sum: f64 = numbers.iter().sum();
        Some(match self {
            Self::Sum => sum,
            Self::Last => last,
            // NaN in a list is NaN of the list, whatever the function.
            Self::Max if sum.is_nan() => sum,
            Self::Max => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Mean => sum / numbers.len() as f64,
        })
    }
}

/// One term of a reward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Term<'a> {
    /// As it was written.
    pub name: &'a str,
    /// The column.
    pub column: &'a str,
    pub function: Option<ListFunction>,
    pub weight: f64,
}

impl<'a> Term<'a> {
    fn of(name: &'a str, weight: f64) -> Self {
        let called = name.strip_suffix(')').and_then(|inner| inner.split_once('('));
        let function = called.and_then(|(word, column)| {
            let (_, function) = ListFunction::ALL.into_iter().find(|(known, _)| *known == word.trim())?;
            Some((function, column.trim()))
        });
        match function {
            Some((function, column)) => Self { name, column, function: Some(function), weight },
            None => Self { name, column: name, function: None, weight },
        }
    }

    /// The number of a cell; `None` where it is empty.
    pub fn value<'c>(&self, cell: &'c Cell<'c>) -> Result<Option<f64>, NotANumber<'c>> {
        match self.function {
            None => cell.parse(),
            Some(function) => Ok(function.of(&cell.numbers()?)),
        }
    }
}

impl RewardSpec {
    /// The terms; a column that is called like a function is itself.
    pub(super) fn terms(&self, present: Option<&Present>) -> Vec<Term<'_>> {
        let term = |name, weight| match present {
            Some(present) if present.columns.iter().any(|column| column.name == name) => {
                Term { name, column: name, function: None, weight }
            }
            _ => Term::of(name, weight),
        };
        match self {
            Self::Column(name) => vec![term(name, 1.0)],
            Self::Weighted(terms) => terms.iter().map(|(name, weight)| term(name, *weight)).collect(),
            Self::Unseen => Vec::new(),
        }
    }
}

impl FromStr for RewardSpec {
    type Err = Error;

    /// `score`, `sum(score)`, or `helpful=1,format=0.5`; a weight that is left out is 1.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::RewardSpec { text: text.to_owned(), reason };
        let mut terms: Vec<(String, f64)> = Vec::new();
        for term in text.split(',') {
            let (name, weight) = match term.rsplit_once('=') {
                None => (term.trim(), 1.0),
                Some((name, weight)) => match weight.trim().parse::<f64>() {
                    Ok(value) if value.is_finite() => (name.trim(), value),
                    _ => return Err(wrong(format!("the weight `{}` is not a finite number", weight.trim()))),
                },
            };
            if name.is_empty() {
                return Err(wrong("a column name is empty".to_owned()));
            }
            if terms.iter().any(|(known, _)| known == name) {
                return Err(wrong(format!("`{name}` is named twice")));
            }
            terms.push((name.to_owned(), weight));
        }
        match terms.as_slice() {
            [(name, _)] if !text.contains('=') => Ok(Self::Column(name.clone())),
            _ => Ok(Self::Weighted(terms)),
        }
    }
}

impl fmt::Display for RewardSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::Weighted(terms) => {
                for (i, (name, weight)) in terms.iter().enumerate() {
                    write!(f, "{}{weight}·{name}", if i == 0 { "" } else { " + " })?;
                }
                Ok(())
            }
            Self::Unseen => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reward_specs_are_a_name_or_weights() {
        let spec = |text: &str| text.parse::<RewardSpec>().map_err(|e| e.to_string());
        assert_eq!(spec("score"), Ok(RewardSpec::Column("score".into())));
        assert_eq!(spec("a=1, b=.5"), Ok(RewardSpec::Weighted(vec![("a".into(), 1.0), ("b".into(), 0.5)])));
        assert_eq!(spec("a,b"), Ok(RewardSpec::Weighted(vec![("a".into(), 1.0), ("b".into(), 1.0)])));
        for bad in ["", "a=", "a=nan", "=1", "a=1,a=2", "a,,b"] {
            assert!(spec(bad).is_err_and(|m| m.contains("--reward")), "{bad}");
        }
        assert_eq!(spec("a=1,b=.5").map(|s| s.to_string()), Ok("1·a + 0.5·b".into()));
    }

    #[test]
    fn functions_go_over_lists() {
        let of = |name: &str, cell: Cell<'_>| Term::of(name, 1.0).value(&cell).map_err(|e| format!("{e:?}"));
        let list = || Cell::Numbers(vec![1.0, 4.0, -2.0]);
        assert_eq!(
            ["sum(r)", "last(r)", "max(r)", "mean(r)"].map(|name| of(name, list())),
            [Ok(Some(3.0)), Ok(Some(-2.0)), Ok(Some(4.0)), Ok(Some(1.0))]
        );
        assert_eq!(of("r", list()), Err("List(3)".to_owned()));
        assert_eq!(of("r", Cell::Numbers(vec![2.0])), Ok(Some(2.0)), "a list of one is its number");
        assert_eq!(of("max(r)", Cell::Numbers(Vec::new())), Ok(None));
        assert_eq!(of("sum(r)", Cell::Bytes(b"[0.5, 1]")), Ok(Some(1.5)), "a list in a table");
        assert_eq!(of("sum(r)", Cell::Number(7.0)), Ok(Some(7.0)));
        assert_eq!(Term::of("median(r)", 1.0).column, "median(r)");
    }
}
