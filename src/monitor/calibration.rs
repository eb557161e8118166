//! The rollouts from which a detector learns what is normal: one set of them, or the window before each step.
//!
//! A window is the one before it with one step more and one less: its rewards stay sorted, each step is read once, and all of its
//! rollouts are put together only for a detector that learns from more than rewards.

use super::source::Source;
use crate::foundation::order::sorted;
use crate::record::{Error, Observed};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

/// Calibration rollouts.
pub(super) enum Calibration<'a> {
    /// As they are.
    Whole(Cow<'a, Observed>),
    /// Those of some steps, with their rewards in ascending order.
    Steps { steps: Vec<Rc<Step>>, ascending: Vec<f64>, whole: OnceCell<Observed> },
}

/// The rollouts of one step, and their rewards in ascending order.
pub(super) struct Step {
    rows: Observed,
    ascending: Vec<f64>,
}

impl Calibration<'_> {
    /// The rollouts.
    pub fn rows(&self) -> &Observed {
        match self {
            Self::Whole(rows) => rows,
            Self::Steps { steps, whole, .. } => whole.get_or_init(|| {
                let mut all = Observed::default();
                steps.iter().for_each(|step| all.append(step.rows.clone()));
                all
            }),
        }
    }

    /// Their rewards, ascending, where these are known.
    pub fn ascending(&self) -> Option<&[f64]> {
        match self {
            Self::Whole(_) => None,
            // NaN would stand at an end.
            Self::Steps { ascending, .. } => {
                let ends = [ascending.first(), ascending.last()];
                ends.iter().flatten().all(|x| !x.is_nan()).then_some(ascending)
            }
        }
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(rows) => rows.len(),
            Self::Steps { ascending, .. } => ascending.len(),
        }
    }
}

/// For each step with enough before it, the `width` steps that ended `lag` steps before, and its rows.
pub(super) struct Windows<'a> {
    source: &'a Source<'a>,
    width: usize,
    lag: usize,
    /// The step that is judged next.
    next: usize,
    /// Whether windows are put together from steps: no window is larger than a detector is given to learn from.
    slides: bool,
    /// The steps of the window.
    held: VecDeque<Rc<Step>>,
    ascending: Vec<f64>,
    spare: Vec<f64>,
}

impl<'a> Windows<'a> {
    pub fn new(source: &'a Source<'_>, width: usize, lag: usize) -> Self {
        let spans = source.spans();
        let largest = spans
            .windows(width)
            .filter_map(|steps| Some(steps.last()?.rows.end - steps.first()?.rows.start))
            .max();
        Self {
            source,
            width,
            lag,
            next: width + lag,
            slides: largest.is_some_and(|rows| source.is_sampled_whole(rows)),
            held: VecDeque::new(),
            ascending: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Moves the window so that it ends before step `end`.
    fn slide(&mut self, end: usize) -> Result<(), Error> {
        let first = if self.held.is_empty() { end - self.width } else { end - 1 };
        for span in self.source.spans().get(first..end).unwrap_or_default() {
            let rows = self.source.batch(span.rows.clone())?.observed;
            let step = Rc::new(Step { ascending: sorted(&rows.proxy), rows });
            let gone = if self.held.len() == self.width { self.held.pop_front() } else { None };
            let gone = gone.as_ref().map_or(&[][..], |step| &step.ascending);
            take_out(&self.ascending, gone, &mut self.spare);
            put_in(&self.spare, &step.ascending, &mut self.ascending);
            self.held.push_back(step);
        }
        Ok(())
    }

    fn window(&mut self, end: usize) -> Result<Calibration<'a>, Error> {
        if self.slides {
            self.slide(end)?;
            let (steps, ascending) = (self.held.iter().cloned().collect(), self.ascending.clone());
            return Ok(Calibration::Steps { steps, ascending, whole: OnceCell::new() });
        }
        let spans = self.source.spans().get(end - self.width..end).unwrap_or_default();
        let rows =
            spans.first().zip(spans.last()).map_or(0..0, |(first, last)| first.rows.start..last.rows.end);
        Ok(Calibration::Whole(Cow::Owned(self.source.sample(rows)?)))
    }
}

impl<'a> Iterator for Windows<'a> {
    type Item = Result<(Calibration<'a>, Range<usize>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let judged = self.source.spans().get(self.next)?;
        let window = self.window(self.next - self.lag);
        self.next += 1;
        Some(window.map(|window| (window, judged.rows.clone())))
    }
}

/// Ascending values without some of them, ascending as well.
fn take_out(values: &[f64], gone: &[f64], left: &mut Vec<f64>) {
    left.clear();
    let mut rest = values;
    for value in gone {
        let (before, from) = rest.split_at(rest.partition_point(|x| x.total_cmp(value).is_lt()));
        left.extend_from_slice(before);
        rest = from.get(1..).unwrap_or_default();
    }
    left.extend_from_slice(rest);
}

/// Ascending values with some more, ascending as well.
fn put_in(values: &[f64], more: &[f64], all: &mut Vec<f64>) {
    all.clear();
    let mut rest = values;
    for value in more {
        let (before, from) = rest.split_at(rest.partition_point(|x| x.total_cmp(value).is_lt()));
        all.extend_from_slice(before);
        all.push(*value);
        rest = from;
    }
    all.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::{DetectorSpec, Fit};
    use crate::foundation::rng::{Purpose, SeedTree};
    use crate::monitor::GroupBy;
    use crate::record::open_log;
    use std::fmt::Write as _;

    #[test]
    fn a_window_that_slides_is_the_one_that_is_read_anew() {
        let mut stream = SeedTree::new(4, 0).stream(Purpose::Utility, 0);
        let mut csv = "step,prompt,reward\n".to_owned();
        for i in 0..3000u64 {
            let reward = match i % 7 {
                0 => 0.0,
                1 => -0.0,
                2 => 0.25,
                _ => stream.open_unit().ln(),
            };
            // Steps of 0 to 59 rollouts.
            writeln!(csv, "{},p{},{reward:?}", (i * i / 3000) / 7, i % 11).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, csv).unwrap();
        let log = open_log(&[path], &Default::default()).unwrap();
        for by in [None, Some(GroupBy::Prompt), Some(GroupBy::Group)] {
            let source = Source::new(&log.rollouts, by).unwrap();
            let spans = log.rollouts.spans();
            for (width, lag) in [(1, 0), (5, 0), (20, 3)] {
                let windows: Vec<_> = Windows::new(&source, width, lag).map(Result::unwrap).collect();
                assert_eq!(windows.len(), spans.len() - width - lag);
                for (i, (window, rows)) in windows.iter().enumerate() {
                    let (first, end) = (&spans[i], &spans[i + width - 1]);
                    assert_eq!(*rows, spans[i + width + lag].rows);
                    let anew = source.sample(first.rows.start..end.rows.end).unwrap();
                    assert_eq!(*window.rows(), anew, "{by:?} {width} {i}");
                    assert_eq!(
                        (window.len(), window.ascending().is_some()),
                        (anew.len(), by != Some(GroupBy::Group))
                    );
                    let Some(ascending) = window.ascending() else { continue };
                    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(ascending), bits(&sorted(&anew.proxy)));
                    same_fits(ascending, &anew);
                }
            }
        }
    }

    /// Detectors that learn from sorted rewards learn the same from the rollouts.
    fn same_fits(ascending: &[f64], rows: &Observed) {
        for name in ["robust_z", "gpd_tail"] {
            let spec: DetectorSpec = serde_json::from_value(serde_json::json!({ name: {} })).unwrap();
            let Some(fit) = Fit::of_rewards(&spec, ascending) else { continue };
            let of_rows = Fit::new(&spec, rows, &SeedTree::new(0, 0));
            match (fit, of_rows) {
                (Ok(mut a), Ok(mut b)) => assert_eq!(a.score(rows), b.score(rows), "{name}"),
                (a, b) => assert_eq!(a.err(), b.err(), "{name}"),
            }
        }
    }
}
