//! Where the ticks of an axis stand, and how they are labelled.

use super::{Kind, Scale};

/// One tick.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where it stands, in the data's units.
    pub value: f64,
    /// Its label; a minor tick has none.
    pub label: Option<String>,
}

impl Scale {
    /// Ticks from low to high, about `count` of them with a label.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        match self.kind {
            Kind::Linear => self.linear_ticks(count),
            Kind::Sqrt => self.sqrt_ticks(count),
            Kind::Log => self.log_ticks(count),
            Kind::Symlog => self.symlog_ticks(count),
        }
    }

    /// Zero and powers of ten of both signs; of few powers also 5 and 2 times them, where there is room. Other multiples are minor ticks.
    fn symlog_ticks(&self, count: usize) -> Vec<Tick> {
        let gap = 0.55 / count.max(1) as f64;
        let largest = self.low.abs().max(self.high.abs());
        let exponents = self.knee.log10().floor() as i32 - 1..=largest.log10().floor() as i32;
        let of = |digit: u8| {
            let both = |exponent: i32| [1.0, -1.0].map(|sign| (sign, digit, exponent));
            exponents.clone().rev().flat_map(both).collect::<Vec<_>>()
        };
        let value = |(sign, digit, exponent): (f64, u8, i32)| sign * f64::from(digit) * power(exponent);
        let inside = |x: f64| (self.low..=self.high).contains(&x);
        let mut places: Vec<f64> = Vec::new();
        let mut ticks = Vec::new();
        if inside(0.0) {
            places.push(self.unit(0.0));
            ticks.push(Tick { value: 0.0, label: Some("0".to_owned()) });
        }
        let powers = exponents.clone().filter(|e| power(*e) >= self.knee && inside(power(*e))).count();
        let digits: &[u8] = if powers < 3 { &[1, 5, 2] } else { &[1] };
        for one in digits.iter().copied().flat_map(of) {
            let (x, at) = (value(one), self.unit(value(one)));
            if inside(x) && places.iter().all(|place| (place - at).abs() >= gap) {
                places.push(at);
                ticks.push(Tick { value: x, label: Some(signed(one)) });
            }
        }
        // Closer than this they would be a bar.
        let apart = 0.04 / count.max(1) as f64;
        let far = |x: f64, y: f64| (self.unit(x) - self.unit(y)).abs() >= apart;
        let clear = |(sign, _, exponent): (f64, u8, i32), digits: &[u8]| {
            let at = |digit: u8| value((sign, digit, exponent));
            digits.windows(2).all(|pair| far(at(pair[0]), at(pair[1])))
        };
        let minor = |one: (f64, u8, i32)| {
            let every = clear(one, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
            every || (matches!(one.1, 1 | 2 | 5) && clear(one, &[1, 2, 5, 10]))
        };
        for one in (1..=9).flat_map(of).filter(|one| minor(*one)) {
            let x = value(one);
            if inside(x) && ticks.iter().all(|tick| far(tick.value, x)) {
                ticks.push(Tick { value: x, label: None });
            }
        }
        ticks.sort_by(|a, b| a.value.total_cmp(&b.value));
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
            last = f64::NEG_INFINITY;
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
        let powers: Vec<i32> = (first..=last).filter(|e| inside(power(*e))).collect();
        let every = powers.len().div_ceil(count.max(1)).max(1) as i32;
        let (powers, shift) = (powers.len(), shift(&powers, every));
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
                    (digit == 1 && (exponent - shift).rem_euclid(every) == 0).then(|| ten_to(exponent))
                };
                ticks.push(Tick { value, label });
            }
        }
        ticks
    }
}

/// From which power on every so many are labelled: from 1, or where that leaves a single label, from where it does not.
fn shift(powers: &[i32], every: i32) -> i32 {
    let labels = |shift: i32| powers.iter().filter(|e| (*e - shift).rem_euclid(every) == 0).count();
    (0..every).find(|shift| labels(*shift) > 1).unwrap_or(0)
}

/// A digit times a power of ten, with its sign: in plain digits where that is short.
fn signed((sign, digit, exponent): (f64, u8, i32)) -> String {
    let size = match exponent {
        -3..=4 => number(f64::from(digit) * power(exponent), (-exponent).max(0) as usize),
        _ if digit == 1 => ten_to(exponent),
        _ => format!("{digit}×{}", ten_to(exponent)),
    };
    if sign < 0.0 { format!("−{size}") } else { size }
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

    #[test]
    fn a_symlog_axis_of_few_powers_is_labelled_between_them() {
        let scale = Scale::symlog([-4.0, 50.0], 1.35).unwrap();
        let found = labels(scale, 5);
        assert!(
            found.len() >= 4 && found.contains(&"0".to_owned()) && found.contains(&"10".to_owned()),
            "{found:?}"
        );
        let places: Vec<f64> =
            scale.ticks(5).iter().filter(|t| t.label.is_some()).map(|t| scale.unit(t.value)).collect();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 0.11), "{places:?}");
        assert!(scale.ticks(5).iter().any(|tick| tick.label.is_none()));
        // In a narrow panel ticks stay apart: 2 labels are 140 units.
        let narrow: Vec<f64> = scale.ticks(2).iter().map(|t| 140.0 * scale.unit(t.value)).collect();
        assert!(narrow.windows(2).all(|pair| pair[1] - pair[0] >= 2.79), "{narrow:?}");
        assert_eq!(Scale::symlog([1.0], 0.0), None);
    }

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
    fn a_short_log_range_is_labelled_in_digits_and_a_long_one_thinned() {
        assert_eq!(labels(Scale::exact(Kind::Log, 0.015, 0.09).unwrap(), 6), ["0.02", "0.05"]);
        assert_eq!(labels(Scale::exact(Kind::Log, 4.0, 1400.0).unwrap(), 2), ["10¹", "10³"]);
        let long = labels(Scale::exact(Kind::Log, 1e-12, 1.0).unwrap(), 6);
        assert_eq!(long, ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]);
    }

    #[test]
    fn square_root_ticks_are_round_and_stand_apart() {
        let scale = Scale::exact(Kind::Sqrt, 0.0, 12.0).unwrap();
        assert_eq!(labels(scale, 5), ["0", "0.2", "1", "2", "5", "10"]);
        // An axis that begins above zero has none there.
        assert_eq!(labels(Scale::exact(Kind::Sqrt, 1.0, 12.0).unwrap(), 5), ["1", "2", "5", "10"]);
    }

    #[test]
    fn ticks_of_a_symlog_axis_are_written_short_and_with_their_sign() {
        let cases = [
            ((1.0, 5, 6), "5×10⁶"),
            ((-1.0, 1, 6), "−10⁶"),
            ((-1.0, 2, -2), "−0.02"),
            ((1.0, 1, -5), "10⁻⁵"),
            ((1.0, 2, 4), "20000"),
        ];
        for (tick, label) in cases {
            assert_eq!(signed(tick), label);
        }
    }

    #[test]
    fn linear_ticks_are_round_and_signed() {
        assert_eq!(labels(Scale::exact(Kind::Linear, -5.2, 2.1).unwrap(), 4), ["−4", "−2", "0", "2"]);
        assert_eq!(labels(Scale::exact(Kind::Linear, 0.0, 0.5).unwrap(), 2), ["0.00", "0.25", "0.50"]);
        assert_eq!(labels(Scale::exact(Kind::Linear, 0.0, 3e6).unwrap(), 3), ["0", "10⁶", "2×10⁶", "3×10⁶"]);
    }
}
