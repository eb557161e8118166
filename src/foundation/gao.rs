//! How a gold reward falls as a policy is optimised against a proxy: the two curves of Gao, Schulman & Hilton, *Scaling laws for
//! reward model over-optimization* (2023), R(d) = d·(α − β·d) for best-of-n and R(d) = d·(α − β·ln d) for reinforcement learning,
//! over d = √KL, by least squares.

use super::bootstrap::{Bootstrap, Interval};
use std::collections::BTreeMap;

/// Which curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// d·(α − β·d).
    Linear,
    /// d·(α − β·ln d).
    Logarithmic,
}

/// A fitted curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Which curve.
    pub form: Form,
    /// α.
    pub alpha: f64,
    /// β.
    pub beta: f64,
    /// Share of the variance of the gain that the curve takes up.
    pub r_squared: f64,
}

/// A fitted curve with 95% bootstrap intervals over units that were made independently; `None` where there are too few.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimated {
    /// The curve.
    pub fit: Fit,
    /// Independent units with a point to fit.
    pub units: usize,
    /// Largest KL of a point, in nats: beyond it the curve is an extrapolation.
    pub largest_kl: f64,
    /// Interval of α.
    pub alpha: Option<Interval>,
    /// Interval of β.
    pub beta: Option<Interval>,
    /// Interval of the KL at which the gain is largest, in nats.
    pub peak_kl: Option<Interval>,
}

/// Fewest points of a fit: with two parameters fewer say nothing about how well the curve holds.
pub const LEAST: usize = 5;
/// Fewest different d of a fit: through two values every curve with two parameters goes. Values within a hundredth of each other are one.
pub const DISTINCT: usize = 4;
/// Share of the variance from which on a curve holds, and its peak means something.
pub const FITTING: f64 = 0.8;
/// Seed of the resamples.
const SEED: u64 = 0x6A0;

impl Form {
    /// Both curves.
    pub const ALL: [Self; 2] = [Self::Linear, Self::Logarithmic];

    /// As a formula.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "d(α − β·d)",
            Self::Logarithmic => "d(α − β·ln d)",
        }
    }

    /// What −β is multiplied with.
    fn bend(self, d: f64) -> f64 {
        match self {
            Self::Linear => d * d,
            Self::Logarithmic => d * d.ln(),
        }
    }

    /// Least squares of `(d, gain)`, the gain being the reward less that at d = 0; points at d = 0 say nothing and are left out.
    /// `None` with fewer than [`LEAST`] points, where all have one d, and where the gain does not vary.
    pub fn fit(self, points: &[(f64, f64)]) -> Option<Fit> {
        Sums::of(self, points).solve(self)
    }

    /// The same of all points of all units, with intervals over the units where they are asked for.
    fn estimate(self, units: &[Vec<(f64, f64)>], intervals: bool) -> Option<Estimated> {
        if distinct(units) < DISTINCT {
            return None;
        }
        let sums: Vec<Sums> = units.iter().map(|points| Sums::of(self, points)).collect();
        let ids: Vec<u64> = (0..sums.len() as u64).collect();
        let over =
            |rows: &[usize]| rows.iter().fold(Sums::default(), |all, &row| all.plus(sums[row])).solve(self);
        let all: Vec<usize> = (0..sums.len()).collect();
        let interval = |of: &dyn Fn(Fit) -> Option<f64>| {
            if !intervals {
                return None;
            }
            let found = Bootstrap::new(SEED).interval(&ids, |rows| over(rows).and_then(of));
            found.ok().map(|estimate| estimate.interval).filter(|i| i.low.is_finite() && i.high.is_finite())
        };
        let fitted = |points: &Vec<(f64, f64)>| points.iter().any(|(d, _)| *d > 0.0);
        let largest = units.iter().flatten().map(|(d, _)| *d).fold(0.0, f64::max);
        Some(Estimated {
            fit: over(&all)?,
            units: units.iter().filter(|points| fitted(points)).count(),
            largest_kl: largest * largest,
            alpha: interval(&|fit| Some(fit.alpha)),
            beta: interval(&|fit| Some(fit.beta)),
            peak_kl: interval(&|fit| fit.peak().map(|(d, _)| d * d)),
        })
    }
}

/// Sums that least squares need.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: usize,
    aa: f64,
    ab: f64,
    bb: f64,
    ay: f64,
    by: f64,
    y: f64,
    yy: f64,
}

impl Sums {
    fn of(form: Form, points: &[(f64, f64)]) -> Self {
        let mut sums = Self::default();
        for &(d, y) in points.iter().filter(|(d, y)| *d > 0.0 && d.is_finite() && y.is_finite()) {
            let (a, b) = (d, -form.bend(d));
            sums =
                sums.plus(Self { n: 1, aa: a * a, ab: a * b, bb: b * b, ay: a * y, by: b * y, y, yy: y * y });
        }
        sums
    }

    fn plus(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            aa: self.aa + other.aa,
            ab: self.ab + other.ab,
            bb: self.bb + other.bb,
            ay: self.ay + other.ay,
            by: self.by + other.by,
            y: self.y + other.y,
            yy: self.yy + other.yy,
        }
    }

    fn solve(self, form: Form) -> Option<Fit> {
        let determinant = self.aa * self.bb - self.ab * self.ab;
        // Columns in proportion have no two coefficients.
        if self.n < LEAST || determinant <= 1e-12 * self.aa * self.bb {
            return None;
        }
        let alpha = (self.ay * self.bb - self.by * self.ab) / determinant;
        let beta = (self.by * self.aa - self.ay * self.ab) / determinant;
        let spread = self.yy - self.y * self.y / self.n as f64;
        let rest = self.yy - alpha * self.ay - beta * self.by;
        let r_squared = 1.0 - rest / spread;
        (spread > 1e-12 * self.yy && r_squared.is_finite()).then_some(Fit { form, alpha, beta, r_squared })
    }
}

/// How many different d > 0 there are.
fn distinct(units: &[Vec<(f64, f64)>]) -> usize {
    let mut values: Vec<f64> = units.iter().flatten().map(|(d, _)| *d).filter(|d| *d > 0.0).collect();
    values.sort_by(f64::total_cmp);
    let (mut count, mut last) = (0, 0.0);
    for d in values {
        if d > 1.01 * last {
            (count, last) = (count + 1, d);
        }
    }
    count
}

impl Estimated {
    /// Whether the curve takes up enough of the variance to be told of.
    pub fn holds(&self) -> bool {
        self.fit.r_squared >= FITTING
    }

    /// Where the gain is largest, as (d, gain).
    ///
    /// # Errors
    /// Why no peak can be told: the curve does not hold, never turns down, or turns where no run came.
    pub fn peak(&self) -> Result<(f64, f64), &'static str> {
        match self.fit.peak() {
            _ if !self.holds() => Err("insufficient: R² below 0.8"),
            None => Err("none: it never turns down"),
            Some(_) if self.is_extrapolated() => Err("none within the data"),
            Some(peak) => Ok(peak),
        }
    }

    /// Whether the peak lies at a larger KL than any point.
    pub fn is_extrapolated(&self) -> bool {
        self.fit.peak().is_some_and(|(d, _)| d * d > self.largest_kl)
    }
}

impl Fit {
    /// The gain at d.
    pub fn at(&self, d: f64) -> f64 {
        if d > 0.0 { self.alpha * d - self.beta * self.form.bend(d) } else { 0.0 }
    }

    /// Where the gain is largest, as (d, gain); nothing for a curve that never turns down.
    pub fn peak(&self) -> Option<(f64, f64)> {
        if self.beta <= 0.0 {
            return None;
        }
        let d = match self.form {
            Form::Linear => self.alpha / (2.0 * self.beta),
            Form::Logarithmic => (self.alpha / self.beta - 1.0).exp(),
        };
        (d > 0.0 && d.is_finite()).then(|| (d, self.at(d)))
    }
}

/// Checkpoints as `(run, (KL in nats, reward))` in units of (√KL, gain): the gain is that over the run's reward at its smallest KL.
pub fn units(checkpoints: impl IntoIterator<Item = (u64, (f64, f64))>) -> Vec<Vec<(f64, f64)>> {
    let mut runs: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for (run, point) in checkpoints {
        runs.entry(run).or_default().push(point);
    }
    let one = |points: Vec<(f64, f64)>| {
        let start = points.iter().min_by(|a, b| a.0.total_cmp(&b.0)).copied().unwrap_or_default();
        let later = points.into_iter().filter(|p| p.0 > start.0);
        later.map(|(kl, reward)| (kl.max(0.0).sqrt(), reward - start.1)).collect()
    };
    runs.into_values().map(one).collect()
}

/// The smallest KL of a run, for the first run that begins further than a twentieth of its own √KL from the reference.
pub fn far_start(checkpoints: impl IntoIterator<Item = (u64, f64)>) -> Option<f64> {
    let mut ends: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (run, kl) in checkpoints {
        let own = ends.entry(run).or_insert((kl, kl));
        *own = (own.0.min(kl), own.1.max(kl));
    }
    ends.into_values().find(|(low, high)| low.sqrt() > 0.05 * high.sqrt()).map(|(low, _)| low)
}

/// Both curves over all units, the better first; without intervals, which take thousands of fits, where they are not asked for.
pub fn estimates(units: &[Vec<(f64, f64)>], intervals: bool) -> Vec<Estimated> {
    let mut fits: Vec<Estimated> =
        Form::ALL.iter().filter_map(|form| form.estimate(units, intervals)).collect();
    fits.sort_by(|a, b| b.fit.r_squared.total_cmp(&a.fit.r_squared));
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(f: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..60).map(|i| f64::from(i) * 0.05).map(|d| (d, f(d))).collect()
    }

    #[test]
    fn the_curves_are_found_again_with_their_peaks() {
        let (alpha, beta) = (1.3, 0.4);
        let linear = estimates(&[along(|d| d * (alpha - beta * d))], true)[0].fit;
        assert_eq!(linear.form, Form::Linear);
        assert!((linear.alpha - alpha).abs() < 1e-9 && (linear.beta - beta).abs() < 1e-9, "{linear:?}");
        assert!((linear.r_squared - 1.0).abs() < 1e-12);
        // By the derivative: d = α / 2β, R = α² / 4β.
        let (d, gain) = linear.peak().unwrap();
        assert!((d - 1.625).abs() < 1e-9 && (gain - alpha * alpha / (4.0 * beta)).abs() < 1e-9);

        let logarithmic =
            estimates(&[along(|d| if d > 0.0 { d * (alpha - beta * d.ln()) } else { 0.0 })], true)[0].fit;
        assert_eq!(logarithmic.form, Form::Logarithmic);
        assert!((logarithmic.alpha - alpha).abs() < 1e-9 && (logarithmic.beta - beta).abs() < 1e-9);
        // d = exp(α/β − 1), R = β·d.
        let (d, gain) = logarithmic.peak().unwrap();
        assert!((d - 2.25f64.exp()).abs() < 1e-6 && (gain - beta * d).abs() < 1e-6, "{d} {gain}");
    }

    #[test]
    fn what_cannot_be_fitted_has_no_fit() {
        let none = |points: Vec<(f64, f64)>| estimates(&[points], true).is_empty();
        assert!(none(along(|d| d)[..5].to_vec()), "four points beside that at 0");
        assert!(none(vec![(1.0, 2.0); 20]), "one d");
        let few = [0.3, 0.3001, 1.0, 1.0003, 2.0].map(|d| (d, d * (1.3 - 0.4 * d)));
        assert!(none([few, few].concat()), "three different d");
        assert!(none(along(|_| 0.0)), "no gain");
        assert!(none(along(|_| f64::NAN)));
        // A straight rise never turns.
        assert_eq!(Form::Linear.fit(&along(|d| 2.0 * d + 0.1 * d * d)).unwrap().peak(), None);
    }

    #[test]
    fn checkpoints_are_counted_from_their_run_s_start() {
        let made =
            units([(7, (4.0, 3.0)), (7, (0.0, 1.0)), (2, (1.0, 5.0)), (7, (1.0, 2.0)), (2, (9.0, 4.0))]);
        assert_eq!(made, [vec![(3.0, -1.0)], vec![(2.0, 2.0), (1.0, 1.0)]]);
    }

    #[test]
    fn runs_that_begin_far_from_the_reference_are_found() {
        assert_eq!(far_start([(0, 0.001), (0, 4.0), (1, 0.0)]), None);
        assert_eq!(far_start([(0, 0.0), (0, 4.0), (1, 0.5), (1, 2.0)]), Some(0.5));
    }

    #[test]
    fn intervals_hold_the_truth_and_few_units_have_none() {
        // Twelve runs, each with a slope of its own around the truth: 1.3 ± .12.
        let unit = |i: usize| along(|d| d * (1.3 + 0.02 * (i as f64 - 5.5) - 0.4 * d));
        let units: Vec<Vec<(f64, f64)>> = (0..12).map(unit).collect();
        let best = estimates(&units, true)[0];
        assert_eq!((best.units, best.is_extrapolated()), (12, false));
        assert!((best.largest_kl - 2.95f64.powi(2)).abs() < 1e-9, "{best:?}");
        let short: Vec<Vec<(f64, f64)>> = units.iter().map(|points| points[..20].to_vec()).collect();
        assert!(
            estimates(&short, true)[0].is_extrapolated(),
            "the peak is at d = 1.625, the data end at .95"
        );
        assert_eq!(estimates(&short, true)[0].peak(), Err("none within the data"));
        assert!((best.peak().unwrap().0 - 1.625).abs() < 1e-9);
        let noise = |d: f64| if (20.0 * d) as i64 % 2 == 0 { 1.0 } else { -1.0 };
        let loose = estimates(&[along(noise)], true)[0];
        assert!(!loose.holds() && loose.peak() == Err("insufficient: R² below 0.8"), "{loose:?}");
        let (alpha, beta, peak) = (best.alpha.unwrap(), best.beta.unwrap(), best.peak_kl.unwrap());
        assert!(alpha.contains(1.3) && alpha.low > 1.24 && alpha.high < 1.36, "{alpha:?}");
        assert!((beta.low - 0.4).abs() < 1e-9 && (beta.high - 0.4).abs() < 1e-9, "{beta:?}");
        assert!(peak.contains(1.625f64.powi(2)), "{peak:?}");
        assert_eq!(estimates(&units[..3], true)[0].alpha, None);
    }
}
