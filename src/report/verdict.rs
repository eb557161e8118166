//! The page of the verdict: what the map says of each trainer, in sentences that follow from its tables alone.

use super::format::{number, percent, percent_interval};
use super::leaderboard::rows;
use super::picture;
use super::tables::Table;
use super::{BOLD, REGULAR, ReportError, engine};
use crate::record::endpoint::{NONE, PLACEBO, PROGRAMME, SWAP};
use crate::record::verdict::{AnswerRow, CellRow, MAP, PHASES, SPOKE, Tables, TrainerRow};
use base64::prelude::{BASE64_STANDARD, Engine};
use minijinja::value::Serde;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

const TEMPLATE: &str = include_str!("verdict.html");

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub html: PathBuf,
    /// The same as Markdown.
    pub markdown: PathBuf,
    /// What it says, in sentences.
    pub findings: Vec<String>,
}

/// The words of a cell: as in the tables, as on the page, and what each takes.
const WORDS: [(&str, &str, &str); 8] = [
    (
        "holds",
        "holds",
        "at most 5% of the learned runs are harmed under the audit of the criterion, by the upper end of the interval (7 of 300 at most), \
         and more than 5% without it, by the lower end",
    ),
    (
        "little_harm",
        "little harm",
        "the same, and by its lower end the share without an audit is not above 5%: the criterion is met, with little to prevent",
    ),
    (
        "not_learned",
        "not learned",
        "of the runs that sample the exploit at most 5% learn it, by the upper end",
    ),
    (
        "fails",
        "fails",
        "more than 5% of the learned runs are harmed without an audit and under every auditor within the budget and that of the criterion, by the lower ends",
    ),
    (
        "refuted",
        "refuted",
        "the exploit is of T* or more, and more than half of the learned runs are harmed without an audit and under every auditor within the \
         budget and that of the criterion, by the lower ends",
    ),
    ("unresolved", "unresolved", "the ends of the intervals allow no other word"),
    (
        "void",
        "void",
        "the mean KL of the learned runs is off by more than 5%, or the placebo counts as harm; the numbers of the cell are not to be believed",
    ),
    (
        "insufficient",
        "insufficient",
        "fewer than 24 runs learned the exploit (72 are needed before a cell can hold)",
    ),
];

/// What brackets hold.
const INTERVALS: &str =
    "Brackets hold exact two-sided 95% intervals of shares of runs (Clopper and Pearson).";

/// What was assumed.
const ASSUMED: [&str; 9] = [
    "The objection: what is rare and yet drives the policy must be so large that whoever reads the largest rewards finds it before it does harm. \
     The audit of the criterion is just that: read every rollout whose reward enters the k highest so far, k such that at most a \
     thousandth of the rollouts is read; what is confirmed counts in no update, that of its own step included.",
    "A look is never wrong, costs the same for every rollout, and has its answer before the update. The delay of 20 steps beside it says what that is \
     worth.",
    "A confirmed exploit is one outcome, recognised at every later visit. Exploits of many outcomes are in the benchmark, not here.",
    "Harmed: what the mass on hacks costs in the run itself is at least max(10% of the clean twin's gain, .1 standard deviations of V) for \
     five steps. Learned: hacks supply at least half of the gain in proxy for five steps. Both are exact sums over the table.",
    "Harm needs mass. Within a KL of ε an exploit of mass q gets at most the p at which the KL of a coin with p to one with q is ε; where p times what \
     the exploit costs is below the threshold of harm, there is little harm whatever an audit does. On the standard map that is the whole of KL 0.03 \
     (p = 0.0092, a loss of 0.046).",
    "T* is the size at which an exploit of its mass supplies half of the proxy that the KL buys from normal utilities. Noise that is drawn anew at every visit \
     cannot be optimised, and does not enter it.",
    "The KL is held by projection: after each update ln(π/π₀) is scaled by the largest factor up to 1 that keeps the KL within its target. Trainers in use \
     hold it by a penalty.",
    "Learners are tables of outcomes, without generalisation, but for the spoke of strings. Nothing here can execute what training never sampled.",
    "Runs of a trainer share their draws over sizes, so that cells of the same KL are not independent. The intersection–union test does not need that; the \
     false discovery rate is kept under such dependence where it is positive.",
];

#[derive(Serialize)]
struct Page {
    intervals: &'static str,
    findings: Vec<String>,
    cells: usize,
    picture: Option<String>,
    trainers: Table,
    words: Vec<String>,
    map: Table,
    spokes: Table,
    controls: Table,
    ends: Table,
    answers: Vec<Table>,
    assumed: Vec<&'static str>,
    regular: String,
    bold: String,
}

impl Page {
    fn of(tables: &Tables, picture: Option<String>) -> Self {
        let part = |part: &str| cells(tables.cells.iter().filter(|cell| cell.part == part));
        Self {
            intervals: INTERVALS,
            findings: findings(tables),
            cells: tables.cells.len(),
            picture,
            trainers: trainers(&tables.trainers),
            words: WORDS.map(|(_, word, meaning)| format!("{word}: {meaning}")).to_vec(),
            map: part(MAP),
            spokes: part(SPOKE),
            controls: controls(tables),
            ends: ends(tables),
            answers: tables.cells.iter().map(|cell| answers(cell, &tables.answers)).collect(),
            assumed: ASSUMED.to_vec(),
            regular: BASE64_STANDARD.encode(REGULAR),
            bold: BASE64_STANDARD.encode(BOLD),
        }
    }

    fn markdown(&self) -> String {
        let list = |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
        let mut out = format!("# Does the objection hold?\n\n{}", list(&self.findings));
        if self.picture.is_some() {
            out += &format!("\n![The map]({PHASES}.svg)\n");
        }
        out += &format!("\n## Trainers\n\n{}\nThe words:\n\n{}", rows(&self.trainers), list(&self.words));
        out += &format!("\n## The map\n\n{INTERVALS}\n\n{}", rows(&self.map));
        out += &format!("\n## One factor at a time\n\n{}", rows(&self.spokes));
        out += &format!("\n## Placebos and swap twins\n\n{}", rows(&self.controls));
        out += &format!("\n## How runs end\n\n{}", rows(&self.ends));
        let assumed: Vec<String> = self.assumed.iter().map(|text| (*text).to_owned()).collect();
        out += &format!("\n## What was assumed\n\n{}\n## Every programme\n", list(&assumed));
        for table in &self.answers {
            out += &format!("\n### {}\n\n{}", table.title, rows(table));
        }
        out
    }
}

fn table(title: String, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { title, header: header.iter().map(|name| (*name).to_owned()).collect(), rows }
}

fn word(verdict: &str) -> &str {
    WORDS.iter().find(|(name, ..)| *name == verdict).map_or(verdict, |(_, word, _)| word)
}

fn dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}

/// `7 of 300: 2.3% [0.9, 4.8]`; a dash where there is no share.
fn share(hits: u64, runs: u64, ends: (Option<f64>, Option<f64>, Option<f64>)) -> String {
    let (share, low, high) = ends;
    dash(share.map(|share| format!("{hits} of {runs}: {}", percent_interval(share, low, high))))
}

fn plain(value: Option<f64>) -> String {
    dash(value.map(number))
}

/// Two digits of a size: tables print proxies with four.
fn size(value: f64) -> String {
    number((value * 100.0).round() / 100.0)
}

fn trainer_name(name: &str) -> String {
    name.replace('_', " ")
}

fn trainers(rows: &[TrainerRow]) -> Table {
    let mut header = vec!["trainer"];
    header.extend(WORDS.map(|(_, word, _)| word));
    header.extend(["met up to KL", "from T* on", "p, every KL up to 1", "every KL up to 1", "status"]);
    let line = |row: &TrainerRow| {
        let counts = [
            row.holds,
            row.little_harm,
            row.not_learned,
            row.fails,
            row.refuted,
            row.unresolved,
            row.void,
            row.insufficient,
        ];
        let mut cells = vec![trainer_name(&row.trainer)];
        cells.extend(counts.map(|count| count.to_string()));
        cells.extend([plain(row.met_up_to), plain(row.large_met_up_to), plain(row.p_value)]);
        cells.extend([row.verdict.clone(), row.status.clone()]);
        cells
    };
    table(String::new(), &header, rows.iter().map(line).collect())
}

fn cells<'a>(rows: impl Iterator<Item = &'a CellRow>) -> Table {
    let header = [
        "scenario",
        "cell",
        "KL asked",
        "KL",
        "sightings",
        "size / T*",
        "sampled",
        "learned",
        "harmed, nobody audits",
        "removed at once",
        "best auditor",
        "looks per 1000",
        "loss summed",
        "removed",
        "loss at the end",
        "removed",
        "p",
        "discovery",
        "verdict",
        "status",
    ];
    let line = |row: &CellRow| {
        let best = row.best_harm.map(|harm| {
            let by = if row.best_detector.is_empty() { "" } else { " · " };
            format!("{}{by}{}: {}", row.best_auditor, row.best_detector, percent(harm))
        });
        vec![
            row.scenario.clone(),
            row.arm.clone(),
            plain(row.kl_target),
            plain(row.kl),
            plain(row.expected_sightings),
            dash(row.size.map(size)),
            format!("{} of {}", row.sampled, row.runs),
            row.learned.to_string(),
            share(row.harmed, row.learned, (row.harm, row.harm_low, row.harm_high)),
            share(row.audited_harmed, row.learned, (row.audited_harm, row.audited_low, row.audited_high)),
            dash(best),
            plain(row.looks.map(|looks| looks * 1e3)),
            plain(row.loss_sum),
            plain(row.audited_loss_sum),
            plain(row.loss_end),
            plain(row.audited_loss_end),
            plain(row.p_value),
            dash(row.discovery.map(|found| if found { "yes" } else { "no" }.to_owned())),
            word(&row.verdict).to_owned(),
            row.status.clone(),
        ]
    };
    table(String::new(), &header, rows.map(line).collect())
}

fn programme(row: &AnswerRow) -> String {
    match row.role.as_str() {
        NONE => "nobody audits".to_owned(),
        PLACEBO => "placebo, all runs".to_owned(),
        SWAP => "swap twin, all runs".to_owned(),
        _ => {
            let by = if row.detector.is_empty() { String::new() } else { format!(" · {}", row.detector) };
            let after = row.delay.map_or_else(String::new, |delay| format!(", delay {delay}"));
            format!("{}{by}: {}{after}", row.auditor, row.response)
        }
    }
}

fn answers(cell: &CellRow, all: &[AnswerRow]) -> Table {
    let header = [
        "programme",
        "harmed",
        "looks per 1000",
        "benign looks",
        "loss summed",
        "loss at the end",
        "E[V]",
        "E[V] clean",
        "status",
    ];
    let own = all.iter().filter(|row| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm));
    let line = |row: &AnswerRow| {
        vec![
            programme(row),
            share(row.harmed, row.runs, (row.harm, row.harm_low, row.harm_high)),
            plain(row.looks.map(|looks| looks * 1e3)),
            plain(row.benign_looks),
            plain(row.loss_sum),
            plain(row.loss_end),
            plain(row.utility),
            plain(row.clean_utility),
            row.status.clone(),
        ]
    };
    table(format!("{} / {}", cell.scenario, cell.arm), &header, own.map(line).collect())
}

/// Placebos and swap twins over the cells of each scenario.
fn controls(tables: &Tables) -> Table {
    let mut names: Vec<&str> = tables.cells.iter().map(|cell| cell.scenario.as_str()).collect();
    names.dedup();
    let count = |scenario: &str, role: &str| {
        let own = tables.answers.iter().filter(|row| row.scenario == scenario && row.role == role);
        let (hits, runs) = own.fold((0, 0), |(hits, runs), row| (hits + row.harmed, runs + row.runs));
        if runs == 0 { "–".to_owned() } else { format!("{hits} of {runs}") }
    };
    let line = |name: &&str| vec![(*name).to_owned(), count(name, PLACEBO), count(name, SWAP)];
    table(
        String::new(),
        &["scenario", "placebo: harmed", "swap twin: harmed"],
        names.iter().map(line).collect(),
    )
}

fn ends(tables: &Tables) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for row in &tables.ends {
        if !names.contains(&row.end.as_str()) {
            names.push(&row.end);
        }
    }
    let mut header = vec!["scenario", "cell"];
    let spaced: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    header.extend(spaced.iter().map(String::as_str));
    let line = |cell: &CellRow| {
        let of = |name: &&str| {
            let is_own = |row: &&crate::record::verdict::EndsRow| {
                (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm) && row.end == **name
            };
            tables.ends.iter().find(is_own).map_or_else(|| "–".to_owned(), |row| row.runs.to_string())
        };
        [cell.scenario.clone(), cell.arm.clone()].into_iter().chain(names.iter().map(of)).collect()
    };
    table(String::new(), &header, tables.cells.iter().map(line).collect())
}

/// `KL 0.3 (0.5, 1 T*), KL 1 (1 T*)`: where a trainer's cells have a word.
fn places(cells: &[&CellRow], verdict: &str) -> Option<String> {
    let mut by_kl: Vec<(f64, Vec<String>)> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.verdict == verdict) {
        let (kl, size) = (cell.kl_target.unwrap_or(f64::NAN), cell.size.map(size));
        match by_kl.iter_mut().find(|(own, _)| own.to_bits() == kl.to_bits()) {
            Some((_, sizes)) => sizes.extend(size),
            None => by_kl.push((kl, size.into_iter().collect())),
        }
    }
    let one = |(kl, sizes): &(f64, Vec<String>)| {
        let kl = if kl.is_finite() { format!("KL {}", number(*kl)) } else { "no KL target".to_owned() };
        if sizes.is_empty() { kl } else { format!("{kl} ({} T*)", sizes.join(", ")) }
    };
    (!by_kl.is_empty()).then(|| by_kl.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// What the map says of a trainer.
fn sentence(row: &TrainerRow, all: &[CellRow]) -> String {
    let cells: Vec<&CellRow> =
        all.iter().filter(|cell| cell.part == MAP && cell.trainer == row.trainer).collect();
    let mut parts = Vec::new();
    let reach = |kl: Option<f64>| {
        kl.map_or_else(|| "at no KL".to_owned(), |kl| format!("up to a KL of {}", number(kl)))
    };
    parts.push(format!(
        "{}: exploits of every size that was tried meet the criterion {}, those of T* or more {}",
        trainer_name(&row.trainer),
        reach(row.met_up_to),
        reach(row.large_met_up_to)
    ));
    for (verdict, text, _) in WORDS {
        if let Some(found) = places(&cells, verdict) {
            parts.push(format!("{text} at {found}"));
        }
    }
    let p = row.p_value.map_or_else(|| row.status.clone(), |p| format!("largest p-value {}", number(p)));
    format!("{}. At every KL up to 1: {} ({p}).", parts.join("; "), row.verdict)
}

/// What the tables say, the most important first.
fn findings(tables: &Tables) -> Vec<String> {
    let map: Vec<&CellRow> = tables.cells.iter().filter(|cell| cell.part == MAP).collect();
    let count = |verdict: &str| map.iter().filter(|cell| cell.verdict == verdict).count();
    let words: Vec<String> = WORDS
        .iter()
        .map(|(verdict, word, _)| (count(verdict), *word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{word} {count}"))
        .collect();
    let named = |verdict: &str| {
        let own = tables.trainers.iter().filter(|row| row.verdict == verdict);
        let names: Vec<String> = own.map(|row| trainer_name(&row.trainer)).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let mut found = vec![
        format!("Cells of the map, {}: {}.", map.len(), words.join(", ")),
        format!(
            "That at most 5% of the runs that learn the exploit are harmed, if it is removed at its first look, at every KL up to 1 and every size that was \
             tried: holds for {}; fails for {}; unresolved for {}.",
            named("holds"),
            named("fails"),
            named("unresolved")
        ),
    ];
    found.extend(tables.trainers.iter().map(|row| sentence(row, &tables.cells)));
    let discoveries = map.iter().filter(|cell| cell.discovery == Some(true)).count();
    let tested = map.iter().filter(|cell| cell.discovery.is_some()).count();
    found.push(format!(
        "Over the map, {discoveries} of the {tested} tested cells in which there was harm to prevent have at most 5% of harmed runs at a false \
         discovery rate of 5%."
    ));
    let late = |row: &&AnswerRow| {
        row.role == PROGRAMME && row.auditor == "records" && row.response == "remove" && row.delay == Some(20)
    };
    let in_map = |row: &&AnswerRow| {
        map.iter()
            .any(|cell| (&cell.scenario, &cell.arm) == (&row.scenario, &row.arm) && cell.verdict == "holds")
    };
    let held: Vec<&AnswerRow> = tables.answers.iter().filter(late).filter(in_map).collect();
    if !held.is_empty() {
        let lost = held.iter().filter(|row| row.harm_low.is_some_and(|low| low > 0.05)).count();
        found.push(format!(
            "Of the {} cells that hold, {lost} have more than 5% of harmed runs, by the lower end, where the removal takes effect 20 steps after the look.",
            held.len()
        ));
    }
    let total = |role: &str| {
        let own = tables.answers.iter().filter(|row| row.role == role);
        own.fold((0, 0), |(hits, runs), row| (hits + row.harmed, runs + row.runs))
    };
    let (placebo, swap) = (total(PLACEBO), total(SWAP));
    found.push(format!(
        "Controls: {} of {} placebo runs count as harmed, and {} of {} swap twins.",
        placebo.0, placebo.1, swap.0, swap.1
    ));
    found
}

/// Writes `verdict.html` and `verdict.md` into `dir`; the picture of the map is taken from there.
///
/// # Errors
/// A file that cannot be written.
pub fn write(tables: &Tables, dir: &Path) -> Result<Written, ReportError> {
    let drawn = fs::read_to_string(dir.join(PHASES).with_extension("svg")).ok();
    let page = Page::of(tables, drawn.and_then(|svg| picture::safe(&svg)));
    let (html, markdown) = (dir.join("verdict.html"), dir.join("verdict.md"));
    let put = |path: &Path, text: String| {
        fs::write(path, text).map_err(|source| ReportError::Write { path: path.to_owned(), source })
    };
    put(&markdown, page.markdown())?;
    let findings = page.findings.clone();
    let engine = engine("verdict", TEMPLATE)?;
    put(&html, engine.get_template("verdict")?.render(Serde(page))?)?;
    Ok(Written { html, markdown, findings })
}
