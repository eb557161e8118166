//! What is measured: how well scores rank, how fast a run goes wrong, and whether it was caught before that.
//!
//! Ranking: [`Ranking`] with [`auroc`](roc), [`average_precision`], [`precision_at`]. Fractions: [`wilson`](crate::foundation::wilson). Harm: [`harm`]
//! (attributable loss, Goodhart gap). Times: [`timeline`] (onset, damage, learning, exploit dominance, sighting, window),
//! [`kaplan_meier`] for windows that never close, [`outcome`] and [`end`] for what became of a run. Audits: [`catch`],
//! [`baseline`], [`false_alarm`]. Other base rates: [`reweight`]; how rare an exploit may be: [`smallest_mass`]. Whether the KL is the one that was asked for: [`kl_target`]. [`oracle`] is the
//! control that may see the truth, and stands here because detectors cannot.
//!
//! The words are defined with each item. Where a number does not exist there is a
//! [`Status`](crate::foundation::failure::Status) or an empty value, never a stand-in.

pub mod average_precision;
pub mod baseline;
pub mod catch;
pub mod criterion;
pub mod end;
pub mod false_alarm;
pub mod harm;
pub mod kaplan_meier;
pub mod kl_target;
pub mod oracle;
pub mod outcome;
pub mod precision_at;
mod ranking;
pub mod reweight;
pub mod roc;
pub mod smallest_mass;
pub mod timeline;

pub use ranking::Ranking;
