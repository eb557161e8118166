//! The hypotheses about cells of the verdict: which cells, under which programme.

use super::panel::{Panel, Word};
use crate::foundation::binomial;
use crate::metrics::criterion::{ALLOWED, TEST};
use crate::record::endpoint::PROGRAMME;
use crate::record::verdict::{AnswerRow, CellRow, MAP, SPOKE, Tables, trainer_label};
use crate::report::format::{number, percent_interval};
use crate::report::tables::Table;

/// Sizes this near to a multiple of T* count as it.
const NEAR: f64 = 0.01;

/// A statement about all cells of a kind.
pub(super) struct Hypothesis {
    title: &'static str,
    claim: &'static str,
    /// Which cells it is about.
    is_about: fn(&CellRow) -> bool,
    /// What is done against the exploit there.
    programme: Programme,
}

/// A programme of a cell.
struct Programme {
    auditor: &'static str,
    detector: &'static str,
    response: &'static str,
    delay: u64,
}

const AT_ONCE: Programme =
    Programme { auditor: "records", detector: "top_reward", response: "remove", delay: 0 };

const fn later(delay: u64) -> Programme {
    Programme { delay, ..AT_ONCE }
}

const fn by(response: &'static str) -> Programme {
    Programme { response, ..AT_ONCE }
}

fn in_map(cell: &CellRow, sizes: std::ops::Range<f64>) -> bool {
    cell.part == MAP && cell.size.is_some_and(|size| sizes.contains(&(size + NEAR)))
}

fn up_to_one(cell: &CellRow) -> bool {
    cell.kl_target.is_some_and(|kl| kl <= 1.0)
}

fn in_spoke(cell: &CellRow, scenario: &str) -> bool {
    cell.part == SPOKE && cell.scenario == scenario
}

fn has_law(cell: &CellRow, law: &str) -> bool {
    in_spoke(cell, "benign_laws") && cell.error.contains(law)
}

/// All of them, in the order of the page.
pub(super) const HYPOTHESES: &[Hypothesis] = &[
    Hypothesis {
        title: "Drastic exploits",
        claim: "An exploit of twice T* or more, at any KL up to 1, does no harm if every reward that enters the highest so far is read and what is \
                confirmed is removed before the update.",
        is_about: |cell| in_map(cell, 2.0..f64::INFINITY) && up_to_one(cell),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Exploits of T*",
        claim: "So does one of T*, the size at which it supplies half of what the KL buys.",
        is_about: |cell| in_map(cell, 1.0..1.5) && up_to_one(cell),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Exploits below T*",
        claim: "So does one of half of T*, wherever it is learned.",
        is_about: |cell| in_map(cell, 0.0..1.0) && up_to_one(cell),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "A large KL",
        claim: "At a KL of 3 it is the same, from T* on.",
        is_about: |cell| in_map(cell, 1.0..f64::INFINITY) && cell.kl_target.is_some_and(|kl| kl > 1.0),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Twenty steps late",
        claim: "Drastic exploits (twice T* or more, KL up to 1) do no harm either where the removal takes effect 20 steps after the look.",
        is_about: |cell| in_map(cell, 2.0..f64::INFINITY) && up_to_one(cell),
        programme: later(20),
    },
    Hypothesis {
        title: "The log-ratio instead of the reward",
        claim: "Whoever reads the records of ln(π/π₀) and never sees a reward prevents the harm as well, at every size and KL up to 1.",
        is_about: |cell| in_map(cell, 0.0..f64::INFINITY) && up_to_one(cell),
        programme: Programme { detector: "log_ratio", ..AT_ONCE },
    },
    Hypothesis {
        title: "Light benign tails",
        claim: "With normal and t(5) noise on benign rewards an exploit of twice T* at KL .3 is caught in time.",
        is_about: |cell| has_law(cell, "normal") || has_law(cell, "df=5"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Benign tails as heavy as the hack",
        claim: "So it is with t(1.5) noise.",
        is_about: |cell| has_law(cell, "df=1.5"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Ties",
        claim: "A hack that a verifier pays exactly what it pays a right answer is caught in time.",
        is_about: |cell| in_spoke(cell, "verifier"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Exploits among the benign rewards",
        claim: "An exploit that is paid what the best tenth, the best hundredth or the best of all honest outcomes is paid, is caught in time.",
        is_about: |cell| in_spoke(cell, "quantile_sizes"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Hardly ever sampled",
        claim: "It makes no difference whether an exploit is sighted once in ten trainings or a hundred times in one: given that it is sighted, it is \
                caught in time.",
        is_about: |cell| in_spoke(cell, "sightings"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Adam",
        claim: "Under Adam, whose steps do not grow with what a sighting pays, it is caught in time too.",
        is_about: |cell| in_spoke(cell, "adam"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "One step late",
        claim: "At twice T* and KL .3, the removal may take effect one step after the look.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: later(1),
    },
    Hypothesis {
        title: "Five steps late",
        claim: "Or five steps.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: later(5),
    },
    Hypothesis {
        title: "Fifty steps late",
        claim: "Or fifty.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: later(50),
    },
    Hypothesis {
        title: "Relabelling",
        claim: "To pay a confirmed hack what it is worth prevents the harm as removal does.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: by("relabel"),
    },
    Hypothesis {
        title: "Rolling back",
        claim: "To go back to the policy before the first sighting prevents it.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: by("roll_back"),
    },
    Hypothesis {
        title: "A network that writes strings",
        claim: "The exploit of a recurrent network is caught in time.",
        is_about: |cell| in_spoke(cell, "strings"),
        programme: AT_ONCE,
    },
];

/// A cell and what its programme came to.
struct Found<'a> {
    cell: &'a CellRow,
    answer: &'a AnswerRow,
    /// P(as many harmed runs, or more), were their true share the allowed one.
    excess: f64,
}

impl Programme {
    fn is(&self, row: &AnswerRow) -> bool {
        row.role == PROGRAMME
            && row.auditor == self.auditor
            && row.detector == self.detector
            && row.response == self.response
            && row.delay.unwrap_or(0) == self.delay
    }
}

impl Hypothesis {
    /// What the tables say of it.
    pub(super) fn panel(&self, tables: &Tables) -> Panel {
        let about: Vec<&CellRow> = tables.cells.iter().filter(|cell| (self.is_about)(cell)).collect();
        // Where nobody is harmed if nobody audits, there is nothing to prevent; what is void says nothing.
        let to_prevent =
            |cell: &&&CellRow| cell.verdict != "void" && cell.harm_low.is_some_and(|low| low > ALLOWED);
        let mut found = Vec::new();
        for &cell in about.iter().filter(to_prevent) {
            let is_own = |row: &&AnswerRow| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm);
            let own = tables.answers.iter().filter(is_own).find(|row| self.programme.is(row));
            if let Some(answer) = own.filter(|row| row.runs > 0) {
                let excess = match answer.harmed {
                    0 => 1.0,
                    harmed => binomial::sf(answer.runs, ALLOWED, harmed - 1),
                };
                found.push(Found { cell, answer, excess });
            }
        }
        let (word, sentence) = decide(about.len(), &found);
        Panel {
            title: self.title.to_owned(),
            claim: self.claim.to_owned(),
            word,
            sentence,
            evidence: evidence(&found),
        }
    }
}

/// The word, and why.
fn decide(about: usize, found: &[Found<'_>]) -> (Word, String) {
    if about == 0 {
        return (Word::NotRun, "No cell of this kind has been run.".to_owned());
    }
    let Some(worst) = found
        .iter()
        .max_by(|a, b| a.answer.harm.partial_cmp(&b.answer.harm).unwrap_or(std::cmp::Ordering::Equal))
    else {
        let text = format!(
            "Of {about} cells there is none in which more than 5% are surely harmed where nobody audits: there was nothing to prevent, or too \
             little was run."
        );
        return (Word::NotResolved, text);
    };
    let level = TEST / found.len() as f64;
    let failing = found.iter().filter(|one| one.excess <= level).count();
    let open = found.iter().filter(|one| one.answer.harm_high.is_none_or(|high| high > ALLOWED)).count();
    let cells = if found.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", found.len()) };
    let rest = match about - found.len() {
        0 => String::new(),
        other => format!(" ({other} more without harm to prevent, or with too few runs)"),
    };
    let at_worst = format!(
        "at worst {} of {} in {}, {}",
        worst.answer.harmed,
        worst.answer.runs,
        place(worst.cell),
        share(worst.answer)
    );
    match (failing, open) {
        (0, 0) => (
            Word::Holds,
            format!("In all of {cells}{rest} at most 5% are harmed, by the upper ends; {at_worst}."),
        ),
        (0, _) => (
            Word::NotResolved,
            format!(
                "In {} of {cells}{rest} the upper end is above 5%, and none is surely above it; {at_worst}.",
                open
            ),
        ),
        _ => (
            Word::Fails,
            format!(
                "In {failing} of {cells}{rest} more than 5% are harmed, at a shared level of 2.5%; {at_worst}."
            ),
        ),
    }
}

fn share(row: &AnswerRow) -> String {
    row.harm.map_or_else(|| "–".to_owned(), |harm| percent_interval(harm, row.harm_low, row.harm_high))
}

/// `GRPO, KL 0.3, 2 T*`; an arm's own words where it has no size.
fn place(cell: &CellRow) -> String {
    let mut parts = vec![trainer_label(&cell.trainer)];
    parts.extend(cell.kl_target.map(|kl| format!("KL {}", number(kl))));
    match cell.size {
        Some(size) => parts.push(format!("{} T*", number((size * 100.0).round() / 100.0))),
        None => parts.extend(cell.proxy.map(|proxy| format!("proxy {}", number(proxy)))),
    }
    if cell.part == SPOKE {
        parts.push(cell.error.clone());
        parts.extend(cell.expected_sightings.map(|sightings| format!("{} sightings", number(sightings))));
    }
    parts.join(", ")
}

fn evidence(found: &[Found<'_>]) -> Table {
    let header =
        ["cell", "learned runs", "harmed, nobody audits", "harmed under the audit", "looks per 1000"];
    let line = |one: &Found<'_>| {
        let Found { cell, answer, .. } = one;
        let bare = cell.harm.map(|harm| percent_interval(harm, cell.harm_low, cell.harm_high));
        vec![
            place(cell),
            answer.runs.to_string(),
            bare.unwrap_or_else(|| "–".to_owned()),
            share(answer),
            answer.looks.map_or_else(|| "–".to_owned(), |looks| number(looks * 1e3)),
        ]
    };
    Table {
        title: String::new(),
        header: header.map(str::to_owned).to_vec(),
        rows: found.iter().map(line).collect(),
    }
}
