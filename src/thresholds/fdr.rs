//! A declared false discovery rate (Benjamini & Hochberg 1995, *JRSS B* 57:289).

use super::{Flags, comparable, proper_rate, resolving};
use crate::foundation::failure::Status;

/// Where p-values come from, which decides how small they can get.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Null {
    /// A fitted law: no smallest p-value.
    Parametric,
    /// Ranks among this many calibration rows: no p-value below 1/(n + 1).
    Conformal {
        /// n, the number of calibration rows.
        calibration: usize,
    },
    /// Ranks among calibration rows that are weighted by π/π₀: exchangeable after reweighting.
    Weighted {
        /// Effective number of calibration rows, (Σw)²/Σw².
        effective: f64,
        /// Smallest p-value that any of the tested rows could have.
        smallest: f64,
    },
}

impl Null {
    /// Refuses where no p-value can come down to `level`.
    pub(super) fn resolves(self, level: f64) -> Result<(), Status> {
        let (have, smallest) = match self {
            Self::Parametric => return Ok(()),
            Self::Conformal { calibration } => (calibration, 1.0 / (calibration as f64 + 1.0)),
            Self::Weighted { effective, smallest } => (effective as usize, smallest),
        };
        // The margin lets 1/(n + 1) meet an equal level.
        if smallest <= level * (1.0 + 1e-12) {
            return Ok(());
        }
        Err(Status::Resolution { have, need: resolving(level) })
    }
}

/// Flags by the step-up rule at false discovery rate `q`: all rows up to the largest i with p₍ᵢ₎ ≤ i·q/m.
///
/// The rate holds for p-values that are independent, or positively dependent as conformal ones are (Bates et al.
/// 2023); weighted conformal ones keep it for large calibration sets only (Jin & Candès 2023, arXiv 2307.09291). The
/// threshold is that largest i·q/m.
///
/// k discoveries need p-values of k·q/m, which conformal ones reach from n + 1 ≥ m/(k·q) calibration rows on.
///
/// # Errors
/// [`Status::Resolution`] where nothing is discovered and conformal p-values could not have reached q/m, so that a single
/// row could not have been: that takes n + 1 ≥ m/q calibration rows. [`Status::Undefined`] of a p-value or `q` out of range.
pub fn benjamini_hochberg(p_values: &[f64], q: f64, null: Null) -> Result<Flags, Status> {
    proper_rate(q)?;
    comparable(p_values)?;
    let m = p_values.len() as f64;
    let ranked = Flags::ascending(p_values, |_| true, None);
    let line = |i: usize| (i + 1) as f64 * q / m;
    // The margin lets 1/(n + 1) meet an equal q/m.
    let last = ranked
        .rows
        .iter()
        .enumerate()
        .rev()
        .find(|(i, row)| p_values[**row] <= line(*i) * (1.0 + 1e-12))
        .map(|(i, _)| i);
    match last {
        Some(i) => return Ok(Flags { rows: ranked.rows[..=i].to_vec(), threshold: Some(line(i)) }),
        None if m > 0.0 => null.resolves(q / m)?,
        None => {}
    }
    Ok(Flags { rows: Vec::new(), threshold: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_rejects_four() {
        // Benjamini & Hochberg 1995, section 3.2: 15 p-values, q = .05.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let flags = benjamini_hochberg(&p, 0.05, Null::Parametric).unwrap();
        assert_eq!(flags.rows, [0, 1, 2, 3]);
        assert!((flags.threshold.unwrap() - 4.0 * 0.05 / 15.0).abs() < 1e-15);
    }

    #[test]
    fn a_later_success_carries_earlier_failures() {
        let flags = benjamini_hochberg(&[0.04, 0.03, 0.045], 0.05, Null::Parametric).unwrap();
        assert_eq!(flags.rows, [1, 0, 2]);
        let none = benjamini_hochberg(&[0.9, 0.8], 0.05, Null::Parametric).unwrap();
        assert_eq!((none.rows, none.threshold), (vec![], None));
        assert!(benjamini_hochberg(&[], 0.05, Null::Parametric).unwrap().rows.is_empty());
    }

    #[test]
    fn too_coarse_ranks_are_refused() {
        let p = [1.0 / 200.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        let conformal = |calibration| benjamini_hochberg(&p, 0.05, Null::Conformal { calibration });
        assert_eq!(conformal(199).unwrap().rows, [0]);
        // Of 10 rows, one at 1/199 is no discovery, and could be none: that takes .05/10 = 1/200.
        let coarse = [1.0 / 199.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        let found = benjamini_hochberg(&coarse, 0.05, Null::Conformal { calibration: 198 });
        assert!(matches!(found, Err(Status::Resolution { have: 198, need: 199 })), "{found:?}");
    }

    #[test]
    fn several_discoveries_need_fewer_calibration_rows() {
        // 66 rows above all 1250 of the calibration, of 20,000: 1/1251 ≤ 66·.25/20,000, where one row would need 79,999.
        let mut p = vec![0.9; 20_000];
        p[..66].fill(1.0 / 1251.0);
        let found = benjamini_hochberg(&p, 0.25, Null::Conformal { calibration: 1250 }).unwrap();
        assert_eq!(found.rows, (0..66).collect::<Vec<_>>());
        // 63 are too few: 1/1251 > 63·.25/20,000.
        p[63..66].fill(0.9);
        let refused = benjamini_hochberg(&p, 0.25, Null::Conformal { calibration: 1250 });
        assert!(matches!(refused, Err(Status::Resolution { have: 1250, need: 79_999 })), "{refused:?}");
    }

    /// Coarse ranks keep the rate: over 2,000 logs of 950 benign rollouts and 50 hacks, a calibration of 200 and q = .2 (one
    /// discovery would need 4,999 rows), the mean share of false discoveries is at most q within 3 standard errors (.0025 each),
    /// and nearly all logs give all hacks. With p-values that are one rank too small the share is .235.
    #[test]
    fn the_rate_holds_where_ranks_are_coarse() {
        use crate::foundation::numeric::{mean, variance};
        use crate::foundation::rng::{Purpose, SeedTree};
        use crate::thresholds::conformal_p_values;
        let (q, hacks) = (0.2, 50);
        let mut shares = Vec::new();
        let mut found_all = 0;
        for log in 0..2000 {
            let mut rng = SeedTree::new(61, log).stream(Purpose::Bootstrap, 0);
            let calibration: Vec<f64> = (0..200).map(|_| rng.open_unit()).collect();
            let scores: Vec<f64> =
                (0..1000).map(|row| if row < hacks { 2.0 } else { rng.open_unit() }).collect();
            let p = conformal_p_values(&calibration, &scores).unwrap();
            let found = benjamini_hochberg(&p, q, Null::Conformal { calibration: 200 });
            let rows = found.map_or_else(|_| Vec::new(), |flags| flags.rows);
            let wrong = rows.iter().filter(|row| **row >= hacks).count();
            shares.push(wrong as f64 / rows.len().max(1) as f64);
            found_all += usize::from(rows.len() - wrong == hacks);
        }
        let error = (variance(&shares).unwrap() / 2000.0).sqrt();
        let rate = mean(&shares).unwrap();
        assert!(rate <= q + 3.0 * error && error < 0.004, "{rate} ± {error}");
        assert!(rate > 0.13, "{rate}: the test has no power");
        assert!(found_all > 1900, "{found_all}");
    }
}
