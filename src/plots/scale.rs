//! From data to the unit interval, and where the ticks stand.

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

/// One tick.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where it stands, in the data's units.
    pub value: f64,
    /// Its label; a minor tick has none.
    pub label: Option<String>,
}

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
        Some(match kind {
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
        })
    }

    /// A scale with exactly these ends; `None` unless they are finite, ascending and allowed for the kind.
    pub fn exact(kind: Kind, low: f64, high: f64) -> Option<Self> {
        let allowed = match kind {
            Kind::Linear | Kind::Symlog => true,
            Kind::Sqrt => low >= 0.0,
            Kind::Log => low > 0.0,
        };
        (low.is_finite() && high.is_finite() && low < high && allowed).then_some(Self {
            kind,
            low,
            high,
            knee: 1.0,
        })
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

    /// Ticks from low to high, about `count` of them with a label.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        match self.kind {
            Kind::Linear => self.linear_ticks(count),
            Kind::Sqrt => self.sqrt_ticks(count),
            Kind::Log => self.log_ticks(count),
            Kind::Symlog => self.symlog_ticks(count),
        }
    }

    /// Zero, and powers of ten of both signs from the knee on.
    fn symlog_ticks(&self, count: usize) -> Vec<Tick> {
        let (first, last) =
            (self.knee.log10().ceil() as i32, self.low.abs().max(self.high.abs()).log10().floor() as i32);
        let every = ((last - first + 1).max(1) as usize).div_ceil(count.max(1)).max(1);
        let label = |exponent: i32| {
            if (-3..=4).contains(&exponent) {
                number(power(exponent), (-exponent).max(0) as usize)
            } else {
                ten_to(exponent)
            }
        };
        let mut ticks = vec![Tick { value: 0.0, label: Some("0".to_owned()) }];
        for exponent in (first..=last).step_by(every) {
            let size = power(exponent);
            ticks.push(Tick { value: size, label: Some(label(exponent)) });
            ticks.insert(0, Tick { value: -size, label: Some(format!("−{}", label(exponent))) });
        }
        ticks.retain(|tick| (self.low..=self.high).contains(&tick.value));
        ticks
    }

    fn linear_ticks(&self, count: usize) -> Vec<Tick> {
        let step = nice_step((self.high - self.low) / count.max(1) as f64);
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        // 2.5 needs one digit more than 2.
        let decimals =
            if (step * 10f64.powi(decimals as i32)).fract().abs() > 1e-9 { decimals + 1 } else { decimals };
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        (first..=last)
            .map(|i| i as f64 * step)
            .map(|value| Tick { value, label: Some(number(value, decimals)) })
            .collect()
    }

    fn sqrt_ticks(&self, count: usize) -> Vec<Tick> {
        let gap = 0.55 / count.max(1) as f64;
        let mut ticks = vec![Tick { value: 0.0, label: Some("0".to_owned()) }];
        let mut last = self.unit(0.0);
        if self.low > 0.0 {
            ticks.clear();
        }
        for exponent in -6..=6 {
            for digit in [1.0, 2.0, 5.0] {
                let value = digit * 10f64.powi(exponent);
                if value <= self.high && value >= self.low && self.unit(value) - last >= gap {
                    last = self.unit(value);
                    ticks.push(Tick { value, label: Some(number(value, (-exponent).max(0) as usize)) });
                }
            }
        }
        ticks
    }

    /// Powers of ten are labelled, their multiples 2–9 are minor ticks. A range of less than two powers is labelled
    /// at 1, 2 and 5 times a power, in plain digits; a long range at every second, third … power.
    fn log_ticks(&self, count: usize) -> Vec<Tick> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let inside = |x: f64| x >= self.low * (1.0 - 1e-12) && x <= self.high * (1.0 + 1e-12);
        let powers = (first..=last).filter(|e| inside(power(*e))).count();
        let every = powers.div_ceil(count.max(1)).max(1) as i32;
        let mut ticks = Vec::new();
        for exponent in first..=last {
            for digit in 1..=9 {
                let value = f64::from(digit) * power(exponent);
                if !inside(value) || (every > 1 && digit > 1) {
                    continue;
                }
                let label = if powers < 2 {
                    matches!(digit, 1 | 2 | 5).then(|| number(value, (-exponent).max(0) as usize))
                } else {
                    (digit == 1 && exponent.rem_euclid(every) == 0).then(|| ten_to(exponent))
                };
                ticks.push(Tick { value, label });
            }
        }
        ticks
    }
}

/// 10ⁿ, rounded once.
fn power(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::INFINITY)
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `rough`.
fn nice_step(rough: f64) -> f64 {
    let base = power(rough.max(1e-300).log10().floor() as i32);
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * base)
        .find(|s| *s >= rough * (1.0 - 1e-9))
        .unwrap_or(base)
}

/// `10ⁿ` with a raised exponent.
pub fn ten_to(exponent: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let sign = if exponent < 0 { "⁻" } else { "" };
    let digits = exponent.unsigned_abs().to_string();
    let raised: String = digits.bytes().map(|d| RAISED[usize::from(d - b'0') % 10]).collect();
    format!("10{sign}{raised}")
}

/// A number with a true minus sign; zero has none. From 10⁶ and below 10⁻⁶ with a power of ten.
pub fn number(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= 1e6 || (size > 0.0 && size < 1e-6) {
        let exponent = size.log10().floor() as i32;
        let digits = format!("{:.1}", size / power(exponent));
        let digits = digits.strip_suffix(".0").unwrap_or(&digits);
        let sign = if value < 0.0 { "−" } else { "" };
        let times = if digits == "1" { String::new() } else { format!("{digits}×") };
        return format!("{sign}{times}{}", ten_to(exponent));
    }
    let digits = format!("{size:.decimals$}");
    let zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    if value < 0.0 && !zero { format!("−{digits}") } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, count: usize) -> Vec<String> {
        scale.ticks(count).into_iter().filter_map(|t| t.label).collect()
    }

    #[test]
    fn powers_of_ten_are_labelled_and_their_multiples_are_minor() {
        let scale = Scale::exact(Kind::Log, 0.05, 200.0).unwrap();
        assert_eq!(labels(scale, 6), ["10⁻¹", "10⁰", "10¹", "10²"]);
        let minor: Vec<f64> =
            scale.ticks(6).into_iter().filter(|t| t.label.is_none()).map(|t| t.value).collect();
        assert_eq!(minor.len(), 5 + 8 + 8 + 8 + 1);
        assert!((minor[0] - 0.05).abs() < 1e-15 && minor[minor.len() - 1] == 200.0);
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
    fn a_short_log_range_is_labelled_in_digits_and_a_long_one_thinned() {
        assert_eq!(labels(Scale::exact(Kind::Log, 0.015, 0.09).unwrap(), 6), ["0.02", "0.05"]);
        let long = labels(Scale::exact(Kind::Log, 1e-12, 1.0).unwrap(), 6);
        assert_eq!(long, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]);
    }

    #[test]
    fn linear_ticks_are_round_and_signed() {
        assert_eq!(labels(Scale::exact(Kind::Linear, -5.2, 2.1).unwrap(), 4), ["−4", "−2", "0", "2"]);
        assert_eq!(labels(Scale::exact(Kind::Linear, 0.0, 0.5).unwrap(), 2), ["0.00", "0.25", "0.50"]);
        assert_eq!(labels(Scale::exact(Kind::Linear, 0.0, 3e6).unwrap(), 3), ["0", "10⁶", "2×10⁶", "3×10⁶"]);
    }

    #[test]
    fn positions_follow_the_kind() {
        let log = Scale::exact(Kind::Log, 1.0, 100.0).unwrap();
        assert!((log.unit(10.0) - 0.5).abs() < 1e-15);
        assert_eq!((log.unit(0.0), log.unit(1e9)), (0.0, 1.0));
        assert!((Scale::exact(Kind::Sqrt, 0.0, 4.0).unwrap().unit(1.0) - 0.5).abs() < 1e-15);
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
