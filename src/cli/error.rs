//! What can be wrong with a command line beyond its syntax.

use crate::foundation::nearest::nearest;
use crate::foundation::registry::Part;
use crate::monitor::watch::StateError;
use std::io;

/// Why a command line cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Standard output or a file of output could not be written.
    #[error("cannot write {what}")]
    Output {
        /// To where.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A state could not be read or written.
    #[error(transparent)]
    State(StateError),
    /// A name that no part has.
    #[error("there is no {kind} `{name}`")]
    UnknownPart {
        /// Kind of part, in words.
        kind: &'static str,
        /// The name.
        name: String,
        /// The parts there are.
        parts: &'static [Part],
    },
    /// Settings that a part does not take.
    #[error("{kind} `{text}`: {reason}")]
    PartSettings {
        /// Kind of part, in words.
        kind: &'static str,
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value that does not fit the data.
    #[error("{flag}: {reason}")]
    Value {
        /// The flag.
        flag: &'static str,
        /// What is wrong.
        reason: String,
        /// What to do.
        help: String,
    },
}

impl Error {
    /// Whether the command line is to blame, and not the machine.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Output { .. } | Self::State(_))
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Output { .. } => None,
            Self::State(_) => Some("give another file with --state FILE".to_owned()),
            Self::UnknownPart { name, parts, .. } => {
                let near = nearest(name, parts.iter().map(|part| part.name))
                    .map(|name| format!("did you mean `{name}`? "))
                    .unwrap_or_default();
                let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
                Some(format!("{near}there are {}; `tailcatch list` describes them", names.join(", ")))
            }
            Self::PartSettings { .. } => {
                Some("write a name, with settings after a colon: `name:key=value,key=value`".to_owned())
            }
            Self::Value { help, .. } => Some(help.clone()),
        }
    }
}
