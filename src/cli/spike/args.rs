//! What `tailcatch spike` may be asked.

use crate::audit::Budget;
use crate::cli::log_args::LogArgs;
use crate::cli::spec;
use crate::foundation::scalar::OpenProbability;
use crate::monitor::GroupBy;
use clap::Args;
use std::path::PathBuf;

/// Plants exploits in a reward log and says how large they must be to be caught
///
/// From the onset on, random rollouts have their reward replaced by the median of their group plus SIZE standard deviations
/// (those within groups). All else of the row is kept, log-probabilities and advantage too. The detectors, fitted on rollouts
/// from before, score the log, and an audit reads the highest scores, step by step as they come. Answers with the share of
/// repeats in which a planted rollout was audited. Whatever is in the log already counts as benign.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch spike rollouts/ --reward score\n  tailcatch spike completions/ --reward \
                  rm_reward=1,format_reward=.5 --onset 12 --budget 50\n  tailcatch spike run.csv --size 2 --size 4 --size 8 \
                  --mass 0.01 --calibrate-steps 0..10 -d gpd_tail:tail_fraction=0.1"
)]
pub struct SpikeArgs {
    #[command(flatten)]
    pub(super) log: LogArgs,
    /// Size of the exploit, in standard deviations of the reward within groups; repeat for more [default: 1 to 20]
    #[arg(long, value_name = "U", value_parser = size, allow_negative_numbers = true, help_heading = "Exploit")]
    pub(super) size: Vec<f64>,
    /// Mass of the exploit: the share of rollouts that it takes from the onset on; repeat for more [default: 0.001 and 0.01]
    #[arg(long, value_name = "Q", value_parser = mass, help_heading = "Exploit")]
    pub(super) mass: Vec<OpenProbability>,
    /// First step with exploits. Default: the step in the middle, or that after the reference steps if it is later
    #[arg(long, value_name = "STEP", help_heading = "Exploit")]
    pub(super) onset: Option<u64>,
    /// Audits: a count over the audited steps, or a fraction of their rollouts (below 1)
    #[arg(long, value_name = "A", value_parser = budget, default_value = "20", help_heading = "Audit")]
    pub(super) budget: Budget,
    /// Judge each reward relative to the median reward of these rollouts, and take them for the groups. Default: rewards are
    /// judged as they are, and a group is the same prompt at the same step, or the same prompt, or the same step, whichever
    /// first holds enough rollouts
    #[arg(long, value_name = "KEY")]
    pub(super) group_by: Option<GroupBy>,
    /// A detector, with settings as `gpd_tail:tail_fraction=0.05`; repeat for more. `tailcatch list detectors` shows all.
    /// Default: robust_z and within_prompt
    #[arg(long, short, value_name = "D")]
    pub(super) detector: Vec<String>,
    /// What is normal: a log of reference rollouts. All steps of LOG are then audited
    #[arg(long, value_name = "PATH", conflicts_with = "calibrate_steps", help_heading = "Reference")]
    pub(super) calibrate: Option<PathBuf>,
    /// What is normal: these steps of the log, A up to and without B. Steps from B on are audited. Default: all before the
    /// onset
    #[arg(long, value_name = "A..B", value_parser = spec::steps, help_heading = "Reference")]
    pub(super) calibrate_steps: Option<(u64, u64)>,
    /// Times that each exploit is planted anew
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(super) repeats: u64,
    /// Seed of the plantings
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
}

fn size(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= 1e12 => Ok(value),
        _ => Err("a size is a number of standard deviations, such as 4".to_owned()),
    }
}

fn mass(text: &str) -> Result<OpenProbability, String> {
    let value = text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))?;
    OpenProbability::new(value).map_err(|e| e.to_string())
}

fn budget(text: &str) -> Result<Budget, String> {
    let value = text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))?;
    Budget::new(value).map_err(|e| e.to_string())
}
