//! How a status is written in JSON.

use crate::foundation::failure::Status;

/// In the place of a status where there is a number.
pub(super) const OK: &str = "ok";

/// The status's name, such as `too_few` or `aggregate`.
pub(super) fn name(status: &Status) -> String {
    let value = serde_json::to_value(status).unwrap_or_default();
    value.get("kind").and_then(|kind| kind.as_str()).unwrap_or("refused").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kinds() {
        assert_eq!(name(&Status::Aggregate), "aggregate");
        assert_eq!(name(&Status::Clipped { at: f64::INFINITY, count: 3 }), "clipped");
        assert_eq!(name(&Status::Resolution { have: 9, need: 99 }), "resolution");
        assert_eq!(name(&Status::TooFew { what: "excesses", have: 1, need: 10 }), "too_few");
    }
}
