//! What the files of a run folder are called, beside its tables.

/// File name of the plan.
pub const PLAN: &str = "plan.json";
/// File name of what a benchmark or a verdict is of, which has no plan.
pub const SCENARIOS: &str = "scenarios.json";
/// File name of what it was made with.
pub const MANIFEST: &str = "manifest.json";
/// File name of the resolved config.
pub const CONFIG: &str = "config.toml";

/// File name of the activations of recorded rollouts.
pub const FEATURES: &str = "features.csv";

/// Folder of the records, within a run folder.
pub const RECORDS: &str = "records";
/// Folder of the figures, within a run folder.
pub const FIGURES: &str = "figures";
/// Folder of the figures of narrow screens, within the folder of the figures: the standard theme, as wide as a column.
pub const NARROW: &str = "column-light";
/// File name of the index of the figures, within the folder of the figures.
pub const FIGURES_INDEX: &str = "figures.json";
