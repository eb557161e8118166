//! How the command line names what the domain knows as types.

use crate::monitor::{GroupBy, Streaming};
use clap::ValueEnum;
use clap::builder::PossibleValue;

impl ValueEnum for GroupBy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Prompt, Self::Step, Self::Group]
    }
    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Prompt => ("prompt", "The same prompt, at any step"),
            Self::Step => {
                ("step", "The same step, any prompt: takes out the drift of a policy that gets better")
            }
            Self::Group => ("group", "The same prompt at the same step"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Streaming {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Spot, Self::DriftSpot]
    }
    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Spot => ("spot", "SPOT: the tail of the scores so far"),
            Self::DriftSpot => {
                ("drift-spot", "Drift SPOT: the same, relative to the mean of the last thousand scores")
            }
        };
        Some(PossibleValue::new(name).help(help))
    }
}
