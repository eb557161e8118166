//! Would reward hacking under heavy-tailed reward error be seen, caught, and caught in time?
//!
//! A proxy reward is true utility plus error, U = V + X. Where X is heavy-tailed under the reference policy, a policy
//! can win any amount of proxy at a tiny KL divergence without being better: it mostly acts like the reference and
//! rarely picks an extreme trajectory. This crate trains such policies, watches them with outlier detectors, and says
//! how many hacks were caught before they did damage, on your settings or in your own reward log.
//!
//! # The house
//!
//! Two halves share one record format. The **judge** reads rollouts and never builds burn; the **laboratory** (feature
//! `lab`) makes them. A file names modules of lower layers and its own folder only; a test enforces it.
//!
//! | layer | shared | judge | laboratory |
//! |---|---|---|---|
//! | 0 | [`foundation`]: streams, bounded numbers, sums, order statistics, statuses, files that appear whole | | |
//! | 1 | [`distributions`] · [`record`]: rollouts as columns, tables, readers | | |
//! | 2 | | [`theory`] · [`tails`] · [`metrics`] · [`plots`] | `environments` |
//! | 3 | | [`detectors`] · [`thresholds`] · [`audit`] · [`report`] | `reward` · `policies` |
//! | 4 | | [`monitor`]: the verdict on somebody's own log and what to read of it, finished or while it grows ([`monitor::watch`]), and who watches a deployed policy ([`monitor::deployed`]) | `rollout`: policy × environment × reward → batch · `deployment`: shifts of a trained policy |
//! | 5 | | [`spike`]: exploits planted in a log | `trainers` |
//! | 6 | | | `config` |
//! | 7 | | | `experiment`: plan, survey, train, judge, store, merge, in parts over many machines; `experiment::benchmark` · `experiment::verdict` |
//! | 8 | [`cli`]: one file a sub-command | | |
//!
//! [`theory`] answers without training: how large an exploit must be to matter, whether an audit will hold it, how long
//! there is, and what a jump at deployment would show. Experiments state what it predicts, and are held to it.
//!
//! A trajectory is one outcome of a table (`environments::Bandit`) or the actions of an episode (`environments::Process`). A policy
//! is the reference with a correction, π ∝ π₀·exp f; tables are summed over exactly, processes where that is possible. The
//! training loop is one (`experiment::train`); what it trains on is an arena.
//!
//! A detector is handed [`record::Observed`], a trainer also `record::ObservedTable`; neither can name the true utility, which lives
//! in [`record::Truth`]. A new part (detector, distribution, trainer …) is a file, a `mod` line and a registry row.
//!
//! # Ten lines
//!
//! Is this reward heavy-tailed, and which of its values stand out?
//!
//! ```
//! use tailcatch::detectors::{DetectorSpec, Fitted};
//! use tailcatch::distributions::DistributionSpec;
//! use tailcatch::foundation::rng::{Purpose, SeedTree};
//! use tailcatch::record::Observed;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let law: DistributionSpec = "student_t:df=2".parse()?;
//! let mut proxy = vec![0.0; 5000];
//! law.part().fill(&mut proxy, &mut SeedTree::new(1, 0).stream(Purpose::Utility, 0));
//! println!("{}", tailcatch::tails::diagnose(&proxy, None).map_err(|s| s.to_string())?.verdict);
//!
//! let rollouts = Observed { proxy, ..Observed::default() };
//! let detector: DetectorSpec = serde_json::from_str(r#"{ "gpd_tail": { "tail_fraction": 0.05 } }"#)?;
//! let mut rng = SeedTree::new(1, 0).stream(Purpose::Detector, 0);
//! if let Fitted::Ready(mut scorer) = detector.part().fit(&rollouts, &mut rng) {
//!     let scores = scorer.score(&rollouts).map_err(|s| s.to_string())?;
//!     assert_eq!(scores.values().len(), 5000);
//! }
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

pub mod audit;
pub mod cli;
pub mod detectors;
pub mod distributions;
mod error;
pub mod foundation;
pub mod metrics;
pub mod monitor;
pub mod plots;
pub mod record;
pub mod report;
pub mod spike;
pub mod tails;
pub mod theory;
pub mod thresholds;

#[cfg(feature = "lab")]
pub mod config;
#[cfg(feature = "lab")]
pub mod deployment;
#[cfg(feature = "lab")]
pub mod environments;
#[cfg(feature = "lab")]
pub mod experiment;
#[cfg(feature = "lab")]
pub mod policies;
#[cfg(feature = "lab")]
pub mod reward;
#[cfg(feature = "lab")]
pub mod rollout;
#[cfg(feature = "lab")]
pub mod trainers;

pub use error::Error;
