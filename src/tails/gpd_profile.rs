//! The profile likelihood of the generalised Pareto law, as a curve in one parameter.
//!
//! With t = ξ/σ the log-likelihood of excesses y is n·[ln(t/ξ) − (1 + 1/ξ)·L(t)], L(t) = mean ln(1 + t·y). For a
//! fixed ξ it is largest where w(t) = mean 1/(1 + t·y) equals 1/(1 + ξ). So t ↦ ξ(t) = 1/w(t) − 1 walks along
//! the profile over ξ, from −1 (t → −1/max y) through 0 (t = 0) upwards, strictly increasing: neither the maximum
//! nor an interval needs a nested search. At the maximum ξ(t) = L(t) too, which is the equation of Grimshaw
//! 1993 (*Technometrics* 35:185) and Davison 1984.
//!
//! Here y is divided by its maximum, z = y/max y ∈ (0, 1], s = t·max y ∈ (−1, ∞), and the curve is walked in
//! v = ln(1 + s).

/// Terms of the power series that stands in for logarithms near s = 0.
const TERMS: usize = 8;
/// Below this |s| the series is exact to f64.
const SERIES_BELOW: f64 = 0.01;

/// Scaled excesses, ready to be asked for points of the curve.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    scaled: Vec<f64>,
    /// mean zʲ for j = 1 …
    moments: [f64; TERMS],
    min: f64,
}

/// A point of the profile over ξ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// The shape whose best scale is ξ/t.
    pub xi: f64,
    /// σ/max y.
    pub scale: f64,
    /// Log-likelihood per excess of z, less the scaling constant.
    pub mean_ln_likelihood: f64,
    /// d(mean log-likelihood)/dξ along the curve.
    pub score: f64,
}

impl Profile {
    /// Takes positive finite excesses and their maximum.
    pub fn new(excesses: impl Iterator<Item = f64>, max: f64) -> Self {
        let mut profile = Self::empty();
        profile.refill(excesses, max);
        profile
    }

    /// Without excesses, to be [refilled](Self::refill).
    pub fn empty() -> Self {
        Self { scaled: Vec::new(), moments: [0.0; TERMS], min: f64::INFINITY }
    }

    /// Takes other excesses in the place of the ones it has.
    pub fn refill(&mut self, excesses: impl Iterator<Item = f64>, max: f64) {
        self.scaled.clear();
        self.scaled.extend(excesses.map(|y| y / max));
        self.min = self.scaled.iter().copied().fold(f64::INFINITY, f64::min);
        self.moments = [0.0; TERMS];
        for &z in &self.scaled {
            let mut power = 1.0;
            for moment in &mut self.moments {
                power *= z;
                *moment += power;
            }
        }
        for moment in &mut self.moments {
            *moment /= self.scaled.len() as f64;
        }
    }

    /// Every `stride`-th excess, for a first look.
    pub fn thinned(&self, stride: usize) -> Self {
        let max = self.scaled.iter().copied().fold(0.0, f64::max);
        Self::new(std::iter::once(max).chain(self.scaled.iter().copied().step_by(stride)), max)
    }

    pub fn len(&self) -> usize {
        self.scaled.len()
    }

    /// Where the curve begins and ends, in v = ln(1 + s).
    ///
    /// Below, ξ has come within .001 of −1. Above lies no stationary point: s < 2(z̄ − min z)/(min z)² (Grimshaw
    /// 1993, equation 2.4).
    pub fn ends(&self) -> (f64, f64) {
        let low = (1e-3 / self.len() as f64).ln();
        let bound = std::f64::consts::LN_2 + (self.moments[0] - self.min).ln() - 2.0 * self.min.ln();
        (low, bound.clamp(1.0, 690.0))
    }

    /// The point of the curve at v = ln(1 + s).
    pub fn at(&self, v: f64) -> Point {
        let s = v.exp_m1();
        let n = self.len() as f64;
        let (mean_ln, xi) = if s.abs() < SERIES_BELOW {
            self.series(s)
        } else {
            let (ln, reciprocal) = sums(&self.scaled, s);
            (ln / n, (n - reciprocal) / reciprocal)
        };
        if s == 0.0 || xi == 0.0 {
            return self.exponential();
        }
        let scale = xi / s;
        Point {
            xi,
            scale,
            mean_ln_likelihood: -scale.ln() - mean_ln - mean_ln / xi,
            score: (mean_ln - xi) / (xi * xi),
        }
    }

    /// The limit at ξ = 0.
    fn exponential(&self) -> Point {
        let [mean, square, ..] = self.moments;
        Point {
            xi: 0.0,
            scale: mean,
            mean_ln_likelihood: -mean.ln() - 1.0,
            score: square / (2.0 * mean * mean) - 1.0,
        }
    }

    /// L and ξ = (1 − w)/w by the power series of L and 1 − w.
    fn series(&self, s: f64) -> (f64, f64) {
        let (mut mean_ln, mut one_minus_w, mut power) = (0.0, 0.0, -1.0);
        for (j, moment) in self.moments.iter().enumerate() {
            power *= -s;
            mean_ln += power * moment / (j + 1) as f64;
            one_minus_w += power * moment;
        }
        (mean_ln, one_minus_w / (1.0 - one_minus_w))
    }
}

const LANES: usize = 8;
/// Factors that share a division and a logarithm's mantissa.
const GROUP: usize = 4;
/// Products of a group's factors stay far inside f64 as long as the factors lie between this and its reciprocal.
const SMALLEST: f64 = 1e-70;
/// Mantissas in [1, 2) that may be multiplied before the product could overflow.
const RUN: usize = 512;
const MANTISSA: u64 = (1 << 52) - 1;
const ONE: u64 = 1023 << 52;

/// Σ ln(1 + s·z) and Σ 1/(1 + s·z).
///
/// Four factors take one division, 1/a + 1/b + 1/c + 1/d = ((a + b)·cd + (c + d)·ab)/(ab·cd), and the logarithms are taken of products:
/// mantissas of the groups are multiplied, exponents added, and one logarithm closes each run of 512 groups. All 1 + s·z are positive,
/// finite and normal.
fn sums(scaled: &[f64], s: f64) -> (f64, f64) {
    let (mut ln, mut reciprocal) = (0.0, [0.0f64; LANES]);
    // z ≤ 1, so this is the factor furthest from 1.
    let groups = (SMALLEST..1.0 / SMALLEST).contains(&(1.0 + s));
    let (grouped, single) =
        scaled.split_at(if groups { scaled.len() - scaled.len() % (LANES * GROUP) } else { 0 });
    for run in grouped.chunks(LANES * GROUP * RUN) {
        let mut product = [1.0f64; LANES];
        let mut exponent = [0u64; LANES];
        for block in run.chunks_exact(LANES * GROUP) {
            let (first, second) = block.split_at(2 * LANES);
            for lane in 0..LANES {
                let (a, b) = (1.0 + s * first[lane], 1.0 + s * first[LANES + lane]);
                let (c, d) = (1.0 + s * second[lane], 1.0 + s * second[LANES + lane]);
                let (ab, cd) = (a * b, c * d);
                let factor = ab * cd;
                reciprocal[lane] += ((a + b) * cd + (c + d) * ab) / factor;
                let bits = factor.to_bits();
                exponent[lane] += bits >> 52;
                product[lane] *= f64::from_bits((bits & MANTISSA) | ONE);
            }
        }
        let factors = (run.len() / (LANES * GROUP)) as f64;
        for lane in 0..LANES {
            ln += product[lane].ln() + (exponent[lane] as f64 - 1023.0 * factors) * std::f64::consts::LN_2;
        }
    }
    for z in single {
        let factor = 1.0 + s * z;
        reciprocal[0] += 1.0 / factor;
        ln += factor.ln();
    }
    (ln, reciprocal.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excesses(n: usize) -> Vec<f64> {
        (1..=n).map(|i| (i as f64 / (n + 1) as f64).powf(-0.4) - 1.0).collect()
    }

    #[test]
    fn products_of_mantissas_give_the_logarithm() {
        let z: Vec<f64> = excesses(40_003).iter().map(|y| y / 100.0).collect();
        for s in [-0.3, -0.999, 0.02, 7.0, 1e12, 1e69, 1e71, 1e200] {
            let (ln, reciprocal) = sums(&z, s);
            let direct: f64 = z.iter().map(|z| (1.0 + s * z).ln()).sum();
            let inverse: f64 = z.iter().map(|z| 1.0 / (1.0 + s * z)).sum();
            assert!((ln - direct).abs() <= 1e-12 * direct.abs(), "{s}: {ln} {direct}");
            assert!((reciprocal - inverse).abs() <= 1e-12 * inverse, "{s}");
        }
    }

    #[test]
    fn the_curve_is_continuous_through_zero_and_increasing() {
        let y = excesses(300);
        let max = y[0];
        let profile = Profile::new(y.iter().copied(), max);
        let zero = profile.at(0.0);
        for v in [-1e-7, 1e-7, 1e-4, -1e-4] {
            let near = profile.at(v);
            assert!((near.mean_ln_likelihood - zero.mean_ln_likelihood).abs() < 3.0 * v.abs());
            assert!((near.score - zero.score).abs() < 1e-6 + 30.0 * v.abs(), "{} {}", near.score, zero.score);
        }
        // either side of the switch between series and logarithms
        let edge = SERIES_BELOW.ln_1p();
        let (below, above) = (profile.at(edge * (1.0 - 1e-9)), profile.at(edge * (1.0 + 1e-9)));
        assert!((below.xi - above.xi).abs() < 1e-8 && (below.score - above.score).abs() < 1e-6);
        let (low, high) = profile.ends();
        let xi: Vec<f64> =
            (0..200).map(|i| profile.at(low + (high - low) * f64::from(i) / 199.0).xi).collect();
        assert!(xi.windows(2).all(|w| w[0] < w[1]) && xi[0] > -1.0);
    }

    #[test]
    fn the_score_is_the_slope_of_the_profile() {
        let y = excesses(300);
        let profile = Profile::new(y.iter().copied(), y[0]);
        for v in [-0.5, 0.3, 2.0] {
            let (a, b, here) = (profile.at(v - 1e-5), profile.at(v + 1e-5), profile.at(v));
            let slope = (b.mean_ln_likelihood - a.mean_ln_likelihood) / (b.xi - a.xi);
            assert!((slope - here.score).abs() < 1e-5 * (1.0 + slope.abs()), "{v}: {slope} {}", here.score);
        }
    }
}
