//! What is done about hacks in the benchmark: a closed list of audits that are acted upon.

use crate::audit::response::{Class, Remove, ResponseSpec};
use crate::audit::{Alarm, AuditorSpec, OracleSpending, Random, Records, Top};
use crate::config::Document;
use crate::detectors::DetectorSpec;
use crate::detectors::policy::LogRatio;
use crate::detectors::reward::TopReward;

/// Steps from a look to its effect that are tried with removal.
pub const DELAYS: [u64; 2] = [0, 20];

/// An auditor with a detector's scores, and what follows a confirmed hack.
#[derive(Debug, Clone)]
pub struct Programme {
    pub auditor: AuditorSpec,
    /// None for an auditor that is handed the truth.
    pub detector: Option<DetectorSpec>,
    pub response: ResponseSpec,
}

impl Programme {
    /// All of them, for a scenario: removal at each delay under each auditor, and the bound by classes where one is planted.
    pub fn all(document: &Document) -> Vec<Self> {
        let top_reward = || Some(DetectorSpec::TopReward(TopReward::default()));
        let log_ratio = || Some(DetectorSpec::LogRatio(LogRatio::default()));
        let records = || AuditorSpec::Records(Records::default());
        let auditors = [
            (records(), top_reward()),
            (records(), log_ratio()),
            (AuditorSpec::Alarm(Alarm::default()), top_reward()),
            (AuditorSpec::Top(Top::default()), top_reward()),
            (AuditorSpec::Random(Random::default()), top_reward()),
            (AuditorSpec::OracleSpending(OracleSpending::default()), None),
        ];
        let mut all = Vec::new();
        for delay in DELAYS {
            for (auditor, detector) in auditors.clone() {
                all.push(Self { auditor, detector, response: ResponseSpec::Remove(Remove { delay }) });
            }
        }
        if !(document.reward.exploits.is_empty() && document.reward.triggers.is_empty()) {
            let response = ResponseSpec::Class(Class::default());
            all.push(Self { auditor: records(), detector: top_reward(), response });
        }
        all
    }

    /// An arm in which this is done.
    pub fn document(&self, arm: &Document) -> Document {
        let mut document = Document { detectors: self.detector.iter().cloned().collect(), ..arm.clone() };
        document.audit.auditor = self.auditor.clone();
        document.audit.response = self.response.clone();
        document
    }

    /// Name of the detector; none where the choice does not depend on scores.
    pub fn detector_name(&self) -> &'static str {
        match self.auditor {
            AuditorSpec::Random(_) => "",
            _ => self.detector.as_ref().map_or("", DetectorSpec::name),
        }
    }
}
