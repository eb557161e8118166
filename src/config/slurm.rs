//! The `[slurm]` section: how an experiment is run on a cluster. It decides no number, and no identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;

/// What `tailcatch slurm` asks Slurm for; each key has a flag of its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlurmSection {
    /// Tasks of the array, each with an equal part of the runs; at most 1001. Without it so many that each takes about half an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<NonZeroUsize>,
    /// Processors of a task.
    pub cpus: NonZeroUsize,
    /// Memory of a task, as Slurm writes it: `4G`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Time of a task, as Slurm writes it: `04:00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Account that is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How often a task that failed or was stopped is put back into the queue.
    pub requeues: u32,
    /// Further options of `sbatch`, such as `--qos=long`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl Default for SlurmSection {
    fn default() -> Self {
        Self {
            shards: None,
            cpus: NonZeroUsize::MIN,
            memory: None,
            time: None,
            partition: None,
            account: None,
            requeues: 3,
            options: Vec::new(),
        }
    }
}

impl SlurmSection {
    /// Whether nothing is said.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
