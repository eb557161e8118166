//! Tails, density and quantiles of standard stable laws: the integral of Zolotarev and Nolan, a series far out.
//!
//! Nolan (1997), *Numerical calculation of stable densities and distribution functions*, Stochastic Models 13,
//! gives P as ∫ exp(−g(θ)) dθ with a monotone g. Every angle is kept as its distance to the nearer end of the
//! interval, so that neither tail loses digits; the integral is a trapezoid sum in a variable centred where g = 1.

use super::invert::decreasing_root;
use statrs::function::gamma::ln_gamma;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, LN_2, PI};

/// Both tails and the density at one point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tails {
    /// P(X ≤ x).
    pub cdf: f64,
    /// P(X > x).
    pub sf: f64,
    /// ln of the density.
    pub ln_pdf: f64,
}

impl Tails {
    fn reflected(self) -> Self {
        Self { cdf: self.sf, sf: self.cdf, ..self }
    }
}

/// A stable law with location 0 and scale 1 in the S1 parametrisation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standard {
    alpha: f64,
    beta: f64,
}

/// The law on the side x > 0, for α ≠ 1. Angles: φ = θ + θ₀ runs over (0, `length`), δ = `length` − φ.
struct Side {
    alpha: f64,
    /// π/2 − θ₀: where cos θ starts.
    start: f64,
    length: f64,
    /// α·`length` for α < 1, π less that for α > 1: 0 where this side's tail is not heavy.
    opening: f64,
    /// −ln cos(αθ₀).
    ln_r: f64,
}

impl Side {
    fn new(alpha: f64, beta: f64) -> Self {
        let omega = if alpha < 1.0 { FRAC_PI_2 * alpha } else { FRAC_PI_2 * (2.0 - alpha) };
        let (sin, cos) = omega.sin_cos();
        // ω + atan(β tan ω), without cancellation at β = −1.
        let opened = |b: f64| ((1.0 + b) * sin * cos).atan2(cos * cos - b * sin * sin);
        let opening = opened(beta);
        let length = if alpha < 1.0 { opening } else { PI - opening } / alpha;
        let start = if alpha < 1.0 { opened(-beta) } else { PI - opened(-beta) } / alpha;
        Self { alpha, start, length, opening, ln_r: 0.5 * (beta * sin / cos).powi(2).ln_1p() }
    }

    /// ln V(θ): g = x^(α/(α−1))·V.
    fn ln_v(&self, phi: f64, delta: f64) -> f64 {
        let left = phi < delta;
        let alpha = self.alpha;
        let cos_theta = if left { (self.start + phi).sin() } else { delta.sin() };
        let (sin_turned, cos_turned) = if alpha < 1.0 {
            let turned = if left { alpha * phi } else { self.opening - alpha * delta };
            (turned.sin(), (self.start + (1.0 - alpha) * phi).sin())
        } else {
            let turned = if left { alpha * phi } else { self.opening + alpha * delta };
            (turned.sin(), (self.opening + (alpha - 1.0) * delta).sin())
        };
        (cos_theta.ln() - alpha * sin_turned.ln() - self.ln_r) / (alpha - 1.0) + cos_turned.ln()
    }

    fn tails(&self, x: f64) -> Tails {
        if self.length == 0.0 {
            return Tails { cdf: 1.0, sf: 0.0, ln_pdf: f64::NEG_INFINITY };
        }
        let ln_x = x.ln();
        if let Some(tails) = self.series(ln_x) {
            return tails;
        }
        let power = self.alpha / (self.alpha - 1.0);
        let integral = integrate(self.length, |phi, delta| power * ln_x + self.ln_v(phi, delta));
        let at_zero = self.start / PI;
        let (cdf, sf) = if self.alpha > 1.0 {
            (at_zero + integral.above / PI, integral.below / PI)
        } else {
            (at_zero + integral.below / PI, integral.above / PI)
        };
        let ln_pdf = (power.abs() / PI).ln() - ln_x + integral.density.ln();
        Tails { cdf: cdf.min(1.0), sf: sf.min(1.0), ln_pdf }
    }

    /// Bergström's series in x^(−α), where it reaches full precision: Σ ±Γ(αk)/k!·sin(k·opening)·(r/x^α)^k/π.
    fn series(&self, ln_x: f64) -> Option<Tails> {
        let ln_z = self.alpha * ln_x - self.ln_r;
        if self.opening == 0.0 || ln_z < 0.5 {
            return None;
        }
        let (mut tail, mut density, mut largest, mut last) = (0.0, 0.0, 0.0f64, f64::INFINITY);
        for k in 1..150 {
            let n = f64::from(k);
            let size = (ln_gamma(self.alpha * n) - ln_gamma(n + 1.0) - (n - 1.0) * ln_z).exp();
            if size > last {
                return None;
            }
            last = size;
            let sign = if self.alpha < 1.0 && k % 2 == 0 { -1.0 } else { 1.0 };
            let term = sign * size * (n * self.opening).sin();
            tail += term;
            density += term * n * self.alpha;
            largest = largest.max(term.abs());
            let bound = size * n * (n * self.opening).min(1.0);
            if bound < 1e-17 * tail.abs() {
                let sf = (tail / PI).ln() - ln_z;
                let ln_pdf = (density / PI).ln() - ln_z - ln_x;
                return (tail > 0.2 * largest && density > 0.0).then(|| Tails {
                    cdf: -sf.exp_m1(),
                    sf: sf.exp(),
                    ln_pdf,
                });
            }
        }
        None
    }
}

impl Standard {
    /// 0 < α ≤ 2, −1 ≤ β ≤ 1.
    pub fn new(alpha: f64, beta: f64) -> Self {
        Self { alpha, beta }
    }

    /// The law of −X.
    pub fn reflected(self) -> Self {
        Self { beta: -self.beta, ..self }
    }

    /// Tails and density at any x.
    pub fn tails(self, x: f64) -> Tails {
        if x == f64::INFINITY {
            return Tails { cdf: 1.0, sf: 0.0, ln_pdf: f64::NEG_INFINITY };
        }
        if x.is_nan() {
            return Tails { cdf: x, sf: x, ln_pdf: x };
        }
        if self.alpha == 1.0 {
            return if self.beta < 0.0 {
                self.reflected().tails_at_one(-x).reflected()
            } else {
                self.tails_at_one(x)
            };
        }
        if x < 0.0 {
            return self.reflected().tails(-x).reflected();
        }
        let side = Side::new(self.alpha, self.beta);
        if x < 1e-290 {
            let ln_pdf =
                ln_gamma(1.0 + 1.0 / self.alpha) - PI.ln() + side.start.sin().ln() - side.ln_r / self.alpha;
            return Tails { cdf: side.start / PI, sf: side.length / PI, ln_pdf };
        }
        side.tails(x)
    }

    /// α = 1 and β ≥ 0, at any x.
    fn tails_at_one(self, x: f64) -> Tails {
        if x == f64::NEG_INFINITY {
            return Tails { cdf: 0.0, sf: 1.0, ln_pdf: f64::NEG_INFINITY };
        }
        let beta = self.beta;
        if beta == 0.0 {
            let ln_pdf = -PI.ln() - 2.0 * x.abs().hypot(1.0).ln();
            return Tails { cdf: 1f64.atan2(-x) / PI, sf: 1f64.atan2(x) / PI, ln_pdf };
        }
        if x.abs() > 1e17 {
            // The next term is smaller by ln x/x.
            let share = if x > 0.0 { 1.0 + beta } else { 1.0 - beta } / PI;
            let (far, ln_pdf) = (share / x.abs(), share.ln() - 2.0 * x.abs().ln());
            let tails = Tails { cdf: 1.0 - far, sf: far, ln_pdf };
            return if x > 0.0 { tails } else { tails.reflected() };
        }
        let integral = integrate(PI, |phi, delta| {
            let slope = if phi < delta {
                FRAC_PI_2 * (1.0 - beta) + beta * phi
            } else {
                FRAC_PI_2 * (1.0 + beta) - beta * delta
            };
            let (tan, cos) =
                if phi < delta { (-1.0 / phi.tan(), phi.sin()) } else { (1.0 / delta.tan(), delta.sin()) };
            (slope * tan - FRAC_PI_2 * x) / beta + (FRAC_2_PI * slope / cos).ln()
        });
        let ln_pdf = integral.density.ln() - LN_2 - beta.ln();
        Tails { cdf: integral.below / PI, sf: integral.above / PI, ln_pdf }
    }

    /// The x with P(X > x) = p.
    pub fn upper_quantile(self, p: f64) -> f64 {
        let one_sided = |beta: f64| self.alpha < 1.0 && self.beta == beta;
        match p {
            p if !(0.0..=1.0).contains(&p) => f64::NAN,
            0.0 if one_sided(-1.0) => 0.0,
            0.0 => f64::INFINITY,
            1.0 if one_sided(1.0) => 0.0,
            1.0 => f64::NEG_INFINITY,
            p if p <= 0.5 => self.solve(p, true),
            p => self.solve(1.0 - p, false),
        }
    }

    /// The x at which the upper tail (else the lower) is p: Newton on ln p against ln |x|, or asinh x for α = 1.
    fn solve(self, p: f64, upper: bool) -> f64 {
        let ln_p = p.ln();
        let read = |t: Tails| if upper { t.sf } else { t.cdf };
        let at_zero = read(self.tails(0.0));
        let one = self.alpha == 1.0;
        let positive = one || (upper == (p < at_zero));
        let sign = if positive { 1.0 } else { -1.0 };
        let falls = upper == positive;
        // ln dx/ds is s itself for x = ±eˢ.
        let point = |s: f64| if one { (s.sinh(), s.cosh().ln()) } else { (sign * s.exp(), s) };
        let f = |s: f64| {
            let (x, ln_stretch) = point(s);
            let tails = self.tails(x);
            let ln_tail = read(tails).ln();
            let value = ln_tail - ln_p;
            (if falls { value } else { -value }, -(tails.ln_pdf + ln_stretch - ln_tail).exp())
        };
        let start = if falls { self.leading_power(sign, ln_p) } else { 0.0 };
        let (least, most) = (if one { -709.0 } else { -660.0 }, 709.0);
        let (mut low, mut high, mut step) = (start, start, 1.0);
        while f(low).0 < 0.0 {
            if low <= least {
                return point(low).0;
            }
            (high, low, step) = (low, (low - step).max(least), 2.0 * step);
        }
        if low == high {
            while f(high).0 > 0.0 {
                if high >= most {
                    return sign * f64::INFINITY;
                }
                (low, high, step) = (high, (high + step).min(most), 2.0 * step);
            }
        }
        point(decreasing_root(low, high, start, f)).0
    }

    /// ln |x| at which the first term of the series of this side equals p; 0 where the side is not heavy.
    fn leading_power(self, sign: f64, ln_p: f64) -> f64 {
        let ln_c = if self.alpha == 1.0 {
            ((1.0 + sign * self.beta) / PI).ln()
        } else {
            let side = Side::new(self.alpha, sign * self.beta);
            ln_gamma(self.alpha) + (side.opening.sin() / PI).ln() + side.ln_r
        };
        let s = (ln_c - ln_p) / self.alpha;
        if s.is_finite() { s.clamp(-600.0, 700.0) } else { 0.0 }
    }
}

struct Integral {
    /// ∫ exp(−g).
    below: f64,
    /// ∫ (1 − exp(−g)).
    above: f64,
    /// ∫ g·exp(−g).
    density: f64,
}

/// Integrates over φ in (0, length), given ln g(φ, length − φ), monotone.
fn integrate(length: f64, ln_g: impl Fn(f64, f64) -> f64) -> Integral {
    // v is the logit of φ/length: the ends lie at ±∞, and both distances keep their digits.
    const END: f64 = 700.0;
    let at = |v: f64| ln_g(length / (1.0 + (-v).exp()), length / (1.0 + v.exp()));
    let (left, right) = (at(-END), at(END));
    let rising = right > left;
    // Where g passes 1; one above its smallest value if that is larger, for a tail that is not heavy.
    let floor = left.min(right);
    if floor > 7.0 {
        // exp(−g) is below the smallest number everywhere.
        return Integral { below: 0.0, above: length, density: 0.0 };
    }
    if left.max(right) < -745.0 {
        return Integral { below: length, above: 0.0, density: 0.0 };
    }
    let level = if floor < -30.0 { 0.0 } else { floor.exp().ln_1p() };
    let (mut low, mut high) = (-END, END);
    while high - low > 1e-10 && high - low > 4.0 * f64::EPSILON * low.abs().max(high.abs()) {
        let middle = 0.5 * (low + high);
        if (at(middle) < level) == rising { low = middle } else { high = middle }
    }
    let centre = 0.5 * (low + high);
    let slope = (at(centre + 1e-5) - at(centre - 1e-5)).abs() / 2e-5;
    let sharpness = (slope * level.exp()).clamp(1.0, 1e300);
    // The trapezoid sum converges exponentially, so halvings that agree to 10⁻¹⁰ leave 10⁻²⁰.
    // v = centre + sinh(t)/sharpness: steps as fine as the transition there, growing away from it.
    let first = ((centre.min(0.0) - 40.0).max(-END - 40.0) - centre) * sharpness;
    let last = ((centre.max(0.0) + 40.0).min(END + 40.0) - centre) * sharpness;
    let (first, last) = (first.asinh(), last.asinh());
    let term = |t: f64| {
        let v = centre + t.sinh() / sharpness;
        if v.abs() > END + 5.0 {
            return [0.0; 3];
        }
        let weight = t.cosh() / sharpness * length / ((1.0 + v.exp()) * (1.0 + (-v).exp()));
        let g = at(v).exp();
        let below = (-g).exp();
        let density = if g == f64::INFINITY { 0.0 } else { g * below };
        [weight * below, weight * -(-g).exp_m1(), weight * density]
    };
    let sweep = |step: f64, stride: i64, offset: i64| {
        let from = (first / step).floor() as i64;
        let to = (last / step).ceil() as i64;
        let mut sums = [0.0; 3];
        let mut j = from + (offset - from).rem_euclid(stride);
        while j <= to {
            for (sum, value) in sums.iter_mut().zip(term(j as f64 * step)) {
                *sum += value;
            }
            j += stride;
        }
        sums
    };
    let mut step = 0.25;
    let mut sums = sweep(step, 1, 0);
    for _ in 0..8 {
        let before = sums.map(|s| s * step);
        step *= 0.5;
        let finer = sweep(step, 2, 1);
        for (sum, more) in sums.iter_mut().zip(finer) {
            *sum += more;
        }
        let settled = |i: usize| (sums[i] * step - before[i]).abs() <= 1e-10 * sums[i] * step;
        if settled(2) && settled(usize::from(sums[1] < sums[0])) {
            break;
        }
    }
    // Of the two that make up the length, the smaller is the one that was resolved.
    let [below, above, density] = sums.map(|s| s * step);
    if above < below {
        Integral { below: length - above, above, density }
    } else {
        Integral { below, above: length - below, density }
    }
}
