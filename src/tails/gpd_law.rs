//! The generalised Pareto law of an excess, P(Y > y) = (1 + ξy/σ)^(−1/ξ) (Pickands 1975).

/// Shape and scale of a generalised Pareto law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gpd {
    /// Shape ξ.
    pub xi: f64,
    /// Scale σ, in the unit of the excesses.
    pub scale: f64,
}

impl Gpd {
    /// −ln P(Y > y): 0 at and below 0, ∞ from a finite end point on.
    pub fn neg_ln_sf(&self, excess: f64) -> f64 {
        let y = (excess / self.scale).max(0.0);
        let bent = self.xi * y;
        if bent.abs() < 1e-8 {
            y - 0.5 * bent * y
        } else if bent <= -1.0 {
            f64::INFINITY
        } else {
            bent.ln_1p() / self.xi
        }
    }

    /// The y with −ln P(Y > y) = `neg_ln_sf`; +∞ where f64 cannot hold it.
    pub fn upper_quantile(&self, neg_ln_sf: f64) -> f64 {
        let bent = self.xi * neg_ln_sf;
        let y = if bent.abs() < 1e-8 { neg_ln_sf * (1.0 + 0.5 * bent) } else { bent.exp_m1() / self.xi };
        self.scale * y
    }

    /// The law with the mean and variance of these excesses; `None` where they do not vary.
    ///
    /// ξ = (1 − mean²/variance)/2, which is below ½ whatever the excesses (Hosking & Wallis 1987, *Technometrics* 29:339).
    pub fn by_moments(excesses: &[f64]) -> Option<Self> {
        let n = excesses.len() as f64;
        let largest = excesses.iter().copied().fold(0.0, f64::max);
        let mean = excesses.iter().map(|y| y / largest).sum::<f64>() / n;
        let variance = excesses.iter().map(|y| (y / largest - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let ratio = mean * mean / variance;
        let law = Self { xi: 0.5 * (1.0 - ratio), scale: 0.5 * mean * (1.0 + ratio) * largest };
        (law.xi.is_finite() && law.scale.is_finite() && law.scale > 0.0).then_some(law)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_recover_the_law_where_it_has_them() {
        for xi in [-0.8, -0.2, 0.2] {
            let law = Gpd { xi, scale: 3.0 };
            let n = 100_000;
            let y: Vec<f64> =
                (0..n).map(|i| law.upper_quantile(-((f64::from(i) + 0.5) / f64::from(n)).ln())).collect();
            let found = Gpd::by_moments(&y).unwrap();
            assert!((found.xi - xi).abs() < 0.01 && (found.scale / 3.0 - 1.0).abs() < 0.01, "{found:?}");
        }
    }

    #[test]
    fn equal_excesses_and_none_have_no_law() {
        assert_eq!(Gpd::by_moments(&[2.0; 30]), None);
        assert_eq!(Gpd::by_moments(&[]), None);
        assert_eq!(Gpd::by_moments(&[f64::MAX, 1.0, 1.0]).map(|law| law.scale.is_finite()), Some(true));
    }
}
