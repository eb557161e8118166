//! The page of the verdict that lies in the repository is what the program makes of the tables beside it, and the book's numbers are theirs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tailcatch::distributions::DistributionSpec;
use tailcatch::record::endpoint::{NONE, PLACEBO, PROGRAMME};
use tailcatch::record::verdict::{AnswerRow, CellRow, MAP, Tables};
use tailcatch::theory::adversary::{Adversary, Design, Ground};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn writes() -> bool {
    std::env::var_os("BOOK").is_some_and(|how| how == "write")
}

/// The page of the map that was run is kept beside its tables, and made of them alone. To write it anew: `BOOK=write cargo test --test suite
/// kept_page`.
#[test]
fn the_kept_page_is_made_of_the_tables_beside_it() {
    let kept = root().join("plots/verdict");
    let tables = Tables::read(&kept).unwrap();
    assert!(tables.cells.len() >= 80 && !tables.answers.is_empty());
    let made = tempfile::tempdir().unwrap();
    tailcatch::plots::phases::write(&tables.cells, made.path()).unwrap();
    tailcatch::report::verdict::write(&tables, made.path()).unwrap();
    let panels = tailcatch::report::regimes::panels(std::slice::from_ref(&tables), &[]);
    tailcatch::report::regimes::write(&panels, made.path()).unwrap();
    for name in ["phases.svg", "verdict.md", "verdict.html", "regimes.md", "regimes.html"] {
        let now = fs::read(made.path().join(name)).unwrap();
        if writes() {
            fs::write(kept.join(name), &now).unwrap();
        }
        assert!(fs::read(kept.join(name)).unwrap() == now, "{name}: BOOK=write writes it anew");
    }
}

/// Cells that are told together: those of all trainers.
struct Group<'a> {
    tables: &'a Tables,
    cells: Vec<&'a CellRow>,
}

/// Who audits: auditor, detector, response, delay.
type Who<'a> = (&'a str, &'a str, &'a str, u64);
const RECORDS: Who<'_> = ("records", "top_reward", "remove", 0);
const LATE: Who<'_> = ("records", "top_reward", "remove", 20);
const ALARM: Who<'_> = ("alarm", "top_reward", "remove", 0);
const BY_POLICY: Who<'_> = ("top", "log_ratio", "remove", 0);
const BY_SUM: Who<'_> = ("top", "cumulative_reward", "remove", 0);
const SUM_ALARM: Who<'_> = ("alarm", "cumulative_reward", "remove", 0);
const TOP: Who<'_> = ("top", "top_reward", "remove", 0);
const BOTH: Who<'_> = ("both_lists", "top_reward", "remove", 0);
const RANDOM: Who<'_> = ("random", "", "remove", 0);
const ORACLE: Who<'_> = ("oracle_spending", "", "remove", 0);

impl Group<'_> {
    fn sum(&self, of: fn(&CellRow) -> u64) -> u64 {
        self.cells.iter().map(|cell| of(cell)).sum()
    }

    /// What each cell's runs came to.
    fn answers(&self, who: Option<Who<'_>>) -> Option<Vec<&AnswerRow>> {
        let of = |cell: &&CellRow| {
            self.tables.answers.iter().find(|row| {
                (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm)
                    && match who {
                        None => row.role == NONE,
                        Some((auditor, detector, response, delay)) => {
                            row.role == PROGRAMME
                                && row.auditor == auditor
                                && (detector.is_empty() || row.detector == detector)
                                && row.response == response
                                && row.delay == Some(delay)
                        }
                    }
            })
        };
        self.cells.iter().map(of).collect()
    }

    fn harmed(&self, who: Option<Who<'_>>) -> String {
        let all = self.answers(who);
        all.map_or_else(|| "–".to_owned(), |all| all.iter().map(|row| row.harmed).sum::<u64>().to_string())
    }

    /// What the final policies have regained of E[V], least and most over the cells in which a tenth of a standard deviation is lost.
    fn regained(&self, who: Who<'_>) -> String {
        let pairs = self.answers(None).zip(self.answers(Some(who)));
        let share = |(free, audited): (&AnswerRow, &AnswerRow)| {
            let (free, clean) = (free.utility?, audited.clean_utility?);
            (clean - free > 0.1).then_some((audited.utility? - free) / (clean - free))
        };
        let shares: Vec<f64> = pairs
            .map(|(free, audited)| free.into_iter().zip(audited).filter_map(share).collect())
            .unwrap_or_default();
        let percent = |x: f64| format!("{:.0}%", 100.0 * x);
        let (low, high) =
            shares.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
        match shares.len() {
            0 => "–".to_owned(),
            1 => percent(low),
            _ => format!("{} to {}", percent(low), percent(high)),
        }
    }

    fn words(&self) -> String {
        let mut words: Vec<(&str, usize)> = Vec::new();
        for cell in &self.cells {
            match words.iter_mut().find(|(word, _)| *word == cell.verdict) {
                Some((_, count)) => *count += 1,
                None => words.push((&cell.verdict, 1)),
            }
        }
        let told: Vec<String> =
            words.iter().map(|(word, count)| format!("{} {count}", word.replace('_', " "))).collect();
        told.join(", ")
    }
}

/// Cells in groups, in the order in which they come.
fn grouped<'a>(
    tables: &'a Tables,
    is: &dyn Fn(&CellRow) -> bool,
    name: &dyn Fn(&CellRow) -> String,
) -> Vec<(String, Group<'a>)> {
    let mut groups: Vec<(String, Group<'a>)> = Vec::new();
    for cell in tables.cells.iter().filter(|cell| is(cell)) {
        let own = name(cell);
        match groups.iter_mut().find(|(name, _)| *name == own) {
            Some((_, group)) => group.cells.push(cell),
            None => groups.push((own, Group { tables, cells: vec![cell] })),
        }
    }
    groups
}

/// A number from a thousand on, with its comma.
fn thousands(n: u64) -> String {
    format!("{},{:03}", n / 1000, n % 1000)
}

/// Three significant digits, without zeros at the end.
fn short(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let digits = (2 - x.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The tables of the book.
fn told(tables: &Tables) -> String {
    let mut out = "| KL, size in T* | benign above | learned, of runs | harmed: nobody audits | records, at once | 20 steps later | alarm | top | \
                   sum, top | sum, alarm | log-ratio, top | random | who knows | regained, records | words |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let name = |cell: &CellRow| {
        format!("{}, {}", short(cell.kl_target.unwrap()), short((cell.size.unwrap() * 100.0).round() / 100.0))
    };
    for (name, group) in grouped(tables, &|cell| cell.part == MAP, &name) {
        let above = group.cells[0].benign_above.map_or_else(|| "–".to_owned(), short);
        let audits = [RECORDS, LATE, ALARM, TOP, BY_SUM, SUM_ALARM, BY_POLICY, RANDOM, ORACLE];
        let who = std::iter::once(None).chain(audits.map(Some));
        let harmed: Vec<String> = who.map(|who| group.harmed(who)).collect();
        out += &format!(
            "| {name} | {above} | {} of {} | {} | {} | {} |\n",
            group.sum(|cell| cell.learned),
            group.sum(|cell| cell.runs),
            harmed.join(" | "),
            group.regained(RECORDS),
            group.words()
        );
    }
    out += "\n| spoke | learned, of runs | harmed, not learned | harmed: nobody audits | records, at once | alarm | sum, top | both, half each | log-ratio, top | \
            who knows | words |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
    let case = |cell: &CellRow| match cell.scenario.as_str() {
        "benign_laws" | "light_tails" => format!("{}: {}", cell.scenario, cell.error),
        "sightings" => format!("sightings: {} expected", short(cell.expected_sightings.unwrap())),
        "quantile_sizes" => format!("quantile_sizes: paid {}", short(cell.proxy.unwrap())),
        other if other.starts_with("both_lists") => format!("both_lists: {}", name(cell)),
        other => other.to_owned(),
    };
    for (name, group) in grouped(tables, &|cell| cell.part != MAP, &case) {
        let who = [None, Some(RECORDS), Some(ALARM), Some(BY_SUM), Some(BOTH), Some(BY_POLICY), Some(ORACLE)];
        let harmed: Vec<String> = who.into_iter().map(|who| group.harmed(who)).collect();
        out += &format!(
            "| {name} | {} of {} | {} | {} | {} |\n",
            group.sum(|cell| cell.learned),
            group.sum(|cell| cell.runs),
            group.sum(|cell| cell.harmed_unlearned),
            harmed.join(" | "),
            group.words()
        );
    }
    let responses = grouped(tables, &|cell| cell.scenario == "responses", &|_| String::new());
    if let Some((_, group)) = responses.first() {
        out += "\n| response (KL 0.3, 2 T*) | harmed | regained |\n|---|---|---|\n";
        for (name, who) in [
            ("nobody audits", None),
            ("removed at once", Some(RECORDS)),
            ("removed one step later", Some(("records", "top_reward", "remove", 1))),
            ("five steps later", Some(("records", "top_reward", "remove", 5))),
            ("twenty", Some(LATE)),
            ("fifty", Some(("records", "top_reward", "remove", 50))),
            ("relabelled", Some(("records", "top_reward", "relabel", 0))),
            ("rolled back", Some(("records", "top_reward", "roll_back", 0))),
            ("its whole class removed", Some(("records", "top_reward", "class", 0))),
        ] {
            let regained = who.map_or_else(|| "–".to_owned(), |who| group.regained(who));
            out += &format!(
                "| {name} | {} of {} | {regained} |\n",
                group.harmed(who),
                group.sum(|cell| cell.learned)
            );
        }
    }
    let placebos = tables.answers.iter().filter(|row| row.role == PLACEBO);
    let (harmed, runs) = placebos.fold((0, 0), |(hits, runs), row| (hits + row.harmed, runs + row.runs));
    out + &format!("\nPlacebos that count as harmed: {harmed} of {runs}.\n")
}

/// What the page says of two lists together: whichever catches first, the earlier catch leaves no more harmed.
#[test]
fn in_every_cell_one_of_two_lists_leaves_none_harmed() {
    let tables = Tables::read(&root().join("plots/verdict")).unwrap();
    let is_about =
        |cell: &&CellRow| cell.part == MAP && cell.kl_target.is_some_and(|kl| kl > 0.05 && kl < 1.5);
    let cells: Vec<&CellRow> = tables.cells.iter().filter(is_about).collect();
    assert_eq!(cells.len(), 60);
    for cell in cells {
        let own = Group { tables: &tables, cells: vec![cell] };
        let harmed = [RECORDS, BY_SUM].map(|who| own.answers(Some(who)).unwrap()[0].harmed);
        assert_eq!(harmed.into_iter().min(), Some(0), "{}: {harmed:?}", cell.arm);
    }
}

/// What the best designer gets past the audit of the map: of the exploits that training sampled, and of all that nobody read.
fn designed() -> String {
    let noises = [
        ("none", None),
        ("t(5)", Some(r#"{ "student_t": { "df": 5 } }"#)),
        ("t(3)", Some(r#"{ "student_t": { "df": 3 } }"#)),
    ];
    let mut out = "| noise of rewards | KL | best for a learner: exploits, size | mass left to it | at −5 each costs | best for a jump to the untried | \
                   mass | costs | looks per 1000 |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (name, noise) in noises {
        let noise: Option<DistributionSpec> = noise.map(|text| serde_json::from_str(text).unwrap());
        for kl in [0.03, 0.1, 0.3, 1.0, 3.0] {
            let ground = Ground {
                mass: 1.302e-4,
                kl,
                rollouts: 96_800,
                reference: 20_000,
                read_reference: true,
                benign_looks: 61.44,
                noise: noise.clone(),
            };
            let adversary = Adversary::new(ground).unwrap();
            assert_eq!(adversary.places(), 23, "the ranking of the map");
            let designs: Vec<Design> = [1, 10, 100, 1000, 10_000]
                .into_iter()
                .map(|number| adversary.best(number).unwrap())
                .collect();
            let most =
                |of: fn(&Design) -> f64| designs.iter().max_by(|a, b| of(a).total_cmp(&of(b))).unwrap();
            let (learner, jump) = (most(|own| own.mass_sampled), most(|own| own.mass_unread));
            out += &format!(
                "| {name} | {} | {} of {} | {} | {} | {} of {} | {} | {} | {} |\n",
                short(kl),
                learner.number,
                short(learner.size),
                short(learner.mass_sampled),
                short(5.0 * learner.mass_sampled),
                jump.number,
                short(jump.size),
                short(jump.mass_unread),
                short(5.0 * jump.mass_unread),
                short(learner.looks / 76.8)
            );
        }
    }
    out
}

/// The page's own summary. Its words hold where the tables say so, and are written anew by hand where they no longer do.
fn in_short(tables: &Tables) -> String {
    let all: Vec<&CellRow> = tables.cells.iter().collect();
    let group = |is: &dyn Fn(&CellRow) -> bool| Group {
        tables,
        cells: all.iter().copied().filter(|cell| is(cell)).collect(),
    };
    let is_small = |cell: &CellRow| cell.part == MAP && cell.kl_target.is_some_and(|kl| kl <= 1.0);
    let trainers =
        |group: &Group<'_>| group.cells.iter().map(|cell| cell.trainer.clone()).collect::<BTreeSet<String>>();
    let above = |share: Option<f64>| share.is_some_and(|low| low > 0.05);

    let harmful = group(&|cell| is_small(cell) && above(cell.harm_low));
    let held = group(&|cell| is_small(cell) && cell.verdict == "holds");
    assert_eq!(trainers(&held).len(), 5, "the summary says that cells hold under five trainers");
    let border = group(&|cell| {
        let is_one = |x: Option<f64>| x.is_some_and(|x| (x - 1.0).abs() < 0.01);
        cell.part == MAP && is_one(cell.kl_target) && is_one(cell.size)
    });
    let exceeding = border.cells[0].benign_above.unwrap();
    assert!(exceeding > 23.0 && border.cells.iter().all(|cell| above(cell.audited_low)));
    let stands_out =
        held.cells.iter().filter(|cell| cell.benign_above.is_some_and(|above| above < 23.0)).count();
    assert!(10 * stands_out >= 9 * held.cells.len(), "the summary says that what holds stands out");
    let steps = group(&|cell| cell.scenario == "large_steps");
    let (by_sum, learned) = (border.harmed(Some(BY_SUM)), border.sum(|cell| cell.learned));
    assert!(
        20 * by_sum.parse::<u64>().unwrap() <= learned,
        "the summary says that a sum finds it in time: {by_sum} of {learned}"
    );

    let both_cells = group(&|cell| cell.scenario.starts_with("both_lists"));
    let (both, both_learned) = (both_cells.harmed(Some(BOTH)), both_cells.sum(|cell| cell.learned));
    assert_eq!(
        (both.as_str(), both_cells.cells.len()),
        ("0", 16),
        "the summary says that one auditor is right"
    );
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(
        readme.contains(&format!("0 of {} harmed", thousands(both_learned))),
        "README: {}",
        thousands(both_learned)
    );

    let late = held.answers(Some(LATE)).unwrap();
    let undone: Vec<&CellRow> =
        held.cells.iter().zip(late).filter_map(|(cell, row)| above(row.harm_low).then_some(*cell)).collect();
    let fast = ["reinforce", "rloo", "grpo_no_std"];
    let of_fast =
        |cells: &[&CellRow]| cells.iter().filter(|cell| fast.contains(&cell.trainer.as_str())).count();
    let (undone_fast, held_fast) = (of_fast(&undone), of_fast(&held.cells));
    assert!(
        10 * undone_fast >= 9 * held_fast,
        "the summary says that a delay undoes it: {undone_fast} of {held_fast}"
    );
    format!(
        "**In short.** *Yes, where the exploit stands out.* In {held} of the {harmful} cells with a KL up to 1 in which it is learned and does harm, reading each new record of the \
         reward, and removing what is confirmed, leaves no more than 5% of the learned runs harmed; the same under five trainers. *No, for whoever judges each reward by \
         itself where tens of benign rewards exceed it.* At T\\* and KL 1, where {exceeding} of a run do so on average, {records} of {learned} learned runs are harmed under records. There a sum of rewards by \
         outcome finds it in time ({sum} of {learned}), if outcomes recur and steps are small: with steps four times as large {steps_sum} of {steps_learned} are harmed under it. *One auditor is right at every size that was tried*: \
         who reads both lists at half the looks each leaves {both} of {both_learned} harmed (REINFORCE and GRPO, KL .1 and 1, a half to four times T\\*; not resolved where few learn). *A delay of 20 steps undoes \
         the rescue under the fast trainers*: in {undone_fast} of the {held_fast} cells that hold under REINFORCE, RLOO and GRPO without the division, and in {slow} of the other {others}. *What the map cannot say*: \
         what becomes of hacks that pay no more than success, of many hacks at once, of error that is a fixed function of the answer, of readers who err, and of what training never sampled.\n",
        held = held.cells.len(),
        harmful = harmful.cells.len(),
        exceeding = short(exceeding),
        records = border.harmed(Some(RECORDS)),
        sum = by_sum,
        steps_sum = steps.harmed(Some(BY_SUM)),
        steps_learned = steps.sum(|cell| cell.learned),
        both_learned = thousands(both_learned),
        slow = undone.len() - undone_fast,
        others = held.cells.len() - held_fast,
    )
}

/// Holds what stands between two marks of a page, or writes it anew.
fn hold(page: &Path, marks: [&str; 2], told: &str) {
    let text = fs::read_to_string(page).unwrap();
    let (before, rest) = text.split_once(marks[0]).unwrap();
    let (_, after) = rest.split_once(marks[1]).unwrap();
    let now = format!("{before}{}\n{told}\n{}{after}", marks[0], marks[1]);
    if writes() {
        fs::write(page, &now).unwrap();
    }
    assert!(fs::read_to_string(page).unwrap() == now, "{}: BOOK=write writes it anew", page.display());
}

/// What the page says of frozen error is what the benchmark's table has.
#[test]
fn the_page_tells_of_frozen_error_what_the_benchmark_found() {
    let mut reader = csv::Reader::from_path(root().join("plots/benchmark/harm.csv")).unwrap();
    let rows: Vec<std::collections::HashMap<String, String>> =
        reader.deserialize().map(Result::unwrap).collect();
    let damaged = |auditor: &str| {
        let of = |arm: &str| {
            let is_own = |row: &&std::collections::HashMap<String, String>| {
                row["scenario"] == "frozen_heavy"
                    && row["arm"] == arm
                    && row["auditor"] == auditor
                    && match auditor {
                        "" => row["role"] == NONE,
                        _ => {
                            row["detector"] == "top_reward"
                                && row["response"] == "remove"
                                && row["delay"] == "0"
                        }
                    }
            };
            let row = rows.iter().find(is_own).unwrap();
            assert_eq!(row["n"], "36");
            row["damaged"].clone()
        };
        ["reinforce", "ppo", "grpo"].map(of).join(" · ")
    };
    let page = fs::read_to_string(root().join("docs/verdict.md")).unwrap();
    let told = format!(
        "{} runs are damaged where nobody audits and {} where records are read",
        damaged(""),
        damaged("records")
    );
    assert!(page.contains(&told), "{told}");
}

/// The tables in the book are those of the kept page, and of the theory. To write them anew: `BOOK=write cargo test --test suite kept_page`.
#[test]
fn the_books_tables_are_those_of_the_kept_page() {
    let page = root().join("docs/verdict.md");
    let tables = Tables::read(&root().join("plots/verdict")).unwrap();
    hold(&page, ["<!-- in short, from plots/verdict -->\n", "<!-- the end of it -->"], &in_short(&tables));
    let told = told(&tables);
    hold(&page, ["<!-- from plots/verdict -->\n", "<!-- to here -->"], &told);
    hold(&page, ["<!-- from theory adversary -->\n", "<!-- to here too -->"], &designed());
}
