//! What is flagged depends on what is taken for normal: the same detectors and rule under each calibration there is.

use super::baseline::Normal;
use super::flags::Listing;
use super::grouping::GroupBy;
use super::reference::Reference;
use super::rule::Rule;
use super::source::Source;
use super::visit::{Judge, Stop};
use crate::detectors::DetectorSpec;
use crate::foundation::failure::Status;
use crate::record::{Error, Log, Rollouts};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Share of a log's steps that stand for its beginning, and that a window spans.
const SHARE_OF_STEPS: usize = 10;

/// What is flagged under one calibration.
#[derive(Debug, Clone)]
pub struct View {
    /// In a few words.
    pub name: String,
    /// Of which kind it is.
    pub kind: Kind,
    /// Rows that any of the detectors flagged, or why there is no answer.
    pub flagged: Result<BTreeSet<usize>, String>,
    /// Rollouts that were judged.
    pub judged: usize,
}

/// Kinds of calibration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rollouts apart from most of the log: a reference, or its first steps.
    Fixed,
    /// A window before each step.
    Window,
    /// The log itself, rewards relative to their prompt.
    Prompt,
    /// The log itself.
    Own,
}

/// The calibrations side by side.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// One view a calibration, two or more.
    pub views: Vec<View>,
    /// The rule, the same for all.
    pub rule: Rule,
    /// Detectors that judged.
    pub detectors: usize,
}

/// Judges the log under its beginning (or the reference that was given), a window, within prompts and under itself.
/// `None` where there is nothing to compare.
pub(super) fn compare(
    log: &Log<Rollouts>,
    source: &Source<'_>,
    given: &Normal,
    reference: &Reference,
    specs: &[(String, DetectorSpec)],
    rule: Rule,
) -> Result<Option<Comparison>, Error> {
    // A moving threshold is one more way to follow a drift: what it starts from is compared at its nominal rate.
    let rule = match rule {
        Rule::Streaming(_, rate) => Rule::AlertRate(rate),
        rule => rule,
    };
    let spans = log.rollouts.spans();
    let share = spans.len().div_ceil(SHARE_OF_STEPS);
    let own = || {
        Ok::<_, Error>(Normal::Rollouts {
            calibration: Box::new(source.sample(0..log.rollouts.len())?),
            own: true,
        })
    };
    let mut views = Vec::new();
    let mut add = |kind, name: String, source: &Source<'_>, normal: &Normal| -> Result<(), Error> {
        views.push(view(kind, name, source, normal, specs, rule)?);
        Ok(())
    };
    let given_name = match reference {
        Reference::Log { path, .. } => {
            path.file_name().map(|name| name.to_string_lossy().into_owned()).filter(|name| name.len() < 24)
        }
        Reference::Steps { from, to, .. } => Some(format!("steps {from}..{to}")),
        Reference::Own { .. } | Reference::Window { .. } => None,
    };
    if let Normal::Rollouts { own: false, .. } = given {
        add(Kind::Fixed, given_name.unwrap_or_else(|| "reference".to_owned()), source, given)?;
    } else if let (Some(first), Some(last)) = (spans.first(), spans.get(share.saturating_sub(1)))
        && spans.len() > 1
    {
        let calibration = Box::new(source.sample(first.rows.start..last.rows.end)?);
        let name = format!("steps {}..{}", first.step, last.step + 1);
        add(Kind::Fixed, name, source, &Normal::Rollouts { calibration, own: false })?;
    }
    match given {
        Normal::Window { width, lag } => add(Kind::Window, window_name(*width, *lag), source, given)?,
        Normal::Rollouts { .. } if spans.len() > 2 => {
            let (width, lag) = (share, 0);
            add(Kind::Window, window_name(width, lag), source, &Normal::Window { width, lag })?;
        }
        Normal::Rollouts { .. } => {}
    }
    if !source.is_grouped() && log.meta.roles.prompt.is_some() {
        let within = Source::new(&log.rollouts, Some(GroupBy::Prompt))?;
        if within.len() > 0 {
            let calibration = Box::new(within.sample(0..log.rollouts.len())?);
            let normal = Normal::Rollouts { calibration, own: true };
            add(Kind::Prompt, "within prompt".to_owned(), &within, &normal)?;
        }
    }
    match given {
        Normal::Rollouts { own: true, .. } => add(Kind::Own, "the log itself".to_owned(), source, given)?,
        _ => add(Kind::Own, "the log itself".to_owned(), source, &own()?)?,
    }
    Ok((views.len() > 1).then_some(Comparison { views, rule, detectors: specs.len() }))
}

fn window_name(width: usize, lag: usize) -> String {
    let before = if lag > 0 { format!(", {lag} before") } else { String::new() };
    format!("window of {width}{before}")
}

fn view(
    kind: Kind,
    name: String,
    source: &Source<'_>,
    normal: &Normal,
    specs: &[(String, DetectorSpec)],
    rule: Rule,
) -> Result<View, Error> {
    let answers: Vec<_> = specs
        .par_iter()
        .map(|(_, spec)| Judge { spec, source, normal, rule, listing: Listing::Rows, known: None }.judge())
        .collect();
    let (mut rows, mut judged, mut refusal) = (None::<BTreeSet<usize>>, 0, None::<Status>);
    for answer in answers {
        match answer {
            Ok(answer) => {
                rows.get_or_insert_default().extend(answer.flags.iter().map(|flag| flag.row));
                judged = judged.max(answer.judged);
            }
            Err(Stop::Status(status)) => refusal = refusal.or(Some(status)),
            Err(Stop::Failure(error)) => return Err(error),
        }
    }
    let flagged = rows.ok_or_else(|| refusal.map_or_else(String::new, |status| status.to_string()));
    Ok(View { name, kind, flagged, judged })
}

impl Comparison {
    /// Rows flagged by both.
    pub fn both(&self, a: usize, b: usize) -> Option<usize> {
        let rows = |i: usize| self.views.get(i).and_then(|view| view.flagged.as_ref().ok());
        Some(rows(a)?.intersection(rows(b)?).count())
    }

    /// The view of a kind with its flagged rows, where it has any answer.
    pub fn of(&self, kind: Kind) -> Option<(&View, &BTreeSet<usize>)> {
        let view = self.views.iter().find(|view| view.kind == kind)?;
        Some((view, view.flagged.as_ref().ok()?))
    }
}
