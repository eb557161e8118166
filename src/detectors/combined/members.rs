//! The detectors that a combiner is made of, as a config names them.

use crate::detectors::DetectorSpec;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// One detector or more, each once: `["robust_z", { gpd_tail = { tail_fraction = 0.1 } }]`, or `robust_z+log_ratio` in one
/// word. A name alone stands for its defaults.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Members(Vec<DetectorSpec>);

/// A list of detectors that nothing can be combined from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidMembers {
    /// There is none.
    #[error("a combiner needs a member, such as \"robust_z\"")]
    Empty,
    /// One comes twice with the same settings, and would count double.
    #[error("member {name} comes twice: leave one out")]
    Twice {
        /// Its name.
        name: &'static str,
    },
}

impl Members {
    /// These detectors, if there is one and none comes twice with the same settings.
    pub fn new(members: Vec<DetectorSpec>) -> Result<Self, InvalidMembers> {
        let mut each = members.iter().enumerate();
        match each.find(|(i, member)| members.iter().take(*i).any(|earlier| earlier == *member)) {
            Some((_, member)) => Err(InvalidMembers::Twice { name: member.name() }),
            None if members.is_empty() => Err(InvalidMembers::Empty),
            None => Ok(Self(members)),
        }
    }

    /// The detectors, in their order.
    pub fn get(&self) -> &[DetectorSpec] {
        &self.0
    }

    /// Members that this program itself names, known to be there once each.
    pub(super) const fn known(members: Vec<DetectorSpec>) -> Self {
        Self(members)
    }
}

/// The detector of this name, with its defaults.
fn by_name<E: de::Error>(name: &str) -> Result<DetectorSpec, E> {
    serde_json::from_value(serde_json::json!({ name: {} })).map_err(E::custom)
}

struct Member(DetectorSpec);

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;
        impl<'de> Visitor<'de> for Named {
            type Value = Member;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a detector's name, or a table with its settings")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Member, E> {
                by_name(name).map(Member)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
                DetectorSpec::deserialize(MapAccessDeserializer::new(map)).map(Member)
            }
        }
        deserializer.deserialize_any(Named)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Listed;
        impl<'de> Visitor<'de> for Listed {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of detectors, or their names with + between them")
            }
            fn visit_str<E: de::Error>(self, names: &str) -> Result<Members, E> {
                let members = names.split('+').map(|name| by_name(name.trim())).collect::<Result<_, E>>()?;
                Members::new(members).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Members, A::Error> {
                let members = Vec::<Member>::deserialize(SeqAccessDeserializer::new(list))?;
                Members::new(members.into_iter().map(|member| member.0).collect()).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Listed)
    }
}

impl JsonSchema for Members {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Members".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = DetectorSpec::PARTS.iter().map(|part| part.name).collect();
        // The table first: faults in a member are those that it has as a detector.
        let item = generator.subschema_for::<DetectorSpec>();
        json_schema!({
            "type": "array",
            "items": { "anyOf": [item, { "type": "string", "enum": names }] },
            "minItems": 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Members, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_name_stands_for_its_defaults() {
        let by_table = read(r#"[{"robust_z": {}}, {"gpd_tail": {"tail_fraction": 0.05}}]"#).unwrap();
        assert_eq!(read(r#"["robust_z", {"gpd_tail": {}}]"#).unwrap(), by_table);
        assert_eq!(read(r#""robust_z + gpd_tail""#).unwrap(), by_table);
        let in_toml = "rank_mean = { members = [\"robust_z\", { gpd_tail = { tail_fraction = 0.05 } }] }";
        let combined = crate::detectors::combined::RankMean { members: by_table.clone() };
        assert_eq!(toml::from_str::<DetectorSpec>(in_toml).unwrap(), DetectorSpec::RankMean(combined));
        let written = serde_json::to_string(&by_table).unwrap();
        assert_eq!(read(&written).unwrap(), by_table);
    }

    #[test]
    fn errors_say_which_member_and_what() {
        for (text, needle) in [
            ("[]", "needs a member"),
            (r#"["robust_z", {"robust_z": {}}]"#, "robust_z comes twice"),
            (r#"["robust_zz"]"#, "robust_zz"),
            (r#"[{"gpd_tail": {"tail": 1}}]"#, "`tail`"),
            (r#"[{"gpd_tail": {"tail_fraction": 2}}]"#, "2 is not"),
            (r#""robust_z+""#, "unknown variant"),
            ("[3]", "a detector's name"),
            ("3", "a list of detectors"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(needle), "{text}: {message}");
        }
    }

    #[test]
    fn the_schema_refers_to_detectors_and_does_not_repeat_them() {
        let schema = schemars::schema_for!(DetectorSpec).to_value().to_string();
        assert!(schema.len() < 40_000, "{}", schema.len());
        assert!(schema.contains("\"minItems\":1"));
    }
}
