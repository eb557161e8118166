//! Sums that keep their digits.

/// Neumaier's compensated sum.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompensatedSum {
    sum: f64,
    correction: f64,
}

impl CompensatedSum {
    /// Adds one term.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let total = self.sum + x;
        self.correction +=
            if self.sum.abs() >= x.abs() { (self.sum - total) + x } else { (x - total) + self.sum };
        self.sum = total;
    }

    /// Multiplies the sum so far.
    pub fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.correction *= factor;
    }

    /// The sum so far.
    pub fn value(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.correction } else { self.sum }
    }
}

impl FromIterator<f64> for CompensatedSum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        for term in terms {
            sum.add(term);
        }
        sum
    }
}

/// Compensated sum of `terms`.
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    terms.into_iter().collect::<CompensatedSum>().value()
}

/// Mean, or `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| sum(values.iter().copied()) / values.len() as f64)
}

/// Sample variance (denominator n − 1), or `None` below two values.
pub fn variance(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let centre = mean(values)?;
    Some(sum(values.iter().map(|x| (x - centre).powi(2))) / (values.len() - 1) as f64)
}

/// ln Σ exp(xᵢ), with the maximum subtracted first; −∞ of nothing.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !max.is_finite() {
        return max;
    }
    max + sum(values.iter().map(|x| (x - max).exp())).ln()
}

/// Audits that a budget buys: below 1 it is a fraction of the rollouts, rounded down, else a count.
///
/// A fraction such as .001 is not exact in binary, and 3000 rollouts are to have 3 audits: the margin is for that.
pub fn audits(budget: f64, rollouts: f64) -> f64 {
    if budget < 1.0 { (budget * rollouts * (1.0 + 1e-12)).floor() } else { budget }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compensation_recovers_lost_digits() {
        assert_eq!(sum([1e100, 1.0, -1e100]), 1.0);
        assert_eq!([1e100, 1.0, -1e100].iter().sum::<f64>(), 0.0);
    }

    #[test]
    fn log_sum_exp_survives_large_and_empty_input() {
        assert!((log_sum_exp(&[2000.0, 2000.0]) - (2000.0 + 2f64.ln())).abs() < 1e-12);
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    }

    #[test]
    fn too_few_values_have_no_moments() {
        assert_eq!(mean(&[]), None);
        assert_eq!(variance(&[3.0]), None);
        assert_eq!(variance(&[1.0, 3.0]), Some(2.0));
    }
}
