//! From data to the unit interval, and where the ticks stand.

mod ticks;

pub use ticks::{Tick, number, ten_to};

/// How data are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In proportion.
    Linear,
    /// In proportion to the square root (for KL: the gain of a normal proxy is √(2·KL)).
    Sqrt,
    /// In proportion to the logarithm.
    Log,
    /// In proportion to the logarithm of the size, with its sign, and through zero in proportion.
    Symlog,
}

impl Kind {
    /// What the values of a sweep ask for: logarithmic where they are positive and their range is eightfold, symlog where zero or a
    /// sign stands in the way, linear otherwise.
    pub fn of_sweep(values: &[f64]) -> Self {
        let sizes = values.iter().map(|x| x.abs()).filter(|x| *x > 0.0);
        let (low, high) = sizes.fold((f64::INFINITY, 0f64), |(low, high), x| (low.min(x), high.max(x)));
        match high >= 8.0 * low {
            true if values.iter().all(|x| *x > 0.0) => Self::Log,
            true => Self::Symlog,
            false => Self::Linear,
        }
    }
}

/// The largest end of an axis.
const LARGEST: f64 = f64::MAX / 8.0;

/// A range of data on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    /// Size up to which a symlog scale is about linear.
    knee: f64,
}

impl Scale {
    /// A scale that holds all finite `values` (of the log scale: all positive ones); `None` where there are none.
    ///
    /// Linear and square-root axes get a margin; a range of one value is widened.
    pub fn over(kind: Kind, values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let fits = |x: &f64| match kind {
            Kind::Linear | Kind::Symlog => x.is_finite(),
            Kind::Sqrt => x.is_finite() && *x >= 0.0,
            Kind::Log => x.is_finite() && *x > 0.0,
        };
        let mut knee = f64::INFINITY;
        let (low, high) = values
            .into_iter()
            .filter(fits)
            .inspect(|x| knee = if *x == 0.0 { knee } else { knee.min(x.abs()) })
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return None;
        }
        let knee = if knee.is_finite() { knee } else { 1.0 };
        let scale = match kind {
            Kind::Linear => {
                let span = high - low;
                let margin = if span > 1e-12 * low.abs().max(high.abs()) {
                    0.05 * span
                } else {
                    0.5 * low.abs().max(1.0)
                };
                Self { kind, low: low - margin, high: high + margin, knee }
            }
            Kind::Sqrt => Self { kind, low: 0.0, high: if high > 0.0 { high * 1.06 } else { 1.0 }, knee },
            Kind::Log => {
                let widen = if high / low < 1.5 { 2.0 } else { (high / low).powf(0.03) };
                Self { kind, low: low / widen, high: high * widen, knee }
            }
            Kind::Symlog => {
                let widen = |x: f64| if x == 0.0 { 0.0 } else { x * 1.15 };
                let (low, high) = (widen(low), widen(high));
                let margin = 0.3 * knee;
                let low = if low >= 0.0 { -margin } else { low };
                Self { kind, low, high: if high <= 0.0 { margin } else { high }, knee }
            }
        };
        Some(scale.held())
    }

    /// The same within numbers whose distances and ratios are numbers too: what lies beyond is drawn at the end.
    fn held(self) -> Self {
        let least = if self.kind == Kind::Log { f64::MIN_POSITIVE } else { -LARGEST };
        let (low, high) = (self.low.clamp(least, LARGEST), self.high.clamp(least, LARGEST));
        let (low, high) = match (low < high, high > 0.0) {
            (true, _) => (low, high),
            (false, true) if high > LARGEST / 2.0 => (high / 2.0, high),
            (false, true) => (low, low * 2.0),
            (false, false) => (low, low / 2.0),
        };
        let knee = self.knee.max(low.abs().max(high.abs()) * 1e-300);
        Self { kind: self.kind, low, high, knee }
    }

    /// The symlog scale that holds all finite `values` and is about linear up to the size `knee`; `None` where there are none, or the knee is not
    /// positive.
    pub fn symlog(values: impl IntoIterator<Item = f64>, knee: f64) -> Option<Self> {
        let scale = Self::over(Kind::Symlog, values)?;
        (knee > 0.0 && knee.is_finite()).then(|| Self { knee, ..scale }.held())
    }

    /// A scale with exactly these ends; `None` unless they are finite, ascending and allowed for the kind.
    pub fn exact(kind: Kind, low: f64, high: f64) -> Option<Self> {
        let allowed = match kind {
            Kind::Linear | Kind::Symlog => true,
            Kind::Sqrt => low >= 0.0,
            Kind::Log => low > 0.0,
        };
        ((high - low).is_finite() && low < high && allowed).then_some(Self { kind, low, high, knee: 1.0 })
    }

    /// Both ends.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Position of `x`: 0 at the low end, 1 at the high end. Outside of them it is held at the end.
    pub fn unit(&self, x: f64) -> f64 {
        let map = |x: f64| match self.kind {
            Kind::Linear => x,
            Kind::Sqrt => x.max(0.0).sqrt(),
            Kind::Log => x.max(f64::MIN_POSITIVE).ln(),
            Kind::Symlog => x.signum() * (x.abs() / self.knee).ln_1p(),
        };
        let x = x.clamp(self.low, self.high);
        ((map(x) - map(self.low)) / (map(self.high) - map(self.low))).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, count: usize) -> Vec<String> {
        scale.ticks(count).into_iter().filter_map(|t| t.label).collect()
    }

    #[test]
    fn a_sweep_with_zero_is_symlog_and_zero_has_its_place() {
        assert_eq!(Kind::of_sweep(&[0.1, 1.0]), Kind::Log);
        assert_eq!(Kind::of_sweep(&[1.0, 2.0, 4.0]), Kind::Linear);
        assert_eq!(Kind::of_sweep(&[0.0, 0.01, 1.0]), Kind::Symlog);
        assert_eq!(Kind::of_sweep(&[-10.0, 0.5]), Kind::Symlog);
        assert_eq!(Kind::of_sweep(&[0.0, 1.0]), Kind::Linear);
        let scale = Scale::over(Kind::Symlog, [0.0, 0.01, 0.1, 1.0]).unwrap();
        assert_eq!(labels(scale, 6), ["0", "0.01", "0.1", "1"]);
        let units: Vec<f64> = [0.0, 0.01, 0.1, 1.0].map(|x| scale.unit(x)).to_vec();
        assert!(units.windows(2).all(|pair| pair[1] - pair[0] > 0.1), "{units:?}");
        let both = Scale::over(Kind::Symlog, [-100.0, 1.0, 100.0]).unwrap();
        assert!((both.unit(0.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn positions_follow_the_kind() {
        let log = Scale::exact(Kind::Log, 1.0, 100.0).unwrap();
        assert!((log.unit(10.0) - 0.5).abs() < 1e-15);
        assert_eq!((log.unit(0.0), log.unit(1e9)), (0.0, 1.0));
        assert!((Scale::exact(Kind::Sqrt, 0.0, 4.0).unwrap().unit(1.0) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn an_axis_of_the_largest_and_smallest_numbers_has_its_ticks() {
        let (least, most) = (5e-324, f64::MAX);
        let hostile: [&[f64]; 7] = [
            &[least, 1e300],
            &[-most, most],
            &[0.0, least, most],
            &[most],
            &[least],
            &[1e-300, 1e300],
            &[-least, 1.0],
        ];
        for kind in [Kind::Linear, Kind::Sqrt, Kind::Log, Kind::Symlog] {
            for values in hostile {
                let Some(scale) = Scale::over(kind, values.iter().copied()) else { continue };
                let ticks = scale.ticks(6);
                assert!(
                    ticks.len() < 2000 && ticks.iter().all(|tick| tick.value.is_finite()),
                    "{kind:?} {values:?}"
                );
                let inside = values.iter().all(|x| (0.0..=1.0).contains(&scale.unit(*x)));
                assert!(inside, "{kind:?} {values:?}");
            }
        }
    }

    #[test]
    fn degenerate_ranges_are_widened_and_empty_ones_refused() {
        let one = Scale::over(Kind::Linear, [3.0, 3.0, f64::NAN, f64::INFINITY]).unwrap();
        assert!(one.unit(3.0) == 0.5 && one.ticks(4).len() > 1);
        assert_eq!(Scale::over(Kind::Log, [0.0, -1.0]), None);
        assert_eq!(Scale::over(Kind::Linear, []), None);
        assert_eq!(Scale::exact(Kind::Log, 0.0, 1.0), None);
    }
}
