//! What is tried in every cell: each auditor at the same budget of looks, by removal at once, and the first of them with a delay.

use crate::audit::response::{Remove, ResponseSpec};
use crate::audit::{Alarm, AuditorSpec, BothLists, Budget, OracleSpending, Random, Records, Top};
use crate::config::Document;
use crate::detectors::DetectorSpec;
use crate::detectors::policy::LogRatio;
use crate::detectors::reward::{CumulativeReward, TopReward};
use crate::experiment::judging::benchmark::programmes::Programme;
use crate::foundation::scalar::Positive;
use crate::metrics::criterion::LOOKS;

/// Steps from a look to its effect, in every cell.
const DELAY: u64 = 20;
/// Share of the looks that records is to spend on benign rollouts in expectation; what is left is for hacks and for drift.
const BENIGN: f64 = 0.8;

fn at_once(auditor: AuditorSpec, detector: Option<DetectorSpec>) -> Programme {
    later(auditor, detector, 0)
}

fn later(auditor: AuditorSpec, detector: Option<DetectorSpec>, delay: u64) -> Programme {
    Programme { auditor, detector, response: ResponseSpec::Remove(Remove { delay }) }
}

fn by_reward() -> Option<DetectorSpec> {
    Some(DetectorSpec::TopReward(TopReward::default()))
}

fn by_policy() -> Option<DetectorSpec> {
    Some(DetectorSpec::LogRatio(LogRatio::default()))
}

fn by_sum() -> Option<DetectorSpec> {
    Some(DetectorSpec::CumulativeReward(CumulativeReward::default()))
}

/// Auditors that cannot read more than they may.
fn alarm() -> AuditorSpec {
    AuditorSpec::Alarm(Alarm { looks: Budget::known(LOOKS), ..Alarm::default() })
}

fn top() -> AuditorSpec {
    AuditorSpec::Top(Top { looks: Budget::known(LOOKS) })
}

/// Looks at benign rollouts that a share of the budget leaves to records.
fn benign_looks(document: &Document, share: f64) -> Positive {
    let part = document.trainer.part();
    let looks = share * LOOKS * part.steps() as f64 * part.batch() as f64;
    Positive::new(BENIGN * looks).unwrap_or(Records::default().benign_looks)
}

/// The auditors of a run's own record, that of the criterion first.
pub(super) fn all(document: &Document) -> Vec<Programme> {
    let benign_looks = benign_looks(document, 1.0);
    let records = AuditorSpec::Records(Records { benign_looks, ..Records::default() });
    let random = AuditorSpec::Random(Random { looks: Budget::known(LOOKS) });
    vec![
        at_once(records.clone(), by_reward()),
        later(records.clone(), by_reward(), DELAY),
        at_once(records, by_policy()),
        at_once(alarm(), by_reward()),
        at_once(top(), by_reward()),
        at_once(random, by_reward()),
        at_once(AuditorSpec::OracleSpending(OracleSpending::default()), None),
    ]
}

/// Auditors of what adds up over the visits of an outcome, within the budget: of the policy, and of the sum of what was paid. (Records go beyond
/// it, for learning itself makes them.) They have a record of their own, so that they are asked of runs that are there already without training all
/// others again.
pub(super) fn over_visits() -> Vec<Programme> {
    vec![at_once(alarm(), by_policy()), at_once(top(), by_policy()), at_once(alarm(), by_sum()), by_sums()]
}

/// The list of the largest sums.
pub(super) fn by_sums() -> Programme {
    at_once(top(), by_sum())
}

/// Records of the reward and the list of the largest sums, half of the budget each. It has a record of its own, for the same reason.
pub(super) fn both_lists(document: &Document) -> Vec<Programme> {
    const HALF: f64 = 0.5;
    let looks = Budget::known(HALF * LOOKS);
    let lists = BothLists { benign_looks: benign_looks(document, HALF), looks, ..BothLists::default() };
    vec![at_once(AuditorSpec::BothLists(lists), by_reward())]
}

/// The response of an arm's own config, under the auditor of the criterion; none where it names none.
pub(super) fn own(document: &Document, response: &ResponseSpec) -> Option<Programme> {
    let first = all(document).into_iter().next()?;
    response.acts().then(|| Programme { response: response.clone(), ..first })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::judging::verdict::Sheet;

    /// Nothing is rounded up: the looks of both lists together are within the budget, and each has no more than half of what it has alone.
    #[test]
    fn both_lists_share_the_looks_of_one() {
        let sheets = Sheet::standard(false, &[]).unwrap();
        let sheet = sheets.iter().find(|sheet| sheet.compares_lists()).unwrap();
        let document = &sheet.scenario.loaded.arms[0].document;
        let (rollouts, reference) = (76_800, 20_000);
        let AuditorSpec::Records(alone) = &all(document)[0].auditor else {
            panic!("the criterion's auditor")
        };
        let both = both_lists(document);
        let AuditorSpec::BothLists(both) = &both[0].auditor else { panic!("both lists") };
        let half = Records { benign_looks: both.benign_looks, read_reference: both.read_reference };
        assert_eq!((alone.places(reference, rollouts), half.places(reference, rollouts)), (23, 11));
        let AuditorSpec::Top(top) = &by_sums().auditor else { panic!("the list of sums") };
        assert_eq!((top.looks.of(76_800), both.looks.of(76_800)), (Some(76), Some(38)));
        // Eleven places are expected to cost 28 benign looks.
        let expected = |places: f64| {
            let fresh: f64 = (reference + 1..=reference + rollouts).map(|n| 1.0 / n as f64).sum();
            places * (1.0 + fresh)
        };
        assert!(expected(11.0) <= both.benign_looks.get() && expected(12.0) > both.benign_looks.get());
        assert!(expected(11.0) + 38.0 < LOOKS * rollouts as f64);
    }
}
