//! What is tried in every cell: each auditor at the same budget of looks, by removal at once, and the first of them with a delay.

use crate::audit::response::{Remove, ResponseSpec};
use crate::audit::{Alarm, AuditorSpec, Budget, OracleSpending, Random, Records, Top};
use crate::config::Document;
use crate::detectors::DetectorSpec;
use crate::detectors::policy::LogRatio;
use crate::detectors::reward::TopReward;
use crate::experiment::judging::benchmark::programmes::Programme;
use crate::foundation::scalar::Positive;
use crate::metrics::criterion::LOOKS;

/// Steps from a look to its effect, in every cell.
const DELAY: u64 = 20;
/// Share of the looks that records is to spend on benign rollouts in expectation; what is left is for hacks and for drift.
const BENIGN: f64 = 0.8;

/// The auditors, that of the criterion first.
pub(super) fn all(document: &Document) -> Vec<Programme> {
    let part = document.trainer.part();
    let looks = LOOKS * part.steps() as f64 * part.batch() as f64;
    let benign_looks = Positive::new(BENIGN * looks).unwrap_or(Records::default().benign_looks);
    let records = AuditorSpec::Records(Records { benign_looks, ..Records::default() });
    let budget = Budget::known(LOOKS);
    let by_reward = || Some(DetectorSpec::TopReward(TopReward::default()));
    let by_policy = Some(DetectorSpec::LogRatio(LogRatio::default()));
    let alarm = AuditorSpec::Alarm(Alarm { looks: budget, ..Alarm::default() });
    let programme = |auditor: AuditorSpec, detector, delay| Programme {
        auditor,
        detector,
        response: ResponseSpec::Remove(Remove { delay }),
    };
    vec![
        programme(records.clone(), by_reward(), 0),
        programme(records.clone(), by_reward(), DELAY),
        programme(records, by_policy, 0),
        programme(alarm, by_reward(), 0),
        programme(AuditorSpec::Top(Top { looks: budget }), by_reward(), 0),
        programme(AuditorSpec::Random(Random { looks: budget }), by_reward(), 0),
        programme(AuditorSpec::OracleSpending(OracleSpending::default()), None, 0),
    ]
}

/// The response of an arm's own config, under the auditor of the criterion; none where it names none.
pub(super) fn own(document: &Document, response: &ResponseSpec) -> Option<Programme> {
    let first = all(document).into_iter().next()?;
    response.acts().then(|| Programme { response: response.clone(), ..first })
}
