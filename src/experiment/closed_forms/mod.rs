//! What theory expects of an arm, computed from the arm's own settings: the yardstick of every simulation.
//!
//! A form states which settings it holds for and which numbers of the summary it gives. A new one is a file here and a
//! row of [`FORMS`].

mod audit;
mod exploit;
mod jump;
mod normal;
mod selection;
mod tail;
mod world;

use crate::config::{Document, Expected, Loaded};
use crate::foundation::registry::Part;
use crate::record::metric::Metric;
use crate::theory::TheoryError;
use world::World;

/// An expected number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The number.
    pub value: f64,
    /// Standard deviation of one run's number about it, where the form knows it, else 0.
    pub spread: f64,
    /// Where it comes from.
    pub source: &'static str,
}

/// What a form says of a number: nothing, or its value.
type Answer = Option<Result<f64, TheoryError>>;

/// One closed form.
struct Form {
    part: Part,
    answer: fn(&World<'_>, &Metric<'_>) -> Answer,
    /// Standard deviation of one run's number about the answer, where it is known.
    spread: fn(&World<'_>, &Metric<'_>, f64) -> f64,
}

/// Every closed form; the first that gives a number is taken.
const FORMS: [Form; 6] = [
    Form {
        part: Part {
            name: "normal",
            summary: "exact trainer, normal utility and error, any copula: the tilt of a joint normal",
            source: "Gaussian integrals; F2 and F11",
        },
        answer: normal::answer,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "exploit",
            summary: "exact trainer at a KL budget, normal bulk and one exploit: a tilted normal with an atom",
            source: "F3",
        },
        answer: exploit::answer,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "selection",
            summary: "best_of_n and quantilizer trainers, independent utility and error: order statistics",
            source: "F10; Taylor 2016",
        },
        answer: selection::answer,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "tail",
            summary: "conditioning and construction trainers, independent utility and error",
            source: "Kwa, Thomas & Garriga-Alonso 2024, theorems 1, 5 and 6",
        },
        answer: tail::answer,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "audit",
            summary: "reference trainer of one step, fresh noise, one exploit: power and precision of a top-reward audit",
            source: "F8",
        },
        answer: audit::answer,
        spread: audit::spread,
    },
    Form {
        part: Part {
            name: "jump",
            summary: "jump trainer, one exploit: waiting times of plain sampling and random audits",
            source: "F12",
        },
        answer: jump::answer,
        spread: unknown,
    },
];

/// The closed forms, for `tailcatch list`.
pub const PARTS: [Part; 6] =
    [FORMS[0].part, FORMS[1].part, FORMS[2].part, FORMS[3].part, FORMS[4].part, FORMS[5].part];

fn unknown(_: &World<'_>, _: &Metric<'_>, _: f64) -> f64 {
    0.0
}

/// What is expected of `metric` (a name of `summary.csv`) in the arm that `document` describes.
///
/// # Errors
/// No form gives this number for these settings, or the form has no answer: why, in words.
pub fn predict(document: &Document, metric: &str) -> Result<Prediction, String> {
    let named = Metric::parse(metric);
    let nothing = || format!("undefined: no closed form gives {metric} for these settings");
    let world = World::of(document).ok_or_else(nothing)?;
    for form in &FORMS {
        if let Some(answer) = (form.answer)(&world, &named) {
            let value = answer.map_err(|e| format!("undefined: {e}"))?;
            let spread = (form.spread)(&world, &named, value);
            return Ok(Prediction { value, spread, source: form.part.source });
        }
    }
    Err(nothing())
}

/// A number that an experiment expects from a closed form that does not exist.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Gap {
    /// Number of the arm.
    pub arm: usize,
    /// The number.
    pub metric: String,
    /// Why there is none.
    pub problem: String,
}

/// Expectations of a config that no closed form can meet.
pub fn gaps(loaded: &Loaded) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for expectation in loaded.document.expect.iter().filter(|e| e.value == Expected::ClosedForm) {
        for arm in loaded.arms.iter().filter(|arm| expectation.covers(arm)) {
            if let Err(problem) = predict(&arm.document, &expectation.metric) {
                gaps.push(Gap { arm: arm.index, metric: expectation.metric.clone(), problem });
            }
        }
    }
    gaps
}
