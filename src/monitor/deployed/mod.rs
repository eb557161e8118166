//! Who watches a deployed policy: monitors that take in one sample after the other, each with what its observer may see.

mod actions;
mod contract;
mod law;
mod log_ratio;
mod mahalanobis;
mod mean_kl;
mod random;
mod reading_list;
#[cfg(test)]
mod tests;
mod two_sample;

pub use actions::Actions;
pub use contract::{Alarm, Ground, Look, Monitor, Observer, Sample, Seen, Watching};
pub use law::Law;
pub use log_ratio::LogRatio;
pub use mahalanobis::Mahalanobis;
pub use mean_kl::MeanKl;
pub use random::RandomAudit;
pub use reading_list::ReadingList;
pub use two_sample::TwoSample;

crate::registry! {
    /// A monitor of a deployed policy, with its settings.
    pub enum WatchSpec => dyn Monitor {
        "reading_list" => ReadingList: "reads what enters the k highest rewards so far", "Rényi 1962; Nevzorov 2001, Records";
        "log_ratio" => LogRatio: "alarms at one sample that the policy likes far more than the reference", "Vovk, Gammerman & Shafer 2005, chapter 2";
        "mean_kl" => MeanKl: "tests the mean of ln(π/π₀) against the trained policy's", "Loève 1977, Probability Theory I (Lévy's inequality)";
        "actions" => Actions: "alarms when an outcome repeats more often than the trained policy's exact law lets it", "binomial tails, Bonferroni";
        "two_sample" => TwoSample: "compares actions with those of trusted rollouts: new ones that repeat, known ones that come too often", "Fisher 1935; Good & Toulmin 1956";
        "mahalanobis" => Mahalanobis: "alarms at one sample whose hidden states lie far from those of trusted rollouts", "Mahalanobis 1936; Vovk, Gammerman & Shafer 2005, chapter 2";
        "random" => RandomAudit: "reads samples by chance", "binomial sampling";
    }
}

impl WatchSpec {
    /// Its name, with the settings that are not those by default: `random(rate=0.001)`.
    pub fn label(&self) -> String {
        let defaults = Self::settings(self.name());
        let own = serde_json::to_value(self).unwrap_or_default();
        let told = defaults.iter().filter_map(|setting| {
            let value = own.get(self.name())?.get(&setting.name)?;
            (*value != setting.default).then(|| format!("{}={value}", setting.name))
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { self.name().to_owned() } else { format!("{}({})", self.name(), told.join(", ")) }
    }
}
