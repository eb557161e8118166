//! The inverse of the power of an audit: the smallest budget, exploit mass and exploit size that reach a probability.
//!
//! P_flag grows with each of the three, and none of them can lift it above P_seen = 1 − e^(−Nq): what was never sampled is
//! never flagged.

use super::TheoryError;
use super::error::open_share;
use super::power::Auditor;
use crate::foundation::root::crossing;

/// An answer, or in words why nothing reaches the probability.
pub type Reached<T> = Result<T, String>;

impl Auditor {
    fn never_seen(&self, target: f64) -> Option<String> {
        let seen = self.p_seen();
        (seen <= target).then(|| format!("the exploit is sampled at all with probability {seen:.3} only"))
    }

    /// The fewest audits with P_flag ≥ `target`.
    ///
    /// # Errors
    /// A target outside (0, 1); noise whose tail the quadrature cannot follow.
    pub fn smallest_budget(&self, target: f64) -> Result<Reached<u64>, TheoryError> {
        open_share("target", target)?;
        if let Some(reason) = self.never_seen(target) {
            return Ok(Err(reason));
        }
        let (mut low, mut high) = (0, self.most_audits());
        if self.flagged(high)? < target {
            return Ok(Err("only an audit of every rollout reaches it".to_owned()));
        }
        // Invariant: `high` reaches it, `low` does not. Doubling first, for small budgets are usual.
        let mut step = self.plan().rounds;
        while low + step < high {
            if self.flagged(low + step)? >= target {
                high = low + step;
                break;
            }
            low += step;
            step *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.flagged(middle)? >= target { high = middle } else { low = middle }
        }
        Ok(Ok(high))
    }

    /// The smallest prior mass with P_flag ≥ `target` at this size.
    ///
    /// # Errors
    /// As for [`Auditor::smallest_budget`].
    pub fn smallest_mass(&self, audits: u64, target: f64) -> Result<Reached<f64>, TheoryError> {
        open_share("target", target)?;
        // Nq = −ln(1 − target) would be enough if every exploit were audited.
        let least = (-(-target).ln_1p() / self.plan().rollouts).ln() - 1e-9;
        let most = 0.999f64.ln();
        self.solve(least, most, target, audits, |auditor, x| auditor.with(x.exp(), auditor.plan().proxy)).map(
            |found| {
                found
                    .map(|x| x.exp())
                    .ok_or_else(|| "no exploit of this size reaches it, however frequent".to_owned())
            },
        )
    }

    /// The smallest size with P_flag ≥ `target` at this mass, in standard deviations of the benign reward without noise;
    /// 0 where an exploit of any size above it is caught.
    ///
    /// # Errors
    /// As for [`Auditor::smallest_budget`].
    pub fn smallest_proxy(&self, audits: u64, target: f64) -> Result<Reached<f64>, TheoryError> {
        open_share("target", target)?;
        if let Some(reason) = self.never_seen(target) {
            return Ok(Err(reason));
        }
        let mass = self.plan().mass;
        let reaches = |size: f64| Ok::<_, TheoryError>(self.with(mass, size)?.flagged(audits)? >= target);
        if reaches(0.0)? {
            return Ok(Ok(0.0));
        }
        let mut high = 4.0;
        while !reaches(high)? {
            high *= 8.0;
            if high > 1e100 {
                return Ok(Err("no size reaches it with so few audits".to_owned()));
            }
        }
        let low = if high > 4.0 { high / 8.0 } else { 0.0 };
        let found = self.solve(low, high, target, audits, |auditor, size| auditor.with(mass, size))?;
        Ok(found.ok_or_else(|| "no size reaches it with so few audits".to_owned()))
    }

    /// Where P_flag of `vary(x)` crosses the target.
    fn solve(
        &self,
        low: f64,
        high: f64,
        target: f64,
        audits: u64,
        vary: impl Fn(&Self, f64) -> Result<Self, TheoryError>,
    ) -> Result<Option<f64>, TheoryError> {
        let mut fault = None;
        let found = crossing(low, high, |x| {
            vary(self, x)
                .and_then(|auditor| auditor.flagged(audits))
                .map(|p_flag| p_flag - target)
                .unwrap_or_else(|e| {
                    fault = Some(e);
                    f64::NAN
                })
        });
        fault.map_or(Ok(found), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::power::Plan;
    use super::*;

    fn auditor(noise: Option<&str>, mass: f64) -> Auditor {
        let noise = noise.map(|law| law.parse().unwrap());
        let plan =
            Plan { mass, proxy: 20.0, rollouts: 2e4, noise, rounds: 1, sensitivity: 1.0, specificity: 1.0 };
        Auditor::new(plan).unwrap()
    }

    #[test]
    fn the_smallest_budget_reaches_the_target_and_one_less_does_not() {
        for (noise, target) in
            [(Some("student_t:df=3"), 0.8), (Some("student_t:df=1.5,scale=3"), 0.5), (None, 0.5)]
        {
            let auditor = auditor(noise, 1e-4);
            let budget = auditor.smallest_budget(target).unwrap().unwrap();
            assert!(auditor.power(budget).unwrap().p_flag >= target, "{noise:?}");
            assert!(budget == 1 || auditor.power(budget - 1).unwrap().p_flag < target, "{noise:?}: {budget}");
        }
    }

    #[test]
    fn the_smallest_exploits_have_the_target() {
        for looks in [3, 20, 200] {
            let auditor = auditor(Some("student_t:df=3"), 2e-4);
            let mass = auditor.smallest_mass(looks, 0.9).unwrap().unwrap();
            let proxy = auditor.smallest_proxy(looks, 0.9).unwrap();
            let flagged = |mass, proxy| auditor.with(mass, proxy).unwrap().power(looks).unwrap().p_flag;
            assert!((flagged(mass, 20.0) - 0.9).abs() < 1e-6, "{looks}");
            assert!((flagged(2e-4, proxy.unwrap()) - 0.9).abs() < 1e-6, "{looks}");
        }
    }

    #[test]
    fn what_cannot_be_reached_has_a_reason() {
        let rare = auditor(Some("student_t:df=3"), 1e-6);
        let seen = "the exploit is sampled at all with probability 0.020 only".to_owned();
        assert_eq!(rare.smallest_budget(0.9), Ok(Err(seen.clone())));
        assert_eq!(rare.smallest_proxy(20, 0.9), Ok(Err(seen)));
        assert!(rare.smallest_mass(20, 0.9).unwrap().is_ok());
        let buried = auditor(None, 1e-4).with(1e-4, -30.0).unwrap();
        assert!(buried.smallest_mass(20, 0.9).unwrap().is_err());
        assert!(rare.smallest_budget(1.0).unwrap_err().to_string().contains("target is 1"));
    }
}
