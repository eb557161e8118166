//! What theory expects of an arm, computed from the arm's own settings: the yardstick of every simulation.
//!
//! A form states which settings it holds for and which numbers of the summary it gives. A new one is a file here and a
//! row of `FORMS`.

mod audit;
mod exploit;
mod jump;
mod normal;
mod records;
mod selection;
mod tail;
mod watch;
mod world;

use crate::config::Document;
use crate::foundation::registry::Part;
use crate::record::metric::{self, Metric};
use world::{Answer, World};

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

/// One closed form.
struct Form {
    part: Part,
    /// In Markdown.
    formula: &'static str,
    answer: fn(&World<'_>, &Metric<'_>) -> Answer,
    /// Whether it is one of a deployed policy; all others are of training.
    deployed: bool,
    /// Standard deviation of one run's number about the answer, where it is known.
    spread: fn(&World<'_>, &Metric<'_>, f64) -> f64,
}

/// Every closed form; the first that gives a number is taken.
const FORMS: [Form; 8] = [
    Form {
        part: Part {
            name: "normal",
            summary: "exact trainer, normal utility and error, any copula: the tilt of a joint normal",
            source: "Gaussian integrals; F2 and F11",
        },
        formula: normal::FORMULA,
        answer: normal::answer,
        deployed: false,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "exploit",
            summary: "exact trainer at a KL budget, normal bulk and one exploit: a tilted normal with an atom",
            source: "F3",
        },
        formula: exploit::FORMULA,
        answer: exploit::answer,
        deployed: false,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "selection",
            summary: "best_of_n and quantilizer trainers, independent utility and error: order statistics",
            source: "F10; Beirami et al. 2024; Hilton & Gao 2022; Taylor 2016",
        },
        formula: selection::FORMULA,
        answer: selection::answer,
        deployed: false,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "tail",
            summary: "conditioning and construction trainers, independent utility and error",
            source: "Kwa, Thomas & Garriga-Alonso 2024, theorems 1, 5 and 6",
        },
        formula: tail::FORMULA,
        answer: tail::answer,
        deployed: false,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "audit",
            summary: "reference trainer of one step, fresh noise, one exploit: power and precision of a top-reward audit",
            source: "F8",
        },
        formula: audit::FORMULA,
        answer: audit::answer,
        deployed: false,
        spread: audit::spread,
    },
    Form {
        part: Part {
            name: "records",
            summary: "reference trainer without hacks: looks of the records auditor at exchangeable scores",
            source: "Rényi 1962; Nevzorov 2001",
        },
        formula: records::FORMULA,
        answer: records::answer,
        deployed: false,
        spread: records::spread,
    },
    Form {
        part: Part {
            name: "jump",
            summary: "jump at deployment, one exploit: waiting times of plain sampling and random audits",
            source: "F12",
        },
        formula: jump::FORMULA,
        answer: jump::answer,
        deployed: true,
        spread: unknown,
    },
    Form {
        part: Part {
            name: "watch",
            summary: "a deployed policy under monitors, one exploit: samples to its first hack, and to that of a random audit",
            source: "F12",
        },
        formula: watch::FORMULA,
        answer: watch::answer,
        deployed: true,
        spread: unknown,
    },
];

/// The closed forms, for `tailcatch list`.
pub const PARTS: [Part; 8] = [
    FORMS[0].part,
    FORMS[1].part,
    FORMS[2].part,
    FORMS[3].part,
    FORMS[4].part,
    FORMS[5].part,
    FORMS[6].part,
    FORMS[7].part,
];

/// The formula of the form of this name, in Markdown; nothing of an unknown one.
pub fn formula(name: &str) -> &'static str {
    FORMS.iter().find(|form| form.part.name == name).map_or("", |form| form.formula)
}

fn unknown(_: &World<'_>, _: &Metric<'_>, _: f64) -> f64 {
    0.0
}

/// What is expected of `metric` (a name of `summary.csv`) in the arm that `document` describes.
///
/// # Errors
/// No form gives this number for these settings, or the form has no answer: why, in words.
pub fn predict(document: &Document, metric: &str) -> Result<Prediction, String> {
    if document.reward.condition.is_some() {
        return Err(
            "undefined: closed forms are of all runs, and these are conditioned on a sighting".to_owned()
        );
    }
    let named = Metric::parse(metric);
    let nothing = || format!("undefined: no closed form gives {metric} for these settings");
    let world = World::of(document).ok_or_else(nothing)?;
    // Samples that monitors watch have numbers of their own, beside those of the run.
    let steps = document.deployment.as_ref().map_or(0, |deployment| deployment.steps);
    let watched = [metric::SAMPLES_TO_HACK, metric::SAMPLES_TO_ALARM].contains(&named.name);
    let deployed = steps > 0 || watched;
    for form in FORMS.iter().filter(|form| form.deployed == deployed) {
        if let Some(answer) = (form.answer)(&world, &named) {
            let value = answer.map_err(|e| format!("undefined: {e}"))?;
            let spread = (form.spread)(&world, &named, value);
            return Ok(Prediction { value, spread, source: form.part.source });
        }
    }
    Err(nothing())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_bytes;

    fn document(sections: &str) -> Document {
        let text = format!("question = '?'\n[environment.bandit]\noutcomes = 100_000\n{sections}");
        from_bytes("test.toml", text.as_bytes(), &[]).unwrap().document
    }

    fn value(sections: &str, metric: &str) -> f64 {
        predict(&document(sections), metric).unwrap().value
    }

    const T3: &str = "[reward]\nerror = { student_t = { df = 3 } }\n";
    const EXPLOIT: &str = "[[reward.exploits]]\nmass = 1e-4\noutcomes = 1\nproxy = 20\nutility = -5\n";

    const JUMP: &str = "[deployment]\nshift = { jump = { mass_after = 0.01 } }\nsteps = 900\n";
    const WATCHED: &str = "[deployment]\nshift = { jump = { mass_after = 0.01 } }\nsamples = 40_000\nmonitors = [{ random = {} }, { actions = {} }]\n";
    const TRIGGER: &str = "[deployment]\nshift = { trigger = { frequency = 0.1, shift = { jump = { mass_after = 0.01 } } } }\nsteps = 9000\n";

    /// Each form against a number from elsewhere: published tables, Gaussian integrals, or arithmetic.
    #[test]
    fn forms_give_known_numbers() {
        let normal = "[reward]\nerror = { normal = {} }\n[trainer.exact]\nkl = { budget = 0.5 }\n";
        for (sections, metric, known, slack) in [
            (normal.to_owned(), "utility", 0.5f64.sqrt(), 1e-12),
            (normal.to_owned(), "proxy", 2f64.sqrt(), 1e-12),
            // The exact T* at q = 1e-4 and ε = 1 is 8.09: there the exploit supplies half.
            (
                format!("{}[trainer.exact]\nkl = {{ budget = 1 }}\n", EXPLOIT.replace("20", "8.0879")),
                "hack_share_of_proxy",
                0.5,
                2e-3,
            ),
            (format!("{T3}[trainer.best_of_n]\nn = 16\n"), "utility", 0.871, 1e-3),
            (format!("{T3}[trainer.best_of_n]\nn = 16\n"), "kl", 1.8350887, 2e-4),
            (format!("{T3}[trainer.quantilizer]\nmass = 0.25\n"), "kl", 4f64.ln(), 1e-12),
            // 0.01% and half an outcome more of 100,000: ten outcomes and one that is split.
            (format!("{T3}[trainer.quantilizer]\nmass = 1.05e-4\n"), "kl", 9.1283, 1e-3),
            (format!("{T3}[trainer.conditioning]\nthreshold = 5\n"), "utility", 0.6288, 1e-4),
            (format!("{T3}[trainer.conditioning]\nthreshold = 5\n"), "kl", 4.641, 1e-3),
            (
                format!(
                    "[reward]\nmode = 'fresh'\nerror = {{ student_t = {{ df = 3 }} }}\n{EXPLOIT}[trainer.reference]\nbatch = 20_000\n"
                ),
                "caught[top_reward@0.001]",
                0.864,
                5e-4,
            ),
            (
                format!("{EXPLOIT}[trainer.reference]\nsteps = 0\nbatch = 1\n{JUMP}"),
                "steps_to_sighting_q95",
                299.0,
                1e-9,
            ),
            // A trigger of one sample in ten: .1·.01 + .9·1e-4 = .00109, and ln .05/ln(1 − .00109) = 2746.9.
            (
                format!("{EXPLOIT}[trainer.reference]\nsteps = 0\nbatch = 1\n{TRIGGER}"),
                "steps_to_sighting_q95",
                2747.0,
                1e-9,
            ),
            // By F12 298.1 samples, and 29,956 with one in a hundred read.
            (format!("{EXPLOIT}[trainer.reference]\n{WATCHED}"), "samples_to_first_hack_q95", 299.0, 1e-9),
            (
                format!("{EXPLOIT}[trainer.reference]\n{WATCHED}"),
                "samples_to_alarm_q95[random@deployed]",
                29956.0,
                1e-9,
            ),
            (
                format!("{EXPLOIT}[trainer.reference]\nsteps = 100\nbatch = 100\n{JUMP}"),
                "sighted_before_damage",
                1.0 - (-1f64).exp(),
                1e-4,
            ),
        ] {
            let found = value(&sections, metric);
            assert!((found - known).abs() <= slack, "{metric} of {sections}: {found} against {known}");
        }
    }

    #[test]
    fn forms_say_nothing_of_settings_that_they_do_not_cover() {
        let jump = format!("[trainer.reference]\n{JUMP}");
        for (sections, metric) in [
            // A hack is not the exploit.
            (format!("[reward]\nhack = {{ utility_below = 0.1 }}\n{EXPLOIT}{jump}"), "kl"),
            // Outcomes are sampled twice, and an audit looks once.
            (
                format!(
                    "[reward]\nmode = 'fresh'\nerror = {{ normal = {{}} }}\n{EXPLOIT}[trainer.reference]\nbatch = 90_000\n"
                ),
                "sighted",
            ),
            // A tilt pays all that is paid, not the exploit alone.
            (
                format!(
                    "{EXPLOIT}[trainer.reference]\n[deployment]\nshift = {{ tilt = {{ kl = 0.1 }} }}\nsteps = 9\n"
                ),
                "kl",
            ),
            // Fewer than thirty outcomes above, and a tilt as far as the table goes.
            (
                "[reward]\nerror = { normal = {} }\n[trainer.conditioning]\nthreshold = 6\n".to_owned(),
                "utility",
            ),
            (
                "[reward]\nerror = { normal = {} }\n[trainer.exact]\nkl = { budget = 8 }\n".to_owned(),
                "utility",
            ),
            (format!("{T3}[trainer.exact]\nkl = {{ budget = 1 }}\n"), "utility"),
            (format!("{T3}[trainer.best_of_n]\nn = 16\n"), "window"),
            // What ends with training knows nothing of a deployed policy, and no form is of this monitor.
            (format!("{EXPLOIT}[trainer.reference]\n{WATCHED}"), "kl"),
            (format!("{EXPLOIT}[trainer.reference]\n{WATCHED}"), "samples_to_alarm_q95[actions@deployed]"),
        ] {
            assert!(predict(&document(&sections), metric).is_err(), "{metric} of {sections}");
        }
    }
}
