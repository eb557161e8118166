//! A log's rows turned into words, file by file: rewards summed, texts hashed, columns given up that not all rows have.

mod file;
mod finish;

use super::episodes::Counted;
use super::epochs::Epochs;
use super::error::Place;
use super::groups::Groups;
use super::layout::{IN_MEMORY, Layout};
use super::log::LeftOut;
use super::means::StepMeans;
use super::notes::Told;
use super::optional::Optional;
use super::options::{LogOptions, Rows};
use super::plan::{Episodes, Plan};
use super::repeat::Repeat;
use super::repeats::Repeats;
use super::restarts::Restarts;
use super::reward::RewardSpec;
use super::roles::Roles;
use super::unread::Unread;
use super::writer::Writer;
use std::collections::HashSet;

/// Stretches of rows of one step, run and file beyond which a reader is told what their order costs.
const MANY_STRETCHES: usize = 1 << 20;

/// A log while its files are read, one after the other.
pub(super) struct Building {
    writer: Writer,
    words: Vec<u64>,
    layout: Layout,
    parts: Vec<Optional>,
    features: Vec<(String, Optional)>,
    advantage: Optional,
    log_prob: Optional,
    ref_log_prob: Optional,
    length: Optional,
    shaped: Optional,
    runs: HashSet<u64>,
    empty: usize,
    /// Steps at the end of the log of which no row has a reward.
    unread: Unread,
    /// Rows with a step, of files whose first rows have none.
    with_step: usize,
    /// Cells of the reward that are NaN, and the first of them.
    nan: usize,
    first_nan: Option<Place>,
    /// What a row was said to be.
    rows_are: Option<Rows>,
    not_aggregate: bool,
    /// The column of which each value has a row of its own at a step, where rows are step means.
    each: Option<String>,
    /// Whether rows are means by the name of the reward.
    mean: bool,
    /// Whether all of the log is read, and not a part.
    whole: bool,
    /// Whether rows are episodes in their order, and what counts them.
    episodes: bool,
    counted: Option<Counted>,
    /// Steps of files that hold one row each.
    singles: StepMeans,
    /// Whether a cell that is no step means that the log has no steps, and whether one was seen.
    without_steps: bool,
    steps_lost: bool,
    /// Whether what was guessed to be the step begins anew again and again, in rows that are rollouts.
    restarts: Option<Restarts>,
    /// The column of epochs beside it, how the two go together, and the steps of an epoch, where it is known that they begin anew.
    epoch: Option<String>,
    epochs: Epochs,
    /// Whether the step was named.
    step_is_named: bool,
    period: Option<u64>,
    /// What is said of a log whose step is not known, if it is one of rollouts.
    pub(super) unknown_step: Option<String>,
    /// Which texts are read, in words.
    pub(super) texts: Option<String>,
    /// Another column that may be the step.
    pub(super) other_step: Option<String>,
    repeats: Repeats,
    groups: Groups,
    /// Whether groups that are none give way to the prompt.
    group_may_go: bool,
    told: Told,
    /// Rows with a reward that lack each part of it.
    missing: Vec<usize>,
}

/// Parts of the reward that are looked at for cells that are missing.
const PARTS: usize = 63;

impl Building {
    pub(super) fn new(
        plans: &[Plan],
        spec: &RewardSpec,
        names: Vec<String>,
        options: &LogOptions,
        without_steps: bool,
        whole: bool,
    ) -> Self {
        let mut width = 0;
        let mut next = || {
            width += 1;
            width - 1
        };
        let any = |role: &dyn Fn(&Roles) -> bool| plans.iter().any(|plan| role(&plan.roles));
        let layout = Layout {
            row: next(),
            proxy: next(),
            prompt: any(&|r| r.prompt.is_some()).then(&mut next),
            members: any(&|r| r.group.is_some()).then(&mut next),
            outcome: any(&|r| r.outcome.is_some() || r.completion.is_some()).then(&mut next),
            ..Layout::default()
        };
        // A column that no file has takes no room: its place is beyond the row's words.
        let mut optional = |there: bool| {
            let at = if there { next() } else { usize::MAX };
            Optional { at, seen: 0, lost: !there }
        };
        let length = optional(any(&|r| r.length.is_some() || r.completion.is_some()));
        let log_prob = optional(any(&|r| r.log_prob.is_some()));
        let ref_log_prob = optional(any(&|r| r.ref_log_prob.is_some()));
        let advantage = optional(any(&|r| r.advantage.is_some()));
        let shaped = optional(any(&|r| r.shaped_reward.is_some()));
        let weighted = matches!(spec, RewardSpec::Weighted(_));
        let parts = spec.terms(None).iter().map(|_| optional(weighted)).collect();
        let features = names.into_iter().map(|name| (name, optional(true))).collect();
        Self {
            writer: Writer::new(width, IN_MEMORY),
            words: vec![0; width],
            layout,
            parts,
            features,
            advantage,
            log_prob,
            ref_log_prob,
            length,
            shaped,
            runs: HashSet::new(),
            empty: 0,
            unread: Unread::default(),
            with_step: 0,
            nan: 0,
            first_nan: None,
            rows_are: options.rows,
            not_aggregate: false,
            each: plans.first().and_then(|plan| plan.counter.clone()?.1),
            mean: false,
            whole,
            episodes: !plans.is_empty() && plans.iter().all(|plan| plan.episodes.is_some()),
            counted: (plans.iter())
                .any(|plan| matches!(plan.episodes, Some(Episodes::Column(_))))
                .then(Counted::default),
            singles: StepMeans::default(),
            without_steps,
            steps_lost: false,
            epoch: plans.first().and_then(|plan| plan.epoch.clone()),
            epochs: Epochs::default(),
            step_is_named: options.step.is_some(),
            unknown_step: None,
            texts: None,
            other_step: None,
            period: options.epochs.as_ref().map(|(_, period)| *period),
            restarts: (options.step.is_none()
                && options.epochs.is_none()
                && options.rows != Some(Rows::Means))
            .then(Restarts::default),
            repeats: Repeats::new(plans.len() > 1, plans.iter().all(|plan| plan.roles.prompt.is_some())),
            groups: Groups::default(),
            group_may_go: options.group.is_none(),
            told: Told::default(),
            missing: vec![0; spec.terms(None).len().min(PARTS)],
        }
    }

    /// A file that was found and not read.
    pub(super) fn leave_out(&mut self, file: LeftOut) {
        self.told.left_out.push(file);
    }

    /// What a reader of the log should know.
    pub(super) fn note(&mut self, note: String) {
        self.told.notes.push(note);
    }

    /// Whether no row was kept so far.
    pub(super) fn is_empty(&self) -> bool {
        self.writer.rows() == 0
    }
}

/// Takes rows back that were there before, all at once.
fn count_once(writer: &mut Writer, told: &mut Told, repeats: &[Repeat]) {
    let rows: Vec<usize> = repeats.iter().flat_map(|repeat| repeat.rows.iter().copied()).collect();
    writer.remove(&rows);
    repeats.iter().for_each(|repeat| told.repeat(repeat));
}
