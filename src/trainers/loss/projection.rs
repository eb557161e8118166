//! Bringing a policy back to a KL: the largest share of its log-ratio to the reference that may stay.

use crate::policies::Bend;

/// Least KL, as a share of what is allowed, that is near enough.
const NEAR: f64 = 1.0 - 1e-6;
/// Most evaluations: after the first few the interval is at least halved every second time.
const MOST: usize = 200;
/// Evaluations that are left to Halley's rule alone.
const FREE: usize = 6;

/// The largest s ≤ 1 with KL(π_s‖π₀) ≤ `most`, where π_s ∝ π₀·exp(s·ln(π/π₀)) and `kl(s)` is its KL, which rises with s,
/// with its derivatives. The KL at what comes back lies within 10⁻⁶ below `most` unless rounding of kl(s) leaves a gap there, and is
/// never above it.
///
/// √KL is nearly linear in s, so that Halley's rule is applied to it; it stays between what is known to be too much and what
/// is known to be allowed, and what has not come near by then is halved, too.
pub(in crate::trainers) fn share(most: f64, mut kl: impl FnMut(f64) -> Bend) -> f64 {
    // A little inside: what comes back has to be allowed.
    let aim = (most * (0.5 + 0.5 * NEAR)).sqrt();
    let (mut low, mut high, mut at) = (0.0, 1.0, 1.0);
    for round in 0..MOST {
        let found = kl(at);
        if found.kl <= most {
            if at == 1.0 || found.kl >= most * NEAR {
                return at;
            }
            low = at;
        } else {
            high = at;
        }
        if high - low <= 4.0 * f64::EPSILON * high {
            break;
        }
        // f = √KL − √aim, with f′ = KL′/2√KL and f″ = KL″/2√KL − f′²/√KL.
        let root = found.kl.sqrt();
        let (off, first) = (root - aim, found.slope / (2.0 * root));
        let second = (found.curvature / 2.0 - first * first) / root;
        let next = at - 2.0 * off * first / (2.0 * first * first - off * second);
        let halve = round >= FREE && round % 2 == 1;
        at = if !halve && next > low && next < high { next } else { low + 0.5 * (high - low) };
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    /// KL of a tilted two-point law and its derivatives, by the share of the tilt.
    fn two_points(mass: f64, tilt: f64) -> impl Fn(f64) -> Bend {
        move |share| {
            let weight = mass * (share * tilt).exp();
            let p = if weight.is_finite() { weight / (weight + 1.0 - mass) } else { 1.0 };
            let rest = if p < 1.0 { (1.0 - p) * ((1.0 - p) / (1.0 - mass)).ln() } else { 0.0 };
            let variance = tilt * tilt * p * (1.0 - p);
            let skew = variance * tilt * (1.0 - 2.0 * p);
            let kl = p * (p / mass).ln() + rest;
            Bend { kl, slope: share * variance, curvature: variance + share * skew }
        }
    }

    #[test]
    fn what_stays_is_the_most_that_is_allowed() {
        for mass in [1e-6, 1e-3, 0.3] {
            for tilt in [-40.0, 0.5, 3.0, 20.0, 500.0, 1e6] {
                let kl = two_points(mass, tilt);
                for most in [1e-6, 0.03, 0.3, 3.0] {
                    let mut looks = 0;
                    let found = share(most, |s| {
                        looks += 1;
                        kl(s)
                    });
                    let reached = kl(found).kl;
                    assert!(reached <= most, "{mass} {tilt} {most}: {reached}");
                    assert!(
                        found == 1.0 || reached >= most * (1.0 - 1e-6),
                        "{mass} {tilt} {most}: {reached}"
                    );
                    assert!(looks <= 70, "{mass} {tilt} {most}: {looks} looks");
                }
            }
        }
    }

    /// What a step of training leaves: a little above what is allowed, its log-ratios spread over a table. Halving alone
    /// takes some twenty looks at every cell.
    #[test]
    fn a_table_takes_a_handful_of_looks() {
        let spread: Vec<f64> = (0..2000).map(|cell| (f64::from(cell) * 0.618).sin() * 2.5).collect();
        let kl = |s: f64| {
            let total: f64 = spread.iter().map(|x| (s * x).exp()).sum::<f64>();
            let mean =
                |f: &dyn Fn(f64) -> f64| spread.iter().map(|x| (s * x).exp() / total * f(*x)).sum::<f64>();
            let first = mean(&|x| x);
            let (variance, skew) = (mean(&|x| (x - first).powi(2)), mean(&|x| (x - first).powi(3)));
            let kl = s * first - (total / 2000.0).ln();
            Bend { kl, slope: s * variance, curvature: variance + s * skew }
        };
        for most in [0.03, 0.1, 0.3, 0.5] {
            let mut looks = 0;
            let found = share(most, |s| {
                looks += 1;
                kl(s)
            });
            assert!(found < 1.0 && kl(found).kl <= most && kl(found).kl >= most * NEAR);
            assert!(looks <= 4, "{most}: {looks} looks");
        }
        let near = kl(0.99).kl;
        let mut looks = 0;
        share(near, |s| {
            looks += 1;
            kl(s)
        });
        assert!(looks <= 2, "a step's own excess: {looks} looks");
    }

    /// A KL whose derivatives say nothing.
    fn flat(kl: f64) -> Bend {
        Bend { kl, slope: 0.0, curvature: 0.0 }
    }

    #[test]
    fn what_is_allowed_stays_as_it_is() {
        for whole in [0.3, 0.0] {
            assert_eq!(share(0.3, |s| if s == 1.0 { flat(whole) } else { unreachable!() }), 1.0);
        }
    }

    #[test]
    fn a_jump_ends_below_it() {
        let found = share(0.3, |s| flat(if s < 0.7 { 0.1 } else { 1.0 }));
        assert!(found < 0.7 && found > 0.7 - 1e-12, "{found}");
    }

    #[test]
    fn numbers_that_are_none_leave_nothing() {
        assert_eq!(share(0.3, |_| flat(f64::NAN)), 0.0);
    }
}
