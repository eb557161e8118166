//! Numbers that carry their bounds into deserialization errors and into the JSON Schema.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A value outside the bounds of its type.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{value} is not {expected}")]
pub struct OutOfRange {
    /// What was given.
    pub value: f64,
    /// What is allowed, in words.
    pub expected: &'static str,
}

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $expected:literal, |$x:ident| $valid:expr, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(f64);

        impl $name {
            /// The value, if it lies within the bounds; NaN never does.
            pub fn new($x: f64) -> Result<Self, OutOfRange> {
                if $valid { Ok(Self($x)) } else { Err(OutOfRange { value: $x, expected: $expected }) }
            }
            /// The number itself.
            pub fn get(self) -> f64 {
                self.0
            }
            /// A value that this program itself writes, such as a default; never one that was read.
            #[allow(dead_code, reason = "not every bound has a default of its own")]
            pub(crate) const fn known(value: f64) -> Self {
                Self(value)
            }
        }

        impl TryFrom<f64> for $name {
            type Error = OutOfRange;
            fn try_from(value: f64) -> Result<Self, OutOfRange> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> f64 {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

bounded!(
    /// Any finite number.
    Finite, "a finite number", |x| x.is_finite(),
    { "type": "number" }
);
bounded!(
    /// A finite number above zero.
    Positive, "a finite number above 0", |x| x.is_finite() && x > 0.0,
    { "type": "number", "exclusiveMinimum": 0 }
);
bounded!(
    /// A finite number, zero or above.
    NonNegative, "a finite number, 0 or above", |x| x.is_finite() && x >= 0.0,
    { "type": "number", "minimum": 0 }
);
bounded!(
    /// A number from 0 to 1.
    Probability, "a number from 0 to 1", |x| (0.0..=1.0).contains(&x),
    { "type": "number", "minimum": 0, "maximum": 1 }
);
bounded!(
    /// A number strictly between 0 and 1.
    OpenProbability, "a number strictly between 0 and 1", |x| x > 0.0 && x < 1.0,
    { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }
);
bounded!(
    /// A number from −1 to 1.
    Correlation, "a number from -1 to 1", |x| (-1.0..=1.0).contains(&x),
    { "type": "number", "minimum": -1, "maximum": 1 }
);

bounded!(
    /// The index of stability of a stable law: above 0, at most 2.
    Stability, "a number above 0 and at most 2", |x| x > 0.0 && x <= 2.0,
    { "type": "number", "exclusiveMinimum": 0, "maximum": 2 }
);
bounded!(
    /// Skewness parameter of a stable law: from −1 to 1.
    Skew, "a number from -1 to 1", |x| (-1.0..=1.0).contains(&x),
    { "type": "number", "minimum": -1, "maximum": 1 }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_refuse_nan_and_name_the_value() {
        for value in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert!(Positive::new(value).is_err(), "{value}");
        }
        assert!(Probability::new(f64::NAN).is_err());
        assert!(OpenProbability::new(1.0).is_err());
        assert_eq!(Positive::new(-2.0).unwrap_err().to_string(), "-2 is not a finite number above 0");
    }

    #[test]
    fn deserialization_goes_through_the_bounds() {
        assert!(serde_json::from_str::<Positive>("0.5").is_ok());
        let message = serde_json::from_str::<Positive>("-0.5").unwrap_err().to_string();
        assert!(message.contains("-0.5 is not a finite number above 0"), "{message}");
    }
}
