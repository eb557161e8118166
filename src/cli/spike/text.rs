//! The findings for people.

use super::{Findings, Reference, TARGET};
use crate::cli::console::Style;
use crate::cli::table::{Table, WIDTH, count, number, wrapped};
use crate::foundation::format::columns;
use crate::monitor::GroupBy;
use crate::spike::{Cell, Spiked, minimum};

/// Columns of a line of prose.
const NARROW: usize = 80;
/// Columns that a size takes, and those of the table before the sizes but for detector and mass.
const OF_SIZE: usize = 6;
const BEFORE: usize = 15;

pub(super) fn text(findings: &Findings, style: Style) -> String {
    let spiked = match &findings.answer {
        Ok(spiked) => spiked,
        Err(_) if findings.shares.is_some() => return shares(findings, style),
        Err(status) => return style.yellow(format!("Nothing planted: {status}.\n")),
    };
    let mut out = String::new();
    if let Some(doubt) = &findings.doubt {
        let text = format!("Not to be trusted: {doubt}.");
        wrapped(&text, NARROW).iter().for_each(|line| out.push_str(&format!("{}\n", style.yellow(line))));
        out.push('\n');
    }
    out.push_str(&head(findings, spiked));
    out.push_str(&chances(findings, spiked, style));
    out.push_str(&minima(findings, spiked, style));
    out.push('\n');
    let kept = match findings.keeps {
        [true, true] => "their log-probabilities, their advantages and all else",
        [true, false] => "their log-probabilities and all else",
        [false, true] => "their advantages and all else",
        [false, false] => "all else",
    };
    let caveat = format!(
        "An audit counts as benign unless it went to a planted rollout: true hacks that the log holds already are among the benign. \
         Planted rollouts have another reward and keep {kept}."
    );
    wrapped(&caveat, WIDTH).iter().for_each(|line| out.push_str(&format!("{}\n", style.dim(line))));
    out
}

/// Of rewards of a few values: how many prompts must always pass to be found.
fn shares(findings: &Findings, style: Style) -> String {
    let mut out = String::new();
    let mut say = |text: String| {
        wrapped(&text, NARROW).iter().for_each(|line| out.push_str(&format!("{line}\n")));
    };
    let shares = match &findings.shares {
        Some(Ok(shares)) => shares,
        Some(Err(status)) => return style.yellow(format!("Nothing planted: {status}.\n")),
        None => return String::new(),
    };
    let (plan, log) = (&findings.plan, &findings.log);
    say(match shares.smallest(TARGET) {
        Some(cell) => format!(
            "The smallest share found: {}% of the prompts ({} of {}) that always pass from step {} on, in {}% of {} repeats.",
            number(100.0 * cell.share),
            count(cell.prompts),
            count(shares.prompts),
            plan.onset,
            number(100.0 * cell.found.value),
            count(plan.repeats as usize)
        ),
        None => format!("No share that was tried is found in {}% of the repeats.", number(100.0 * TARGET)),
    });
    if shares.rises_already {
        say("The pass rate rises in this log as it is, so only prompts that go from never to always count as found.".to_owned());
    }
    say(format!(
        "Rewards take a few values ({}), so none stands out by its size: planted prompts get the highest one, always, and what looks for \
         them is the pass rate, over all and by prompt.",
        log.meta.reward
    ));
    let mut table = Table::new(&[">share of prompts", ">prompts", ">P(found)", ">95% interval"]);
    for cell in &shares.cells {
        table.row([
            format!("{}%", number(100.0 * cell.share)),
            count(cell.prompts),
            share(cell.found.value),
            format!("{} to {}", share(cell.found.interval.low), share(cell.found.interval.high)),
        ]);
    }
    format!("{out}\n{}", table.render(style))
}

fn head(findings: &Findings, spiked: &Spiked) -> String {
    let (log, plan) = (&findings.log, &findings.plan);
    let files = match log.meta.files.as_slice() {
        [one] => one.display().to_string(),
        files => format!("{} files", files.len()),
    };
    let group = match plan.within {
        GroupBy::Group => "prompts at a step",
        GroupBy::Prompt => "prompts",
        GroupBy::Step => "steps",
    };
    let relative = if plan.relative {
        format!(", judged relative to the median of its {}", plan.within.noun())
    } else {
        String::new()
    };
    let reference = match &findings.reference {
        Some(Reference::Log { path, n }) => format!("{} ({} rollouts)", path.display(), count(*n)),
        Some(Reference::Steps { from, to, n }) => format!("steps {from}..{to} ({} rollouts)", count(*n)),
        None => String::new(),
    };
    let mut out = format!("{files}: {} rollouts\n", count(log.rollouts.len()));
    let mut line = |name: &str, what: String| {
        for (i, part) in wrapped(&what, WIDTH - 11).into_iter().enumerate() {
            out.push_str(&format!("{:<11}{part}\n", if i == 0 { name } else { "" }));
        }
    };
    line("reward", format!("{}{relative}", log.meta.reward));
    line(
        "planted",
        format!(
            "among {} rollouts from step {} on: the median of their {} + size × {}, the standard deviation within {group}",
            count(spiked.plantable),
            plan.onset,
            plan.within.noun(),
            number(spiked.sd)
        ),
    );
    line("reference", reference);
    line(
        "audit",
        format!(
            "{} audits of {} rollouts, of the highest scores as they come; each exploit planted {} times",
            count(plan.audits as usize),
            count(spiked.audited),
            count(plan.repeats as usize)
        ),
    );
    if spiked.left_out > 0 {
        line(
            "left out",
            format!("{} rollouts whose {} has fewer than 4", count(spiked.left_out), plan.within.noun()),
        );
    }
    out
}

/// P(caught) for each detector and mass, the sizes side by side.
fn chances(findings: &Findings, spiked: &Spiked, style: Style) -> String {
    let plan = &findings.plan;
    let mut out = String::new();
    let labels = findings.detectors().into_iter().map(|(label, _)| columns(label)).max();
    let masses = plan.masses.iter().map(|mass| mass.to_string().len()).max();
    let before = BEFORE + labels.unwrap_or(0).max("detector".len()) + masses.unwrap_or(0).max("mass".len());
    for sizes in plan.sizes.chunks((WIDTH.saturating_sub(before) / OF_SIZE).max(1)) {
        out.push('\n');
        out.push_str("P(a planted rollout is audited), by size in standard deviations\n");
        let heads: Vec<String> = sizes.iter().map(|size| format!(">{size}")).collect();
        let head: Vec<&str> = ["detector", ">mass", ">any planted"]
            .into_iter()
            .chain(heads.iter().map(String::as_str))
            .collect();
        let mut table = Table::new(&head);
        for (label, answer) in findings.detectors() {
            let Ok(cells) = answer else { continue };
            for mass in &plan.masses {
                let row = cells.iter().filter(|cell| cell.mass == *mass && sizes.contains(&cell.size));
                table.row(
                    [label.to_owned(), mass.to_string(), share(spiked.p_seen(*mass))]
                        .into_iter()
                        .chain(row.map(|cell| share(cell.caught.value))),
                );
            }
        }
        out.push_str(&table.render(style));
    }
    for (label, answer) in findings.detectors() {
        if let Err(status) = answer {
            out.push_str(&style.yellow(format!("{label}: {status}\n")));
        }
    }
    if let Some(alike) = alike(findings) {
        let text = format!(
            "{alike} rank these rollouts alike: audits of the highest scores cannot tell them apart."
        );
        wrapped(&text, WIDTH).iter().for_each(|line| out.push_str(&format!("{line}\n")));
    }
    out
}

/// The detectors that answer as the first of them does, if there is more than one.
fn alike(findings: &Findings) -> Option<String> {
    let detectors = findings.detectors();
    let answered: Vec<(&str, &[Cell])> =
        detectors.iter().filter_map(|(label, answer)| Some((*label, answer.ok()?))).collect();
    answered.iter().find_map(|(_, cells)| {
        let same: Vec<&str> =
            answered.iter().filter(|(_, other)| other == cells).map(|(label, _)| *label).collect();
        let (last, others) = same.split_last().filter(|(_, others)| !others.is_empty())?;
        Some(format!("{} and {last}", others.join(", ")))
    })
}

/// The smallest size that is caught, what it costs, and the next smaller one.
fn minima(findings: &Findings, spiked: &Spiked, style: Style) -> String {
    let mut table =
        Table::new(&["detector", ">mass", ">size", ">above", ">P(caught)", ">benign", "next smaller size"]);
    let mut silent = Vec::new();
    for (label, answer) in findings.detectors() {
        let Ok(cells) = answer else { continue };
        for mass in &findings.plan.masses {
            let (at, below) = minimum(cells, *mass, TARGET);
            let below = below.map_or_else(
                || "none on the grid".to_owned(),
                |cell| format!("{}: {}", cell.size, interval(cell)),
            );
            let head = [label.to_owned(), mass.to_string()];
            match at {
                Some(cell) => table.row(head.into_iter().chain([
                    cell.size.to_string(),
                    format!("+{}", number(cell.size * spiked.sd)),
                    interval(cell),
                    format!("{:.1}", cell.benign_flags),
                    below,
                ])),
                None => {
                    table.row(head.into_iter().chain([
                        "none".to_owned(),
                        "–".to_owned(),
                        "–".to_owned(),
                        "–".to_owned(),
                        below,
                    ]));
                    if spiked.p_seen(*mass) < TARGET {
                        silent.push(*mass);
                    }
                }
            }
        }
    }
    let title = format!(
        "Smallest size that is caught with probability {TARGET} or more, how far above the median it lies, and its benign audits"
    );
    let mut out = format!("\n{}\n{}", wrapped(&title, WIDTH).join("\n"), table.render(style));
    silent.sort_unstable_by(f64::total_cmp);
    silent.dedup();
    for mass in silent {
        let text = format!(
            "At mass {mass} an exploit is planted at all with probability {}: no detector can do better.",
            share(spiked.p_seen(mass))
        );
        wrapped(&text, WIDTH).iter().for_each(|line| out.push_str(&format!("{line}\n")));
    }
    out
}

fn interval(cell: &Cell) -> String {
    let bounds = cell.caught.interval;
    format!("{} [{}, {}]", share(cell.caught.value), share(bounds.low), share(bounds.high))
}

fn share(value: f64) -> String {
    format!("{value:.2}")
}
