//! Where the values of the first key stand.

use crate::plots::arms;
use crate::plots::scale::Kind;
use crate::record::folder::RunFolder;

/// The first key's values: on a scale if they are numbers, else by name.
pub(super) struct Axis {
    /// Names where they are no numbers.
    pub names: Option<Vec<String>>,
    raw: Vec<String>,
    /// The scale of numbers.
    pub kind: Kind,
}

impl Axis {
    pub fn of(run: &RunFolder) -> Self {
        let (mut raw, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for arm in &run.plan.arms {
            if let (Some(value), Some(name)) = (arm.values.first(), arm.name(0))
                && !raw.contains(value)
            {
                raw.push(value.clone());
                names.push(arms::readable(name));
            }
        }
        match arms::numbers(run, 0) {
            Some(numbers) => Self { names: None, raw, kind: Kind::of_sweep(&numbers) },
            None => Self { names: Some(names), raw, kind: Kind::Linear },
        }
    }

    /// Where a value stands.
    pub fn position(&self, value: &str) -> Option<f64> {
        match self.names {
            Some(_) => self.raw.iter().position(|v| v == value).map(|i| i as f64),
            None => value.replace('_', "").parse().ok(),
        }
    }

    /// The name at a position.
    pub fn category(&self, position: f64) -> String {
        let names = self.names.as_deref().unwrap_or_default();
        names.get(position as usize).cloned().unwrap_or_default()
    }
}
