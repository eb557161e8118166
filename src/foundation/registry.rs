//! One row per part: the table from which config names, `list`, the JSON Schema and the conformance tests come.

/// What `tailcatch list` says of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The name used in a config.
    pub name: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
    /// The paper, book or standard that it implements.
    pub source: &'static str,
}

/// Declares the closed set of parts of one kind.
///
/// A row is `"config_name" => Type: "summary", "source";`. It makes an externally tagged serde enum (so that
/// `{ student_t = { df = 2 } }` names its part by key and an error points at that key), the table `PARTS`, and
/// `part()`, which gives the trait object. The module declarations stay outside, where `cargo fmt` sees them.
#[macro_export]
macro_rules! registry {
    ($(#[$doc:meta])* $vis:vis enum $name:ident => dyn $contract:path {
        $($key:literal => $kind:ident : $summary:literal, $source:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        $vis enum $name {
            $(
                #[doc = $summary]
                #[serde(rename = $key)]
                $kind($kind),
            )+
        }

        impl $name {
            /// Every part of this kind, in the order of the registry.
            pub const PARTS: &'static [$crate::foundation::registry::Part] = &[
                $($crate::foundation::registry::Part { name: $key, summary: $summary, source: $source },)+
            ];

            /// The name used in a config.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $key,)+ }
            }

            /// The part behind its contract.
            pub fn part(&self) -> &dyn $contract {
                match self { $(Self::$kind(part) => part,)+ }
            }
        }
    };
}
