//! Who watches a deployed policy: monitors that take in one sample after the other, each with what its observer may see.

mod actions;
mod contract;
mod law;
mod log_ratio;
mod mean_kl;
mod random;
mod reading_list;
#[cfg(test)]
mod tests;

pub use actions::Actions;
pub use contract::{Alarm, Ground, Look, Monitor, Observer, Sample, Seen, Watching};
pub use law::Law;
pub use log_ratio::LogRatio;
pub use mean_kl::MeanKl;
pub use random::RandomAudit;
pub use reading_list::ReadingList;

crate::registry! {
    /// A monitor of a deployed policy, with its settings.
    pub enum WatchSpec => dyn Monitor {
        "reading_list" => ReadingList: "reads what enters the k highest rewards so far", "Renyi 1962; Nevzorov 2001, Records";
        "log_ratio" => LogRatio: "alarms at one sample that the policy likes far more than the reference", "Vovk, Gammerman & Shafer 2005, chapter 2";
        "mean_kl" => MeanKl: "tests the mean of ln(pi/pi0) against the trained policy's", "Loeve 1977, Probability Theory I (Levy's inequality)";
        "actions" => Actions: "alarms when an outcome repeats more often than the trained policy lets it", "binomial tails, Bonferroni";
        "random" => RandomAudit: "reads samples by chance", "binomial sampling";
    }
}
