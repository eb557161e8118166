//! One combination of the sweep's values.

use super::sections::Document;

/// One combination of the sweep's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Position in the plan.
    pub index: usize,
    /// The swept keys, as in [`super::Loaded::sweep_keys`].
    pub keys: std::sync::Arc<[String]>,
    /// The value of each swept key, in their order, short enough for a table.
    pub values: Vec<String>,
    /// The same without what all values of a key share, for figures.
    pub names: Vec<String>,
    /// The configuration of this arm, without a sweep.
    pub document: Document,
}

impl Arm {
    /// Places among the swept keys at which this arm has the value `label`, written as `value` or as `key=value`.
    pub fn places<'a>(&'a self, label: &'a str) -> impl Iterator<Item = usize> + 'a {
        let pairs = self.keys.iter().zip(&self.values).enumerate();
        pairs
            .filter(move |(_, (key, value))| {
                let named = label.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('='));
                label == value.as_str() || named == Some(value.as_str())
            })
            .map(|(place, _)| place)
    }
}
