//! Bringing a policy back to a KL: the largest share of its log-ratio to the reference that may stay.

/// Least KL, as a share of what is allowed, that is near enough.
const NEAR: f64 = 1.0 - 1e-6;
/// Most evaluations: the interval is at least halved every second time.
const MOST: usize = 200;
/// Evaluations that are left to the secant alone.
const FREE: usize = 6;

/// The largest s ≤ 1 with KL(π_s‖π₀) ≤ `most`, where π_s ∝ π₀·exp(s·ln(π/π₀)) and `kl(s)` is its KL, which rises with s;
/// `whole` is kl(1). The KL at what comes back lies within 10⁻⁶ below `most` unless rounding of kl(s) leaves a gap there, and
/// is never above it.
///
/// √KL is nearly linear in s, so that the secant is taken of it. Where one end moves twice in a row, the value of the other is
/// made smaller by as much as the moving one has shrunk (Anderson & Björck 1973, *BIT* 13:253); what has not come near by then is
/// halved, too.
pub(in crate::trainers) fn share(most: f64, whole: f64, mut kl: impl FnMut(f64) -> f64) -> f64 {
    if whole <= most {
        return 1.0;
    }
    // A little inside: what comes back has to be allowed.
    let aim = (most * (0.5 + 0.5 * NEAR)).sqrt();
    let off = |kl: f64| kl.max(0.0).sqrt() - aim;
    let (mut low, mut high) = ((0.0, -aim), (1.0, off(whole)));
    let (mut before, mut last) = (1.0, None);
    for round in 0..MOST {
        let width = high.0 - low.0;
        if width <= 4.0 * f64::EPSILON * high.0 {
            break;
        }
        let halve = round >= FREE && round % 3 == 2 && width > 0.5 * before;
        if round % 3 == 2 {
            before = width;
        }
        let secant = low.0 - low.1 * width / (high.1 - low.1);
        let middle = low.0 + 0.5 * width;
        let next = if halve || !(secant > low.0 && secant < high.0) { middle } else { secant };
        let found = kl(next);
        let allowed = found <= most;
        if allowed && found >= most * NEAR {
            return next;
        }
        let (moving, staying) = if allowed { (&mut low, &mut high) } else { (&mut high, &mut low) };
        if last == Some(allowed) {
            let kept = 1.0 - off(found) / moving.1;
            staying.1 *= if kept > 0.0 { kept } else { 0.5 };
        }
        *moving = (next, off(found));
        last = Some(allowed);
    }
    low.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// KL of a tilted two-point law, by the share of the tilt.
    fn two_points(mass: f64, tilt: f64) -> impl Fn(f64) -> f64 {
        move |share| {
            let weight = mass * (share * tilt).exp();
            let p = if weight.is_finite() { weight / (weight + 1.0 - mass) } else { 1.0 };
            let rest = if p < 1.0 { (1.0 - p) * ((1.0 - p) / (1.0 - mass)).ln() } else { 0.0 };
            p * (p / mass).ln() + rest
        }
    }

    #[test]
    fn what_stays_is_the_most_that_is_allowed() {
        for mass in [1e-6, 1e-3, 0.3] {
            for tilt in [-40.0, 0.5, 3.0, 20.0, 500.0, 1e6] {
                let kl = two_points(mass, tilt);
                for most in [1e-6, 0.03, 0.3, 3.0] {
                    let mut looks = 0;
                    let found = share(most, kl(1.0), |s| {
                        looks += 1;
                        kl(s)
                    });
                    let reached = kl(found);
                    assert!(reached <= most, "{mass} {tilt} {most}: {reached}");
                    assert!(
                        found == 1.0 || reached >= most * (1.0 - 1e-6),
                        "{mass} {tilt} {most}: {reached}"
                    );
                    assert!(looks <= 60, "{mass} {tilt} {most}: {looks} looks");
                }
            }
        }
    }

    /// What a step of training leaves: a little above what is allowed, its log-ratios spread over a table. Halving alone
    /// takes some twenty looks, and a softmax of the whole table each.
    #[test]
    fn a_table_takes_a_handful_of_looks() {
        let spread: Vec<f64> = (0..2000).map(|cell| (f64::from(cell) * 0.618).sin() * 2.5).collect();
        let kl = |s: f64| {
            let total: f64 = spread.iter().map(|x| (s * x).exp()).sum::<f64>() / 2000.0;
            let mean = |x: &f64| (s * x).exp() / total * (s * x - total.ln()) / 2000.0;
            spread.iter().map(mean).sum::<f64>()
        };
        for most in [0.03, 0.1, 0.3, 0.5] {
            let mut looks = 0;
            let found = share(most, kl(1.0), |s| {
                looks += 1;
                kl(s)
            });
            assert!(found < 1.0 && kl(found) <= most && kl(found) >= most * NEAR);
            assert!(looks <= 8, "{most}: {looks} looks");
        }
    }

    #[test]
    fn what_is_allowed_stays_as_it_is() {
        assert_eq!(share(0.3, 0.3, |_| unreachable!()), 1.0);
        assert_eq!(share(0.3, 0.0, |_| unreachable!()), 1.0);
    }

    #[test]
    fn a_jump_ends_below_it() {
        let found = share(0.3, 1.0, |s| if s < 0.7 { 0.1 } else { 1.0 });
        assert!(found < 0.7 && found > 0.7 - 1e-12, "{found}");
    }
}
