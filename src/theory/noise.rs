//! The noise that is added to every reward: its upper tail and its quantiles.
//!
//! A law whose tail probabilities are integrals themselves is tabulated, for an audit asks for a hundred thousand of them. The table keeps
//! eleven digits; where it would not, and outside of its ends, the law itself is asked.

use super::TheoryError;
use super::interpolant::Interpolant;
use crate::distributions::DistributionSpec;
use crate::foundation::root::crossing;

/// Upper-tail shares of the noise at which integrals over it are cut.
const CUTS: [f64; 11] = [0.0, 1e-6, 1e-3, 0.05, 0.3, 0.5, 0.7, 0.95, 0.999, 1.0 - 1e-6, 1.0];
/// Upper-tail shares between which a law is tabulated.
const ENDS: (f64, f64) = (1.0 - 1e-9, 1e-15);
/// Relative error of the table.
const TOLERANCE: f64 = 1e-11;

/// A law of noise.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    law: DistributionSpec,
    cuts: [f64; 11],
    table: Option<Table>,
}

/// The tail of a law against its distance from the median, in units of its middle.
#[derive(Debug, Clone)]
struct Table {
    centre: f64,
    unit: f64,
    tail: Interpolant,
}

impl Noise {
    /// The law made ready.
    ///
    /// # Errors
    /// Its quantiles are not finite numbers, so heavy or so wide is it.
    pub(super) fn new(law: &DistributionSpec) -> Result<Self, TheoryError> {
        let cuts = CUTS.map(|p| law.part().upper_quantile(p));
        if !cuts[1..10].iter().all(|x| x.abs() < 1e150) {
            let reason = format!(
                "has its upper 10⁻⁶ quantile at {:e}; noise with a tail that stays in range is needed",
                cuts[1]
            );
            return Err(TheoryError::Law { argument: "noise", law: law.to_string(), reason });
        }
        let table = if law.part().is_integrated() { Table::of(law, &cuts)? } else { None };
        Ok(Self { law: law.clone(), cuts, table })
    }

    /// The law.
    pub(super) fn law(&self) -> &DistributionSpec {
        &self.law
    }

    /// The points above which the shares of [`CUTS`] lie, from right to left: the ends of its support first and last.
    pub(super) fn cuts(&self) -> &[f64] {
        &self.cuts
    }

    /// The point above which half of it lies.
    pub(super) fn median(&self) -> f64 {
        self.cuts[5]
    }

    /// P(noise > x).
    pub(super) fn sf(&self, x: f64) -> f64 {
        let tabulated = self.table.as_ref().and_then(|table| table.sf(x));
        tabulated.unwrap_or_else(|| self.law.part().sf(x))
    }

    /// The point above which a share `p` of it lies.
    pub(super) fn upper_quantile(&self, p: f64) -> f64 {
        let tabulated = self.table.as_ref().and_then(|table| table.upper_quantile(p, |x| self.sf(x)));
        tabulated.unwrap_or_else(|| self.law.part().upper_quantile(p))
    }
}

impl Table {
    /// `None` where the middle of the law has no width, or its ends are out of range.
    fn of(law: &DistributionSpec, cuts: &[f64; 11]) -> Result<Option<Self>, TheoryError> {
        let law = law.part();
        let (centre, unit) = (cuts[5], 0.5 * (cuts[4] - cuts[6]));
        let [low, high] = [ENDS.0, ENDS.1].map(|p| (law.upper_quantile(p) - centre) / unit);
        if !(unit.is_normal() && low.is_finite() && high.is_finite() && low < high) {
            return Ok(None);
        }
        let tail = Interpolant::new((low, high), TOLERANCE, |t| Ok(law.sf(centre + unit * t)))?;
        Ok(Some(Self { centre, unit, tail }))
    }

    fn sf(&self, x: f64) -> Option<f64> {
        self.tail.at((x - self.centre) / self.unit)
    }

    /// Where `sf` is p, between the ends; `sf` is this table, and the law where the table is not exact enough.
    fn upper_quantile(&self, p: f64, sf: impl Fn(f64) -> f64) -> Option<f64> {
        let (low, high) = self.tail.ends()?;
        let x = |y: f64| self.centre + self.unit * y.sinh();
        let found = crossing(low, high, |y| sf(x(y)).ln() - p.ln())?;
        Some(x(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(law: &str) -> Noise {
        Noise::new(&law.parse().unwrap()).unwrap()
    }

    /// Skewed and not, light on one side, near the Cauchy, near the normal, and far narrower or wider than the bulk.
    const LAWS: [&str; 8] = [
        "stable:alpha=1.5,beta=0",
        "stable:alpha=1.908044685179832,beta=-0.3267543615203212,scale=0.07672347088153494",
        "stable:alpha=0.4416547426422824,beta=-0.6360823593194009,scale=0.00013594996902928667",
        "stable:alpha=0.7,beta=1,location=4",
        "stable:alpha=1.2,beta=-1,scale=1e3",
        "stable:alpha=1,beta=0.5",
        "stable:alpha=1.001,beta=0.5",
        "stable:alpha=2",
    ];

    #[test]
    fn the_table_keeps_eleven_digits_of_the_tail() {
        for name in LAWS {
            let noise = noise(name);
            assert!(noise.table.is_some(), "{name}");
            let law = noise.law().part();
            let (centre, unit) = (noise.median(), 0.5 * (noise.cuts[4] - noise.cuts[6]));
            let mut tabulated = 0;
            for i in -400..=400 {
                let x = centre + unit * (0.1 * f64::from(i)).sinh();
                let (got, want) = (noise.sf(x), law.sf(x));
                assert!((got - want).abs() <= 1e-10 * want, "{name} at {x}: {got:e} {want:e}");
                tabulated += usize::from(noise.table.as_ref().is_some_and(|table| table.sf(x).is_some()));
            }
            assert!(tabulated > 50, "{name}: {tabulated} of 801");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_law() {
        for name in LAWS {
            let noise = noise(name);
            for p in [1e-18, 1e-14, 1e-9, 1e-3, 0.2, 0.5, 0.8, 0.999] {
                let x = noise.upper_quantile(p);
                let back = noise.law().part().sf(x);
                assert!((back / p - 1.0).abs() < 1e-9, "{name} at {p:e}: {back:e} above {x}");
            }
            let ends = [1.0, 0.0].map(|p| (noise.upper_quantile(p), noise.law().part().upper_quantile(p)));
            assert!(ends.iter().all(|(got, want)| got == want), "{name}: {ends:?}");
        }
    }

    #[test]
    fn laws_with_a_closed_form_are_asked_themselves() {
        assert!(
            ["student_t:df=3", "uniform", "levy", "normal"].iter().all(|name| noise(name).table.is_none())
        );
    }
}
