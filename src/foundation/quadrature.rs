//! Adaptive Gauss–Kronrod quadrature of several integrands at once.
//!
//! The rule of 7 and 15 nodes with the error estimate of Piessens et al. 1983 (*QUADPACK*, routine QK15). Panels whose
//! share of the error is too large are halved until the whole is good enough; integrands that share their work (a
//! density and its moments) share the panels. A singularity at a panel's end costs about one halving a bit.

/// Nodes of the Kronrod rule on [−1, 1] from the end to the centre; every second one is Gauss's.
const NODES: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_48,
    0.0,
];
/// Kronrod's weights of those nodes.
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_55,
    0.104_790_010_322_250_17,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
/// Gauss's weights of the second, fourth, sixth and eighth node.
const GAUSS: [f64; 4] =
    [0.129_484_966_168_869_7, 0.279_705_391_489_276_64, 0.381_830_050_505_118_9, 0.417_959_183_673_469_4];
/// Panels beyond which an integral is given up.
const MOST_PANELS: usize = 20_000;

/// Why an integral has no value.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum QuadratureError {
    /// The integrand is NaN or infinite at an inner point.
    #[error("the integrand is not finite at {at}")]
    NotFinite {
        /// The point.
        at: f64,
    },
    /// The estimated error is still too large.
    #[error("the integral's relative error is still {error:e} where {wanted:e} was asked")]
    NotConverged {
        /// The largest estimate, as a share of ∫|f|.
        error: f64,
        /// The largest that was accepted.
        wanted: f64,
    },
}

/// Integrals with their errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Integral<const N: usize> {
    /// ∫f of each integrand.
    pub value: [f64; N],
    /// Estimate of the absolute error, a pessimistic one for smooth integrands.
    pub error: [f64; N],
    /// ∫|f|, against which errors are measured.
    pub magnitude: [f64; N],
}

impl<const N: usize> Integral<N> {
    const ZERO: Self = Self { value: [0.0; N], error: [0.0; N], magnitude: [0.0; N] };

    fn add(&mut self, other: &Self) {
        for i in 0..N {
            self.value[i] += other.value[i];
            self.error[i] += other.error[i];
            self.magnitude[i] += other.magnitude[i];
        }
    }

    /// The largest error as a share of `of`'s magnitudes.
    fn relative_to(&self, of: &Self) -> f64 {
        let share = |i: usize| if self.error[i] == 0.0 { 0.0 } else { self.error[i] / of.magnitude[i] };
        (0..N).map(share).fold(0.0, f64::max)
    }
}

struct Panel<const N: usize> {
    low: f64,
    high: f64,
    integral: Integral<N>,
}

impl<const N: usize> Panel<N> {
    fn new(low: f64, high: f64, f: &mut impl FnMut(f64) -> [f64; N]) -> Result<Self, QuadratureError> {
        let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
        let mut values = [[0.0; N]; 15];
        for (i, values) in values.iter_mut().enumerate() {
            let at = if i < 8 { centre - half * NODES[i] } else { centre + half * NODES[14 - i] };
            *values = f(at);
            if !values.iter().all(|v| v.is_finite()) {
                return Err(QuadratureError::NotFinite { at });
            }
        }
        let mut integral = Integral::ZERO;
        for n in 0..N {
            let value = values.map(|all| all[n]);
            let pair = |i: usize| if i == 7 { value[7] } else { value[i] + value[14 - i] };
            let kronrod: f64 = (0..8).map(|i| KRONROD[i] * pair(i)).sum();
            let gauss: f64 = (0..4).map(|i| GAUSS[i] * pair(2 * i + 1)).sum();
            let over = |g: &dyn Fn(f64) -> f64| -> f64 {
                value.iter().enumerate().map(|(i, v)| KRONROD[i.min(14 - i)] * g(*v)).sum()
            };
            let magnitude = over(&|v| v.abs());
            let spread = over(&|v| (v - 0.5 * kronrod).abs());
            let difference = (kronrod - gauss).abs();
            let error = if spread > 0.0 {
                spread * (200.0 * difference / spread).powf(1.5).min(1.0)
            } else {
                difference
            };
            integral.value[n] = half * kronrod;
            integral.magnitude[n] = half * magnitude;
            // Rounding leaves this much.
            integral.error[n] = half * error.max(4.0 * f64::EPSILON * magnitude);
        }
        Ok(Self { low, high, integral })
    }

    /// Whether a midpoint lies well inside.
    fn divisible(&self) -> bool {
        self.high - self.low > 16.0 * f64::EPSILON * self.low.abs().max(self.high.abs())
    }
}

/// ∫f from the first to the last of the ascending `edges`, which should lie where `f` has kinks or changes its scale.
///
/// `tolerance` bounds the estimated error of each integrand as a share of its ∫|f|; 1e-14 is the least that rounding
/// allows. `f` is never asked at the edges themselves, unless a panel has shrunk to the last digits. Fewer than two
/// edges enclose nothing: 0.
///
/// # Errors
/// A value of `f` that is NaN or infinite, or an error that stays above the tolerance after 20,000 panels.
pub fn integrate<const N: usize>(
    edges: &[f64],
    tolerance: f64,
    f: impl FnMut(f64) -> [f64; N],
) -> Result<Integral<N>, QuadratureError> {
    integrate_panels(edges.windows(2).map(|pair| (pair[0], pair[1])), tolerance, f)
}

/// [`integrate`] over panels that need not touch each other.
///
/// # Errors
/// As [`integrate`].
pub fn integrate_panels<const N: usize>(
    intervals: impl Iterator<Item = (f64, f64)>,
    tolerance: f64,
    mut f: impl FnMut(f64) -> [f64; N],
) -> Result<Integral<N>, QuadratureError> {
    let mut panels = Vec::with_capacity(32);
    for (low, high) in intervals {
        if low < high {
            panels.push(Panel::new(low, high, &mut f)?);
        }
    }
    loop {
        let mut total = Integral::ZERO;
        panels.iter().for_each(|panel: &Panel<N>| total.add(&panel.integral));
        let error = total.relative_to(&total);
        if error <= tolerance {
            return Ok(total);
        }
        let share = tolerance / panels.len() as f64;
        let before = panels.len();
        for i in 0..before {
            let Panel { low, high, ref integral } = panels[i];
            let rounding = integral.relative_to(integral) < 8.0 * f64::EPSILON;
            if integral.relative_to(&total) > share && !rounding && panels[i].divisible() {
                let middle = 0.5 * (low + high);
                panels[i] = Panel::new(low, middle, &mut f)?;
                panels.push(Panel::new(middle, high, &mut f)?);
            }
        }
        if panels.len() == before || panels.len() > MOST_PANELS {
            return Err(QuadratureError::NotConverged { error, wanted: tolerance });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn one(edges: &[f64], f: impl Fn(f64) -> f64) -> Integral<1> {
        integrate(edges, 1e-13, |x| [f(x)]).unwrap()
    }

    #[test]
    fn one_panel_is_exact_to_degree_22() {
        for degree in 0..=22 {
            let mut calls = 0;
            let panel = Panel::new(0.0, 1.0, &mut |x: f64| {
                calls += 1;
                [x.powi(degree)]
            });
            let value = panel.unwrap().integral.value[0] * f64::from(degree + 1);
            assert!((value - 1.0).abs() < 2e-15 && calls == 15, "{degree}: {value}");
        }
        let panel = Panel::new(-1.0, 1.0, &mut |x: f64| [x.powi(24)]).unwrap();
        assert!(
            (panel.integral.value[0] - 2.0 / 25.0).abs() > 1e-12,
            "a rule of 15 nodes cannot do degree 24"
        );
    }

    #[test]
    fn known_integrals_come_out_within_their_estimate() {
        // Runge's function, a peak, an oscillation, singular ends, a kink and a jump off the edges.
        type Case = (f64, f64, f64, fn(f64) -> f64);
        let cases: [Case; 8] = [
            (-1.0, 1.0, 0.4 * 5f64.atan(), |x| 1.0 / (1.0 + 25.0 * x * x)),
            (-1.0, 1.0, 2.0 / 1e-4 * 1e4f64.atan(), |x| 1.0 / (x * x + 1e-8)),
            (0.0, 1.0, (1.0 - 300f64.cos()) / 300.0, |x| (300.0 * x).sin()),
            (0.0, 1.0, 2.0, |x| 1.0 / x.sqrt()),
            (0.0, 1.0, 10.0, |x| x.powf(-0.9)),
            (0.0, 1.0, -1.0, |x| x.ln()),
            (0.0, 1.0, 0.5 * (0.3 * 0.3 + 0.7 * 0.7), |x| (x - 0.3).abs()),
            (0.0, 1.0, 0.7, |x| f64::from(u8::from(x > 0.3))),
        ];
        for (i, (low, high, want, f)) in cases.into_iter().enumerate() {
            let got = one(&[low, high], f);
            let error = (got.value[0] - want).abs();
            assert!(error <= 1e-12 * got.magnitude[0] && error <= got.error[0], "{i}: {got:?}, not {want}");
        }
        let gaussian = one(&[-40.0, -1.0, 0.3, 40.0], |x| (-x * x).exp());
        assert!((gaussian.value[0] - PI.sqrt()).abs() < 1e-14);
    }

    #[test]
    fn integrands_share_panels_and_keep_their_own_error() {
        let both = integrate(&[0.0, 1.0], 1e-12, |x: f64| [1.0, 1e-200 / x.sqrt(), 0.0]).unwrap();
        assert!((both.value[1] / 2e-200 - 1.0).abs() < 1e-12 && both.value[2] == 0.0, "{both:?}");
    }

    #[test]
    fn what_has_no_integral_is_an_error() {
        let nan = integrate(&[0.0, 1.0], 1e-10, |x: f64| [(x - 0.5).sqrt()]);
        assert!(matches!(nan, Err(QuadratureError::NotFinite { .. })), "{nan:?}");
        let divergent = integrate(&[0.0, 1.0], 1e-10, |x: f64| [1.0 / x]);
        assert!(divergent.is_err(), "{divergent:?}");
        assert_eq!(integrate(&[1.0], 1e-10, |x: f64| [x]), Ok(Integral::ZERO));
    }
}
