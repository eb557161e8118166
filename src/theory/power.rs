//! The power of auditing the top of the rewards (F8): is an exploit among the M rollouts that are looked at?
//!
//! Of N rollouts each is an exploit with probability q; benign rewards are N(0, 1) + noise, exploits u + noise. The M
//! largest are audited: those above τ, which solves N·\[(1 − q)·S_bulk(τ) + q·S_noise(τ − u)\] = M. Then with
//! Λ = N·q·S_noise(τ − u)
//!
//! - P_seen = 1 − e^(−Nq): an exploit was sampled at all,
//! - P_flag = 1 − e^(−Λ), precision = Λ/M.
//!
//! That takes the threshold for its expectation. Where M is small, or there is no noise and all exploits lie on one side of
//! τ, it is far from it (by a tenth at ten audits), and the ranking itself is counted:
//! exploits and benign rewards above x are Poisson with means Λₓ(x) = N·q·S_noise(x − u) and Λ_b(x) = N·(1 − q)·S_bulk(x),
//! and the largest exploit is audited if fewer than M benign rewards exceed it. With y = 1 − e^(−Λₓ), which is uniform at
//! the largest exploit, P_flag = ∫ P(Poisson(Λ_b) < M) dy over y from 0 to P_seen; likewise the expected number of
//! exploits among the M is ∫ P(Poisson(Λ_b + Λₓ) < M) dΛₓ.
//!
//! An auditor that recognises an exploit with probability s thins Λ to sΛ; the exploits that it misses rank like benign
//! rollouts. Rounds are independent of each other.

use super::TheoryError;
use super::error::{open_share, positive, require};
use super::noisy_bulk::NoisyBulk;
use crate::distributions::DistributionSpec;
use crate::foundation::numeric;
use crate::foundation::quadrature::integrate;
use std::sync::Arc;

/// Up to so many audits a round the ranking is counted exactly.
const FEW: u64 = 12;
/// The same where there is no noise: without it counting costs next to nothing.
const FEW_WITHOUT_NOISE: u64 = 500;

/// An audit of the top rewards.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// q: prior mass of the exploit.
    pub mass: f64,
    /// u: its proxy, in standard deviations of the benign reward without noise.
    pub proxy: f64,
    /// N: rollouts, over all rounds.
    pub rollouts: f64,
    /// What is added to every reward; nothing if there is none.
    pub noise: Option<DistributionSpec>,
    /// J: rounds over which rollouts and audits are spread evenly; each audits the top of its own rollouts.
    pub rounds: u64,
    /// s: P(confirmed | an exploit is looked at).
    pub sensitivity: f64,
    /// P(not confirmed | a benign rollout is looked at).
    pub specificity: f64,
}

/// What an audit finds. All but the threshold are over all rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// M: audits.
    pub audits: u64,
    /// τ: reward above which rollouts are audited, in expectation; of the smallest round with an audit.
    pub threshold: f64,
    /// P(an exploit was sampled).
    pub p_seen: f64,
    /// P(an exploit was audited).
    pub p_flag: f64,
    /// P(an exploit was audited and confirmed).
    pub p_confirmed: f64,
    /// Expected number of exploits among the audited.
    pub true_positives: f64,
    /// Expected share of exploits among the audited.
    pub precision: f64,
    /// Expected exploits among the confirmed, over the expected number confirmed; `None` where nothing is confirmed.
    pub confirmed_precision: Option<f64>,
    /// Whether the ranking was counted exactly, for there are few audits a round or no noise.
    pub counted: bool,
}

/// One round's part of [`Power`].
#[derive(Debug, Clone, Copy)]
struct Round {
    threshold: f64,
    p_flag: f64,
    p_confirmed: f64,
    true_positives: f64,
}

/// Audits that a budget buys: a fraction of the rollouts below 1, else a count.
///
/// # Errors
/// No audit, no whole number, or as many audits as rollouts.
pub fn audits(budget: f64, rollouts: f64) -> Result<u64, TheoryError> {
    positive("budget", budget)?;
    let count = numeric::audits(budget, rollouts);
    let range = format!(
        "a fraction that buys at least one audit of {rollouts} rollouts, or a whole count below that number,"
    );
    require(
        "budget",
        budget,
        count >= 1.0 && count.fract() == 0.0 && count < rollouts.min(2f64.powi(53)),
        &range,
    )?;
    Ok(count as u64)
}

/// An audit plan made ready.
#[derive(Debug, Clone)]
pub struct Auditor {
    plan: Plan,
    bulk: Arc<NoisyBulk>,
}

impl Auditor {
    /// Checks a plan.
    ///
    /// # Errors
    /// An argument outside its range, by name; noise whose quantiles are not finite.
    pub fn new(plan: Plan) -> Result<Self, TheoryError> {
        open_share("mass", plan.mass)?;
        require("proxy", plan.proxy, plan.proxy.abs() < 1e150, "a number of size below 1e150")?;
        let range = "a whole number of 2 or more, below 1e15";
        let whole = plan.rollouts.fract() == 0.0;
        require("rollouts", plan.rollouts, whole && plan.rollouts >= 2.0 && plan.rollouts < 1e15, range)?;
        let rounds = plan.rounds as f64;
        require(
            "rounds",
            rounds,
            rounds >= 1.0 && rounds <= plan.rollouts / 2.0,
            "1 or more, each of 2 or more rollouts,",
        )?;
        let share = |s: f64| (0.0..=1.0).contains(&s);
        require(
            "sensitivity",
            plan.sensitivity,
            plan.sensitivity > 0.0 && share(plan.sensitivity),
            "a number above 0, at most 1,",
        )?;
        require("specificity", plan.specificity, share(plan.specificity), "a number from 0 to 1")?;
        let bulk = Arc::new(NoisyBulk::new(plan.noise.as_ref())?);
        Ok(Self { plan, bulk })
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same audit of another exploit.
    ///
    /// # Errors
    /// As for [`Auditor::new`].
    pub fn with(&self, mass: f64, proxy: f64) -> Result<Self, TheoryError> {
        open_share("mass", mass)?;
        let plan = Plan { mass, proxy, ..self.plan.clone() };
        Ok(Self { plan, bulk: Arc::clone(&self.bulk) })
    }

    /// P_seen = 1 − e^(−Nq).
    pub fn p_seen(&self) -> f64 {
        -(-self.plan.rollouts * self.plan.mass).exp_m1()
    }

    /// What `audits` looks in all find. Where the rounds do not divide them, some rounds have one more than others.
    ///
    /// # Errors
    /// No audit, or as many as rollouts; noise whose tail the quadrature cannot follow.
    pub fn power(&self, audits: u64) -> Result<Power, TheoryError> {
        let mut found: Option<Round> = None;
        for (looks, times) in self.shares(audits)? {
            let round = self.round(looks, self.plan.rollouts / self.plan.rounds as f64)?;
            let nothing =
                Round { threshold: round.threshold, p_flag: 0.0, p_confirmed: 0.0, true_positives: 0.0 };
            let before = found.unwrap_or(nothing);
            found = Some(Round {
                threshold: before.threshold,
                p_flag: either(before.p_flag, round.p_flag, times),
                p_confirmed: either(before.p_confirmed, round.p_confirmed, times),
                true_positives: before.true_positives + times * round.true_positives,
            });
        }
        let Some(Round { threshold, p_flag, p_confirmed, true_positives }) = found else {
            return Err(TheoryError::argument("budget", audits as f64, "at least one audit"));
        };
        let confirmed = self.plan.sensitivity * true_positives;
        let false_ones = (1.0 - self.plan.specificity) * (audits as f64 - true_positives).max(0.0);
        Ok(Power {
            audits,
            threshold,
            p_seen: self.p_seen(),
            p_flag,
            p_confirmed,
            true_positives,
            precision: (true_positives / audits as f64).min(1.0),
            confirmed_precision: Some(confirmed / (confirmed + false_ones)).filter(|p| p.is_finite()),
            counted: self.counts(audits.div_ceil(self.plan.rounds)),
        })
    }

    /// P_flag alone, as [`Auditor::power`] has it.
    ///
    /// # Errors
    /// As for [`Auditor::power`].
    pub fn flagged(&self, audits: u64) -> Result<f64, TheoryError> {
        let Plan { mass, proxy, rollouts, rounds, .. } = self.plan;
        let rollouts = rollouts / rounds as f64;
        let mut p_flag = 0.0;
        for (looks, times) in self.shares(audits)? {
            // Where ranks are counted the threshold only says where the integrand falls.
            let (_, above) = self.bulk.threshold(mass, proxy, looks as f64 / rollouts)?;
            p_flag = either(p_flag, self.p_flag(looks, rollouts, 1.0, rollouts * mass * above)?, times);
        }
        Ok(p_flag)
    }

    /// The most audits that leave a rollout of each round out.
    pub fn most_audits(&self) -> u64 {
        let rounds = self.plan.rounds;
        rounds * ((self.plan.rollouts / rounds as f64).ceil() as u64 - 1)
    }

    /// (audits of a round, rounds with so many), without the rounds that have none.
    fn shares(&self, audits: u64) -> Result<impl Iterator<Item = (u64, f64)>, TheoryError> {
        let (most, rounds) = (self.most_audits(), self.plan.rounds);
        let range = format!("a number from 1 to {most}, for a rollout of each round to be left out,");
        require("budget", audits as f64, (1..=most).contains(&audits), &range)?;
        let (each, more) = (audits / rounds, audits % rounds);
        let all = [(each, (rounds - more) as f64), (each + 1, more as f64)];
        Ok(all.into_iter().filter(|(looks, times)| *looks > 0 && *times > 0.0))
    }

    /// Whether the ranking of a round with so many audits is counted.
    fn counts(&self, audits: u64) -> bool {
        audits <= if self.plan.noise.is_none() { FEW_WITHOUT_NOISE } else { FEW }
    }

    fn round(&self, audits: u64, rollouts: f64) -> Result<Round, TheoryError> {
        let Plan { mass, proxy, sensitivity, .. } = self.plan;
        let (threshold, above) = self.bulk.threshold(mass, proxy, audits as f64 / rollouts)?;
        let expected = rollouts * mass * above;
        let p_flag = self.p_flag(audits, rollouts, 1.0, expected)?;
        let p_confirmed =
            if sensitivity == 1.0 { p_flag } else { self.p_flag(audits, rollouts, sensitivity, expected)? };
        let true_positives =
            if self.counts(audits) { self.counted_positives(audits, rollouts, expected)? } else { expected };
        Ok(Round { threshold, p_flag, p_confirmed, true_positives })
    }

    /// P(an exploit that would be confirmed is among the largest); `expected` exploits are above the threshold.
    fn p_flag(
        &self,
        audits: u64,
        rollouts: f64,
        sensitivity: f64,
        expected: f64,
    ) -> Result<f64, TheoryError> {
        let plugged = -(-sensitivity * expected).exp_m1();
        if self.counts(audits) { self.counted(audits, rollouts, sensitivity, plugged) } else { Ok(plugged) }
    }

    /// The same by counting ranks: the integral over y. `near` is where the integrand falls.
    fn counted(&self, audits: u64, rollouts: f64, sensitivity: f64, near: f64) -> Result<f64, TheoryError> {
        let exploits = rollouts * self.plan.mass;
        let all = -(-sensitivity * exploits).exp_m1();
        self.ranked(&[0.0, near, all], |y| {
            let above = (-(-y).ln_1p() / (sensitivity * exploits)).min(1.0);
            let rest = (1.0 - sensitivity) * exploits * above;
            self.benign_above(above, rollouts).map(|benign| fewer(audits, benign + rest))
        })
    }

    /// Expected number of exploits among the largest.
    fn counted_positives(&self, audits: u64, rollouts: f64, near: f64) -> Result<f64, TheoryError> {
        let all = rollouts * self.plan.mass;
        self.ranked(&[0.0, near.min(1.0), near, all.min(audits as f64), all], |expected| {
            let benign = self.benign_above((expected / all).min(1.0), rollouts)?;
            Ok(fewer(audits, benign + expected))
        })
    }

    /// Expected benign rewards above the point that a share `above` of the exploits exceeds.
    fn benign_above(&self, above: f64, rollouts: f64) -> Result<f64, TheoryError> {
        let point = self.plan.proxy + self.bulk.noise_upper_quantile(above);
        Ok(rollouts * (1.0 - self.plan.mass) * self.bulk.quick_sf(point)?)
    }

    fn ranked(
        &self,
        edges: &[f64],
        mut f: impl FnMut(f64) -> Result<f64, TheoryError>,
    ) -> Result<f64, TheoryError> {
        let mut edges = edges.to_vec();
        edges.sort_by(f64::total_cmp);
        let mut fault = None;
        let integral = integrate(&edges, 1e-6, |x| {
            [f(x).unwrap_or_else(|e| {
                fault = Some(e);
                f64::NAN
            })]
        });
        match (integral, fault) {
            (_, Some(fault)) => Err(fault),
            (Ok(integral), None) => Ok(integral.value[0]),
            (Err(error), None) => Err(TheoryError::Law {
                argument: "noise",
                law: self.plan.noise.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
                reason: format!("cannot be ranked: {error}"),
            }),
        }
    }
}

/// P(at least one) after `times` more independent chances of `p`.
fn either(before: f64, p: f64, times: f64) -> f64 {
    -(times * (-p).ln_1p() + (-before).ln_1p()).exp_m1()
}

/// P(Poisson(mean) < count) for a count up to some hundreds: where exp(−mean) underflows, so does the answer.
fn fewer(count: u64, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut total = term;
    for k in 1..count {
        term *= mean / k as f64;
        total += term;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(noise: Option<&str>) -> Plan {
        let noise = noise.map(|law| law.parse().unwrap());
        Plan { mass: 1e-4, proxy: 20.0, rollouts: 2e4, noise, rounds: 1, sensitivity: 1.0, specificity: 1.0 }
    }

    fn auditor(plan: Plan) -> Auditor {
        Auditor::new(plan).unwrap()
    }

    #[test]
    fn the_published_powers() {
        // F8 of the findings; digits behind them: the same equations by scipy.
        for (noise, budget, printed, digits) in [
            ("student_t:df=3", 1e-3, 0.864, 0.8642997453103463),
            ("student_t:df=1.5,scale=3", 1e-2, 0.072, 0.07221502310566674),
            ("student_t:df=1.5,scale=3", 1e-3, 0.0025, 0.00245158812759394),
        ] {
            let found = auditor(plan(Some(noise))).power(audits(budget, 2e4).unwrap()).unwrap();
            assert!((found.p_flag / printed - 1.0).abs() < 0.02, "{found:?}");
            assert!((found.p_flag / digits - 1.0).abs() < 1e-8, "{noise} {budget}: {found:?}");
            assert!((found.p_seen - (1.0 - (-2f64).exp())).abs() < 1e-15);
            let expected = -(-found.p_flag).ln_1p();
            assert!((found.true_positives / expected - 1.0).abs() < 1e-12);
            assert!((found.precision * found.audits as f64 / expected - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn without_noise_a_large_exploit_is_flagged_whenever_it_is_seen() {
        for looks in [1, 3, 20] {
            let found = auditor(plan(None)).power(looks).unwrap();
            assert!((found.p_flag - found.p_seen).abs() < 1e-6, "{found:?}");
        }
        // A single audit: one exploit if there is any, benign otherwise.
        let found = auditor(plan(None)).power(1).unwrap();
        assert!((found.true_positives / found.p_seen - 1.0).abs() < 1e-6, "{found:?}");
        let hidden = auditor(Plan { proxy: 2.0, ..plan(None) }).power(20).unwrap();
        assert!(hidden.p_flag < 1e-12 && hidden.true_positives < 1e-12, "{hidden:?}");
        // All exploits lie just below the expected threshold, and the ranking lets some in: .138 by simulation.
        let edge = Plan { mass: 1e-3, proxy: 2.5, rollouts: 4000.0, ..plan(None) };
        let found = auditor(edge).power(20).unwrap();
        assert!((found.p_flag - 0.138).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn few_audits_are_ranked() {
        // One audit without noise: flagged where an exploit is seen and no benign reward is above it.
        let at = auditor(Plan { proxy: 4.0, mass: 3e-5, ..plan(None) });
        let above = 2e4 * (1.0 - 3e-5) * crate::foundation::special::normal_sf(4.0);
        let seen = 1.0 - (-0.6f64).exp();
        for (looks, want) in [(1, (-above).exp()), (2, (-above).exp() * (1.0 + above))] {
            let found = at.power(looks).unwrap();
            assert!(found.counted && (found.p_flag / (seen * want) - 1.0).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn rounds_and_errors_of_the_auditor() {
        let base = auditor(plan(Some("student_t:df=3"))).power(20).unwrap();
        // Half the rollouts with half the looks, twice.
        let half = auditor(Plan { rollouts: 1e4, ..plan(Some("student_t:df=3")) }).power(10).unwrap();
        let two = auditor(Plan { rounds: 2, ..plan(Some("student_t:df=3")) }).power(20).unwrap();
        assert!((two.p_flag - (1.0 - (1.0 - half.p_flag).powi(2))).abs() < 1e-12);
        assert!(
            (two.threshold - half.threshold).abs() < 1e-9
                && (two.true_positives - 2.0 * half.true_positives).abs() < 1e-9
        );
        // 21 looks over 2 rounds: 10 and 11.
        let odd = auditor(Plan { rounds: 2, ..plan(Some("student_t:df=3")) }).power(21).unwrap();
        let other = auditor(Plan { rollouts: 1e4, ..plan(Some("student_t:df=3")) }).power(11).unwrap();
        assert!((odd.p_flag - (1.0 - (1.0 - half.p_flag) * (1.0 - other.p_flag))).abs() < 1e-12);
        // More rounds than looks: most rounds have none.
        let sparse = auditor(Plan { rounds: 1000, ..plan(Some("student_t:df=3")) }).power(20).unwrap();
        assert!(sparse.counted && sparse.p_flag < 0.1, "{sparse:?}");

        let erring = Plan { sensitivity: 0.5, specificity: 0.9, ..plan(Some("student_t:df=3")) };
        let found = auditor(erring.clone()).power(20).unwrap();
        assert_eq!((found.p_flag, found.precision), (base.p_flag, base.precision));
        let positives = base.true_positives;
        assert!((found.p_confirmed - (1.0 - (-0.5 * positives).exp())).abs() < 1e-12);
        let precise = 0.5 * positives / (0.5 * positives + 0.1 * (20.0 - positives));
        assert!((found.confirmed_precision.unwrap() - precise).abs() < 1e-12);
        let few = auditor(erring).power(2).unwrap();
        assert!(few.p_confirmed < few.p_flag && few.p_confirmed > 0.45 * few.p_flag, "{few:?}");
        let perfect = auditor(Plan { proxy: 2.0, ..plan(None) }).power(20).unwrap();
        assert!(perfect.confirmed_precision.is_none_or(|p| p == 1.0), "{perfect:?}");
    }

    #[test]
    fn rounds_need_not_divide_the_rollouts() {
        let at = auditor(Plan { rollouts: 160.0, rounds: 39, mass: 0.02, ..plan(Some("exponential")) });
        assert_eq!(at.most_audits(), 39 * 4);
        let found = at.power(at.most_audits()).unwrap();
        assert!((found.p_flag - found.p_seen).abs() < 1e-2 && found.p_flag <= found.p_seen, "{found:?}");
        for looks in [1, 38, 39, 40, 100] {
            let found = at.power(looks).unwrap();
            assert!((at.flagged(looks).unwrap() - found.p_flag).abs() < 1e-12, "{looks}");
        }
        let message = at.power(157).unwrap_err().to_string();
        assert!(message.contains("budget is 157; a number from 1 to 156"), "{message}");
    }

    #[test]
    fn power_grows_with_budget_size_and_mass() {
        let at = auditor(plan(Some("student_t:df=2")));
        let flags = |a: &Auditor, looks: u64| a.power(looks).unwrap().p_flag;
        for i in 0..12 {
            assert!(flags(&at, 4 << i) < flags(&at, 5 << i));
            let size = f64::from(i);
            let bigger = (at.with(1e-4, size).unwrap(), at.with(1e-4, size + 1.0).unwrap());
            assert!(flags(&bigger.0, 20) < flags(&bigger.1, 20));
            assert!(flags(&bigger.0, 2) < flags(&bigger.1, 2));
            let mass = 10f64.powi(-2 - i);
            let rarer = (at.with(mass, 20.0).unwrap(), at.with(mass / 2.0, 20.0).unwrap());
            assert!(flags(&rarer.1, 20) < flags(&rarer.0, 20));
        }
    }

    #[test]
    fn a_budget_is_a_fraction_or_a_count() {
        assert_eq!(audits(1e-3, 2e4), Ok(20));
        assert_eq!(audits(0.001, 3000.0), Ok(3));
        assert_eq!(audits(25.0, 2e4), Ok(25));
        for budget in [0.0, -1.0, 1e-5, 2.5, 2e4, 3e4, f64::NAN, f64::INFINITY] {
            assert!(audits(budget, 2e4).unwrap_err().to_string().contains("budget is"), "{budget}");
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |plan: Plan| Auditor::new(plan).unwrap_err().to_string();
        assert!(error(Plan { mass: 1.0, ..plan(None) }).contains("mass is 1"));
        assert!(error(Plan { proxy: f64::NAN, ..plan(None) }).contains("proxy is NaN"));
        assert!(error(Plan { rollouts: 1.5, ..plan(None) }).contains("rollouts is 1.5"));
        assert!(error(Plan { rounds: 0, ..plan(None) }).contains("rounds is 0"));
        assert!(error(Plan { sensitivity: 0.0, ..plan(None) }).contains("sensitivity is 0"));
        assert!(error(Plan { specificity: 1.1, ..plan(None) }).contains("specificity is 1.1"));
        assert!(auditor(plan(None)).power(0).unwrap_err().to_string().contains("budget is 0"));
    }
}
