//! Whether a run ended at the KL that it was told to reach.

use crate::record::metric::{KL_ABOVE, KL_BELOW};
use std::fmt;

/// Largest distance from the target, as a share of it, at which it counts as reached.
const MARGIN: f64 = 0.05;

/// How a run stands to the KL that its trainer was told to reach or to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KlStatus {
    /// Within 5% of the target.
    Ok,
    /// More than 5% below it: what was to be compared at this KL is compared at a smaller one.
    Below,
    /// More than 5% above it.
    Above,
}

impl KlStatus {
    /// Of a run that ended at `kl`, in nats.
    pub fn of(kl: f64, target: f64) -> Self {
        if (kl - target).abs() <= MARGIN * target {
            Self::Ok
        } else if kl < target {
            Self::Below
        } else {
            Self::Above
        }
    }

    /// As written in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Below => KL_BELOW,
            Self::Above => KL_ABOVE,
        }
    }
}

impl fmt::Display for KlStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_percent_on_either_side_are_near_enough() {
        for (kl, status) in [
            (0.1, KlStatus::Ok),
            (0.0951, KlStatus::Ok),
            (0.1049, KlStatus::Ok),
            (0.0949, KlStatus::Below),
            (0.0, KlStatus::Below),
            (0.1051, KlStatus::Above),
            (f64::INFINITY, KlStatus::Above),
            (f64::NAN, KlStatus::Above),
        ] {
            assert_eq!(KlStatus::of(kl, 0.1), status, "{kl}");
        }
    }
}
