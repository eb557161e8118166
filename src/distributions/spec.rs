//! The command-line form of a law: `student_t:df=2,scale=1`.

use super::DistributionSpec;
use crate::foundation::nearest::nearest;
use serde::Deserialize as _;
use serde::de::value::{Error as ValueError, MapAccessDeserializer, MapDeserializer};
use std::fmt;
use std::str::FromStr;

/// What is wrong with a law on the command line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// No law has this name.
    #[error("no distribution is named \"{name}\"{}; there are {}", hint(nearest), known.join(", "))]
    UnknownLaw {
        /// What was given.
        name: String,
        /// The most similar name.
        nearest: Option<&'static str>,
        /// Every name.
        known: Vec<&'static str>,
    },
    /// A mixture holds other laws, for which the one-line form has no place.
    #[error(
        "a mixture cannot be written on the command line: put {{ mixture = {{ components = [...] }} }} in a config"
    )]
    Mixture,
    /// The law takes no such argument.
    #[error("{law} takes no argument \"{argument}\"{}; it takes {}", hint(nearest), known.join(", "))]
    UnknownArgument {
        /// The law.
        law: &'static str,
        /// What was given.
        argument: String,
        /// The most similar argument.
        nearest: Option<String>,
        /// Every argument.
        known: Vec<String>,
    },
    /// An argument is not of the form key=value.
    #[error("\"{argument}\" in \"{law}:...\" is not of the form key=number, such as {example}")]
    NotKeyValue {
        /// The law.
        law: &'static str,
        /// What was given.
        argument: String,
        /// An argument that would be valid.
        example: String,
    },
    /// An argument is given twice.
    #[error("{law}: {argument} is given twice")]
    Repeated {
        /// The law.
        law: &'static str,
        /// The argument.
        argument: String,
    },
    /// An argument's value is no number.
    #[error("{law}: {argument} = \"{value}\" is not a number")]
    NotANumber {
        /// The law.
        law: &'static str,
        /// The argument.
        argument: String,
        /// What was given.
        value: String,
    },
    /// An argument lies outside its bounds.
    #[error("{law}: {argument}: {reason}")]
    OutOfRange {
        /// The law.
        law: &'static str,
        /// The argument.
        argument: String,
        /// The value and what is valid.
        reason: String,
    },
    /// The arguments contradict each other.
    #[error("{law}: {reason}")]
    Contradiction {
        /// The law.
        law: &'static str,
        /// Why.
        reason: String,
    },
}

fn hint(nearest: &Option<impl fmt::Display>) -> String {
    nearest.as_ref().map(|name| format!(", did you mean \"{name}\"?")).unwrap_or_default()
}

/// The law from its name and arguments, through the same deserialization as a config.
fn assemble(law: &'static str, arguments: &[(&str, f64)]) -> Result<DistributionSpec, ValueError> {
    let arguments = MapDeserializer::new(arguments.iter().copied());
    DistributionSpec::deserialize(MapAccessDeserializer::new(MapDeserializer::new(std::iter::once((
        law, arguments,
    )))))
}

/// Arguments and values of a law, in the order of its parameters; none for a mixture, whose are not numbers.
fn arguments(spec: &DistributionSpec) -> Vec<(String, f64)> {
    let tree = serde_json::to_value(spec).unwrap_or_default();
    let fields = tree.get(spec.name()).and_then(serde_json::Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| value.as_f64().map(|number| (key.clone(), number)))
        .collect()
}

impl FromStr for DistributionSpec {
    type Err = SpecError;

    /// `name` or `name:key=number,key=number`; arguments left out take their defaults.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let name = name.trim();
        let names = || Self::PARTS.iter().map(|part| part.name);
        let Some(law) = names().find(|known| *known == name) else {
            return Err(SpecError::UnknownLaw {
                name: name.to_owned(),
                nearest: nearest(name, names()),
                known: names().filter(|known| *known != "mixture").collect(),
            });
        };
        if law == "mixture" {
            return Err(SpecError::Mixture);
        }
        let contradiction = |error: ValueError| SpecError::Contradiction { law, reason: error.to_string() };
        let defaults = arguments(&assemble(law, &[]).map_err(contradiction)?);

        let mut given: Vec<(&str, f64)> = Vec::new();
        for item in rest.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let Some((key, value)) = item.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
            else {
                let example =
                    defaults.first().map(|(key, value)| format!("{key}={value}")).unwrap_or_default();
                return Err(SpecError::NotKeyValue { law, argument: item.to_owned(), example });
            };
            if !defaults.iter().any(|(known, _)| known == key) {
                return Err(SpecError::UnknownArgument {
                    law,
                    argument: key.to_owned(),
                    nearest: nearest(key, defaults.iter().map(|(known, _)| known.as_str()))
                        .map(str::to_owned),
                    known: defaults.into_iter().map(|(known, _)| known).collect(),
                });
            }
            if given.iter().any(|(known, _)| *known == key) {
                return Err(SpecError::Repeated { law, argument: key.to_owned() });
            }
            let number = value.parse().map_err(|_| SpecError::NotANumber {
                law,
                argument: key.to_owned(),
                value: value.to_owned(),
            })?;
            given.push((key, number));
        }
        assemble(law, &given).map_err(|error| {
            // The argument that fails in the same way when it stands alone is the one at fault.
            let reason = error.to_string();
            let at_fault = given.iter().find(|argument| {
                given.len() == 1
                    || assemble(law, &[**argument]).is_err_and(|alone| alone.to_string() == reason)
            });
            match at_fault {
                Some((argument, _)) => {
                    SpecError::OutOfRange { law, argument: (*argument).to_owned(), reason }
                }
                None => SpecError::Contradiction { law, reason },
            }
        })
    }
}

impl fmt::Display for DistributionSpec {
    /// The command-line form with every argument; a mixture, which has none, as `mixture(0.9*normal:… + …)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Self::Mixture(mixture) = self {
            f.write_str("(")?;
            for (i, component) in mixture.components().iter().enumerate() {
                let plus = if i == 0 { "" } else { " + " };
                write!(f, "{plus}{}*{}", component.weight, component.law)?;
            }
            return f.write_str(")");
        }
        for (i, (key, value)) in arguments(self).into_iter().enumerate() {
            f.write_str(if i == 0 { ":" } else { "," })?;
            if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
                write!(f, "{key}={value}")?;
            } else {
                write!(f, "{key}={value:e}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<DistributionSpec>().unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for part in DistributionSpec::PARTS.iter().filter(|part| part.name != "mixture") {
            let law: DistributionSpec = part.name.parse().unwrap();
            assert_eq!(law.name(), part.name);
            assert_eq!(law.to_string().parse::<DistributionSpec>().unwrap(), law);
        }
        let law: DistributionSpec = " student_t: scale = 1e-300, df=0.1 ".parse().unwrap();
        assert_eq!(law.to_string(), "student_t:df=0.1,location=0,scale=1e-300");
        assert_eq!(
            "uniform:low=5,high=9".parse::<DistributionSpec>().unwrap().to_string(),
            "uniform:low=5,high=9"
        );
    }

    #[test]
    fn errors_name_the_argument_the_value_and_what_is_valid() {
        assert!(error("studentt:df=2").contains("did you mean \"student_t\"?"));
        assert!(error("bogus").contains("there are normal, laplace"));
        assert!(error("mixture").contains("config"));
        let unknown = error("student_t:dof=2");
        assert!(
            unknown.contains("no argument \"dof\", did you mean \"df\"?; it takes df, location, scale"),
            "{unknown}"
        );
        assert_eq!(error("student_t:df=2,scale=-1"), "student_t: scale: -1 is not a finite number above 0");
        assert_eq!(error("student_t:df=0"), "student_t: df: 0 is not a finite number above 0");
        assert_eq!(error("normal:sd=nan"), "normal: sd: NaN is not a finite number above 0");
        assert_eq!(error("stable:alpha=2.1"), "stable: alpha: 2.1 is not a number above 0 and at most 2");
        assert_eq!(error("normal:sd=two"), "normal: sd = \"two\" is not a number");
        assert_eq!(error("normal:sd=1,sd=2"), "normal: sd is given twice");
        assert!(error("normal:2").contains("key=number, such as mean=0"));
        assert_eq!(error("uniform:low=3,high=2"), "uniform: low = 3 is not below high = 2");
    }

    #[test]
    fn a_mixture_is_shown_by_its_components() {
        let law: DistributionSpec = serde_json::from_str(
            r#"{"mixture": {"components": [{"weight": 0.9, "law": {"exponential": {}}}, {"weight": 0.1, "law": {"levy": {}}}]}}"#,
        )
        .unwrap();
        assert_eq!(law.to_string(), "mixture(0.9*exponential:scale=1 + 0.1*levy:location=0,scale=1)");
    }
}
