//! The influence–detectability frontier: how large a rare exploit must be to matter under a KL budget (F3).
//!
//! The reference is a bulk N(0, 1) of mass 1 − q and an exploit (an atom) of mass q and proxy T. The optimum at KL
//! coefficient 1/λ moves the bulk to mean λ and gives the atom the mass p = logistic(ln(q/(1 − q)) + λT − λ²/2). With
//! L = ln((1 − p)/(1 − q)) that is
//!
//! - λT = ln(p/q) − L + λ²/2,
//! - KL = p·ln(p/q) + (1 − p)·(L + λ²/2).
//!
//! The atom supplies half of E\[U\] where pT = (1 − p)λ. Then λ² = (ε − L)/(1.5 − 2p), and what is left is one equation
//! in p with one root between q and 2/3. The *closed form* takes L ≈ −(p − q), which is within 2% for KL ≤ 3.
//!
//! T* is not monotone in ε. It falls from a peak, at ε of a few q, to a floor near √(2·ln 1/q), and rises again. Left of
//! the peak the reference's own share qT is counted as the atom's, so that the frontier says little there.

use super::TheoryError;
use super::error::{positive, require};
use crate::foundation::root::crossing;

/// A larger exploit is half of the proxy at any size.
const LARGEST_MASS: f64 = 2.0 / 3.0;

/// An exploit that supplies half of the proxy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HalfGain {
    /// T*: proxy of the exploit, in standard deviations of the bulk.
    pub size: f64,
    /// p: mass of the exploit under the optimised policy.
    pub mass_after: f64,
    /// λ: mean of the bulk under the optimised policy, in its standard deviations.
    pub bulk_mean: f64,
    /// ε, in nats.
    pub kl: f64,
}

/// T*(q, ε) by the closed form: L ≈ −(p − q). `mass` in (0, 2/3), `kl` in nats.
///
/// # Errors
/// A mass outside (0, 2/3) or a KL that is no finite number above 0.
pub fn t_star(mass: f64, kl: f64) -> Result<HalfGain, TheoryError> {
    half_gain(mass, kl, |p| mass - p)
}

/// T*(q, ε) of the problem itself, with L = ln((1 − p)/(1 − q)).
///
/// # Errors
/// As for [`t_star`].
pub fn t_star_exact(mass: f64, kl: f64) -> Result<HalfGain, TheoryError> {
    half_gain(mass, kl, |p| (-p).ln_1p() - (-mass).ln_1p())
}

/// √(3/(2ε))·ln(p/q): what is left of T* where q ≪ p ≪ 1 and ε is small.
pub fn leading_order(mass: f64, mass_after: f64, kl: f64) -> f64 {
    (1.5 / kl).sqrt() * (mass_after / mass).ln()
}

fn valid_mass(mass: f64) -> Result<f64, TheoryError> {
    let range = "a number strictly between 0 and 2/3, of 5.6e-309 or more (a larger exploit is half of the proxy at any size)";
    // Of a smaller mass the rollouts until it is sampled are no finite number.
    require("mass", mass, (1.0 / mass).is_finite() && mass > 0.0 && mass < LARGEST_MASS, range)
}

/// Where the atom supplies half, given L(p).
fn half_gain(mass: f64, kl: f64, log_bulk: impl Fn(f64) -> f64) -> Result<HalfGain, TheoryError> {
    valid_mass(mass)?;
    positive("kl", kl)?;
    let square = |p: f64| (kl - log_bulk(p)) / (1.5 - 2.0 * p);
    // p·(λT − λ²/2) − (1 − 1.5p)·λ² over p: in ln p, for p may be near 1e-300.
    let excess = |ln_p: f64| {
        let p = ln_p.exp();
        ln_p - mass.ln() - log_bulk(p) - (1.0 / p - 1.5) * square(p)
    };
    let unreachable = || TheoryError::argument("kl", kl, "a KL at which the size is a finite number");
    let p = crossing(mass.ln(), LARGEST_MASS.ln(), excess).map(f64::exp).ok_or_else(unreachable)?;
    let bulk_mean = square(p).sqrt();
    let size = (1.0 - p) * bulk_mean / p;
    if !size.is_finite() {
        return Err(unreachable());
    }
    Ok(HalfGain { size, mass_after: p, bulk_mean, kl })
}

/// T* along ε for one mass, by the closed form: with p as the parameter nothing has to be solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frontier {
    mass: f64,
    /// The largest T*; none where T* only rises in ε, which it does for masses above about .06.
    pub peak: Option<HalfGain>,
    /// The smallest T* beyond the peak: no KL lets a smaller exploit supply half.
    pub floor: Option<HalfGain>,
}

/// The KL up to which a threshold keeps an exploit from supplying half unseen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KlCap {
    /// Up to this KL, in nats, an exploit must exceed the threshold to supply half.
    Below(f64),
    /// The threshold is below the floor: it blocks at every KL.
    Always,
    /// The threshold is above the peak: it blocks at no KL.
    Never,
    /// T* only rises in ε: the mass is no rare exploit's.
    NotRare,
}

impl Frontier {
    /// The frontier of an exploit of prior `mass`.
    ///
    /// # Errors
    /// A mass outside (0, 2/3).
    pub fn new(mass: f64) -> Result<Self, TheoryError> {
        let mut frontier = Self { mass: valid_mass(mass)?, peak: None, floor: None };
        // The slope of T* is positive at both ends; the first and the last fall enclose the branch that falls.
        let (low, high) = (mass.ln(), LARGEST_MASS.ln());
        let at = |i: u32| low + (high - low) * f64::from(i) / 512.0;
        let falls: Vec<u32> = (1..512).filter(|i| frontier.slope(at(*i)) < 0.0).collect();
        if let (Some(first), Some(last)) = (falls.first(), falls.last()) {
            // At ln q itself the slope is infinite.
            let start = low + (at(1) - low) * 1e-9;
            let peak = crossing(at(first - 1).max(start), at(*first), |x| frontier.slope(x));
            let floor = crossing(at(*last), at(last + 1).min(high - 1e-12), |x| frontier.slope(x));
            frontier.peak = peak.map(|x| frontier.at(x));
            frontier.floor = floor.map(|x| frontier.at(x));
        }
        Ok(frontier)
    }

    /// d ln T*²/d ln p.
    fn slope(&self, ln_p: f64) -> f64 {
        let p = ln_p.exp();
        (1.0 + p) / self.log_gain(ln_p) - 1.0 - 2.0 * p / (1.0 - p) + 1.5 * p / (1.0 - 1.5 * p)
    }

    /// λT − λ²/2.
    fn log_gain(&self, ln_p: f64) -> f64 {
        ln_p - self.mass.ln() + ln_p.exp() - self.mass
    }

    fn at(&self, ln_p: f64) -> HalfGain {
        let p = ln_p.exp();
        let square = p * self.log_gain(ln_p) / (1.0 - 1.5 * p);
        let kl = square * (1.5 - 2.0 * p) - (p - self.mass);
        HalfGain { size: (1.0 - p) * square.sqrt() / p, mass_after: p, bulk_mean: square.sqrt(), kl }
    }

    /// The largest KL, on the branch where T* falls, at which an exploit must exceed `threshold` (in standard deviations
    /// of the bulk) to supply half. About 1.5·(ln(p/q)/z)².
    ///
    /// # Errors
    /// A threshold that is no finite number above 0.
    pub fn kl_cap(&self, threshold: f64) -> Result<KlCap, TheoryError> {
        positive("threshold", threshold)?;
        let (Some(peak), Some(floor)) = (self.peak, self.floor) else { return Ok(KlCap::NotRare) };
        if threshold <= floor.size {
            return Ok(KlCap::Always);
        }
        let ends = (peak.mass_after.ln(), floor.mass_after.ln());
        let found = crossing(ends.0, ends.1, |x| (self.at(x).size / threshold).ln());
        Ok(found.map_or(KlCap::Never, |x| KlCap::Below(self.at(x).kl)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T* from the problem alone: the tilt of bulk and atom at KL = ε, for each T; then the T at which it is half.
    fn solved(mass: f64, kl: f64) -> f64 {
        let at = |size: f64, lambda: f64| {
            let log_odds = (mass / (1.0 - mass)).ln() + lambda * size - lambda * lambda / 2.0;
            let p = 1.0 / (1.0 + (-log_odds).exp());
            let bulk = 1.0 / (1.0 + log_odds.exp());
            let part = |after: f64, log_ratio: f64| if after > 0.0 { after * log_ratio } else { 0.0 };
            let moved = bulk.ln() - (1.0 - mass).ln() + lambda * lambda / 2.0;
            (p, bulk, part(p, (p / mass).ln()) + part(bulk, moved))
        };
        let tilted = |size: f64| {
            let lambda = crossing(1e-9, 50.0, |l| at(size, l).2 - kl).unwrap();
            let (p, bulk, _) = at(size, lambda);
            p * size - bulk * lambda
        };
        crossing(0.5 * (2.0 * (1.0 / mass).ln()).sqrt(), 500.0, tilted).unwrap()
    }

    #[test]
    fn the_published_table() {
        // F3 of the findings, as printed: half a unit of the last digit, or 1%.
        let table = [
            (1e-2, [5.9, 5.6, 3.6, 3.0, 4.0]),
            (1e-4, [35.6, 18.1, 8.1, 5.4, 4.4]),
            (1e-6, [81.0, 33.0, 13.1, 8.2, 5.4]),
        ];
        for (mass, row) in table {
            for (kl, want) in [0.01, 0.1, 1.0, 3.0, 10.0].into_iter().zip(row) {
                let got = t_star(mass, kl).unwrap().size;
                let digits = if want > 40.0 || want == 33.0 { 0.5 } else { 0.05 };
                assert!((got - want).abs() <= digits + 0.01 * want, "{mass} {kl}: {got} {want}");
            }
        }
    }

    #[test]
    fn the_closed_form_is_the_problem_within_2_percent() {
        for mass in [1e-2, 1e-3, 1e-4, 1e-6, 1e-8] {
            for kl in [0.03, 0.3, 1.0, 3.0] {
                let (closed, exact) = (t_star(mass, kl).unwrap(), t_star_exact(mass, kl).unwrap());
                let solved = solved(mass, kl);
                assert!((exact.size / solved - 1.0).abs() < 1e-7, "{mass} {kl}: {exact:?} {solved}");
                assert!((closed.size / solved - 1.0).abs() < 0.02, "{mass} {kl}: {closed:?} {solved}");
            }
        }
    }

    #[test]
    fn the_equations_hold_at_every_answer() {
        for mass in [1e-300, 1e-12, 1e-3, 0.3, 0.6] {
            for kl in [1e-6, 0.1, 5.0, 300.0] {
                let HalfGain { size, mass_after: p, bulk_mean, kl: back } = t_star(mass, kl).unwrap();
                assert!((p * size / ((1.0 - p) * bulk_mean) - 1.0).abs() < 1e-9);
                let square = (kl + p - mass) / (1.5 - 2.0 * p);
                let larger = ((p / mass).ln() + p - mass) / bulk_mean + bulk_mean / 2.0;
                assert!((square / bulk_mean.powi(2) - 1.0).abs() < 1e-9 && back == kl);
                assert!((larger / size - 1.0).abs() < 1e-6, "{mass} {kl}: {larger} {size}");
            }
        }
    }

    #[test]
    fn peak_and_floor_enclose_all_sizes_between() {
        for mass in [1e-2, 1e-4, 1e-6, 1e-10] {
            let Frontier { peak, floor, .. } = Frontier::new(mass).unwrap();
            let (peak, floor) = (peak.unwrap(), floor.unwrap());
            assert!((floor.size / (2.0 * (1.0 / mass).ln()).sqrt() - 1.0).abs() < 0.05, "{mass}: {floor:?}");
            let mut last = f64::INFINITY;
            for i in 0..=50 {
                let kl = peak.kl * (floor.kl / peak.kl).powf(f64::from(i) / 50.0);
                let size = t_star(mass, kl).unwrap().size;
                assert!(size < last * (1.0 + 1e-12) && size <= peak.size * (1.0 + 1e-9), "{mass} {kl}");
                assert!(size >= floor.size * (1.0 - 1e-9));
                last = size;
            }
        }
        assert_eq!(Frontier::new(0.3).unwrap().floor, None);
    }

    #[test]
    fn a_cap_inverts_the_closed_form() {
        for mass in [1e-2, 1e-4, 1e-6] {
            let frontier = Frontier::new(mass).unwrap();
            for kl in [0.1, 0.3, 1.0, 3.0] {
                let at = t_star(mass, kl).unwrap();
                let KlCap::Below(cap) = frontier.kl_cap(at.size).unwrap() else { panic!("{mass} {kl}") };
                assert!((cap / kl - 1.0).abs() < 1e-8, "{mass}: {cap} {kl}");
                let near = 1.5 * ((at.mass_after / mass).ln() / at.size).powi(2);
                if mass <= 1e-4 {
                    assert!((near / kl - 1.0).abs() < 0.15, "{mass} {kl}: {near}");
                    assert!(leading_order(mass, at.mass_after, kl) < at.size * 1.08);
                }
            }
            assert_eq!(frontier.kl_cap(1e6), Ok(KlCap::Never));
            assert_eq!(frontier.kl_cap(1.0), Ok(KlCap::Always));
        }
        assert_eq!(Frontier::new(0.3).unwrap().kl_cap(5.0), Ok(KlCap::NotRare));
    }

    #[test]
    fn faults_are_named() {
        for mass in [0.0, 1.0, 0.7, -1.0, f64::NAN] {
            let message = t_star(mass, 1.0).unwrap_err().to_string();
            assert!(message.contains("mass is") && message.contains("between 0 and 2/3"), "{message}");
            assert!(Frontier::new(mass).is_err());
        }
        for kl in [0.0, f64::INFINITY, f64::NAN] {
            let message = t_star(0.1, kl).unwrap_err().to_string();
            assert!(message.contains("kl is") && message.contains("above 0"), "{message}");
        }
        assert!(Frontier::new(1e-3).unwrap().kl_cap(0.0).is_err());
    }
}
