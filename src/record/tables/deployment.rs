//! Rows of deployments: each monitor of each deployed policy.

use serde::{Deserialize, Serialize};

table! {
    /// One monitor of one deployed policy.
    DeploymentRow in "deployment.csv" {
        /// Identity of the deployment under this monitor.
        deploy_id: String,
        /// Number of the arm in the plan.
        arm: usize,
        /// Replicate, from 0.
        replicate: u64,
    }
    DeploymentBody {
        /// The monitor, with the settings that are not those by default.
        monitor: String,
        /// Samples up to and with the first hack; empty where none came.
        samples_to_first_hack: Option<u64>,
        /// Samples up to and with the one at which it alarmed; empty where it did not.
        samples_to_alarm: Option<u64>,
        /// Samples that it read until then, or in all; empty where it could not begin.
        audits: Option<u64>,
        /// Alarms without a hack on the clean twin's policy, which is not shifted, over as many samples: 1 or 0. What is read and
        /// confirmed is no false alarm.
        false_alarms: Option<u64>,
        /// ok, or why there is no number.
        status: String,
    }
}
