//! What the verdict's tables say, in sentences that follow from them alone.

use super::first_look::{self, SMALL_KL, surely_harmed};
use super::words::{WORDS, size};
use crate::record::endpoint::{NONE, PLACEBO, PROGRAMME};
use crate::record::metric::YARDSTICK;
use crate::record::verdict::{ALLOWED, AnswerRow, CellRow, MAP, Tables, TrainerRow, trainer_label};
use crate::report::format::{number, percent};

/// Loss of E[V], in standard deviations of V, below which its recovery is no share of anything: that from which on a run counts as harmed.
const LEAST_LOSS: f64 = 0.1;
/// Detector of those who read the policy.
const LOG_RATIO: &str = "log_ratio";
/// Detector of those who add up what an outcome was paid.
const SUM: &str = "cumulative_reward";
/// Steps from a look to its effect, where it comes late.
const LATE: u64 = 20;

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
    let mut parts: Vec<String> = Vec::new();
    for (verdict, text, _) in WORDS {
        if let Some(found) = places(&cells, verdict) {
            parts.push(format!("{text} at {found}"));
        }
    }
    let met = |kl: Option<f64>, sizes: &str| {
        kl.map(|kl| format!("the criterion is met {sizes} up to a KL of {}", number(kl)))
    };
    let every = met(row.met_up_to, "at every size that was tried");
    parts.extend(every.or_else(|| met(row.large_met_up_to, "from T* on")));
    let p = row.p_value.map_or_else(|| row.status.clone(), |p| format!("largest p-value {}", number(p)));
    format!(
        "{}: {}. All KLs up to 1 and all sizes: {} ({p}).",
        trainer_label(&row.trainer),
        parts.join("; "),
        first_look::word(row, all)
    )
}

/// Of cells: how many have each word.
fn tally(cells: &[&CellRow]) -> String {
    let count = |verdict: &str| cells.iter().filter(|cell| cell.verdict == verdict).count();
    let words = WORDS.iter().map(|(verdict, word, _)| (count(verdict), *word));
    words
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{word} {count}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Cells of the map with harm to prevent at KLs that the objection is about.
fn asked<'a>(map: &[&'a CellRow]) -> Vec<&'a CellRow> {
    let is_small = |cell: &&&CellRow| cell.kl_target.is_none_or(|kl| kl <= SMALL_KL);
    map.iter().filter(is_small).copied().collect()
}

fn is_harmful(cell: &&&CellRow) -> bool {
    cell.harm_low.is_some_and(|low| low > ALLOWED)
}

/// The answer in one sentence: of the cells with harm to prevent, in how many removal at the first look prevents it.
fn answer(map: &[&CellRow]) -> String {
    let asked = asked(map);
    let harmful: Vec<&CellRow> = asked.iter().filter(is_harmful).copied().collect();
    let count = |is: &dyn Fn(&CellRow) -> bool| harmful.iter().filter(|cell| is(cell)).count();
    let holds = count(&|cell| cell.verdict == "holds");
    let spared = count(&|cell| surely_harmed(cell) && cell.best_harm == Some(0.0));
    let wrong = count(&|cell| ["fails", "refuted"].contains(&cell.verdict.as_str()));
    format!(
        "In {} of {} cells of the map with a KL up to {} the exploit is learned and, if nobody audits, does harm. Reading every reward that enters the \
         highest so far, and removing what is confirmed before the update, prevents that in {holds} of them, and surely does not in {}. In {spared} of these another \
         auditor that was tried, within a thousandth of the rollouts, leaves no learned run harmed; in {wrong} none of them prevents it. The rest is not resolved.",
        harmful.len(),
        asked.len(),
        number(SMALL_KL),
        count(&surely_harmed)
    )
}

/// What an audit has undone by the last step, as a share of what is lost where nobody audits: E[V] under it less that without, over that of the clean
/// twins less that without. `None` where nothing is lost.
fn recovered(tables: &Tables, cell: &CellRow, audited: &AnswerRow) -> Option<f64> {
    let is_own = |row: &&AnswerRow| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm);
    let free = tables.answers.iter().filter(is_own).find(|row| row.role == NONE)?;
    let (free, clean) = (free.utility?, audited.clean_utility?);
    (clean - free > LEAST_LOSS).then_some((audited.utility? - free) / (clean - free))
}

/// The audit of the criterion in a cell, its effect so many steps after the look.
fn audit<'a>(tables: &'a Tables, cell: &CellRow, delay: u64) -> Option<&'a AnswerRow> {
    tables.answers.iter().find(|row| {
        (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm)
            && (row.role.as_str(), row.auditor.as_str(), row.detector.as_str())
                == (PROGRAMME, "records", YARDSTICK)
            && (row.response.as_str(), row.delay) == ("remove", Some(delay))
    })
}

/// `82% to 98%` of shares.
fn range(shares: &[f64]) -> Option<String> {
    let ends =
        shares.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
    match shares.len() {
        0 => None,
        1 => Some(percent(ends.0)),
        _ => Some(format!("{} to {}", percent(ends.0), percent(ends.1))),
    }
}

/// Harm for a while, or for good: what the final policies have regained where the audit did not prevent it.
fn at_the_end(tables: &Tables, map: &[&CellRow]) -> Option<String> {
    let wrong = map.iter().filter(|cell| ["fails", "refuted"].contains(&cell.verdict.as_str()));
    let shares: Vec<f64> =
        wrong.filter_map(|cell| recovered(tables, cell, audit(tables, cell, 0)?)).collect();
    range(&shares).map(|range| {
        format!(
            "Harm is counted while it lasts: five steps are enough. At the end of training, in the {} cells that fail or are refuted, E[V] under the audit of the \
             criterion has regained {range} of what is lost where nobody audits.",
            shares.len()
        )
    })
}

/// What a delay costs while training goes on, and what is left of it at the end.
fn late(tables: &Tables, map: &[&CellRow]) -> Option<String> {
    let held: Vec<(&CellRow, &AnswerRow)> = map
        .iter()
        .filter(|cell| cell.verdict == "holds")
        .filter_map(|cell| Some((*cell, audit(tables, cell, LATE)?)))
        .collect();
    if held.is_empty() {
        return None;
    }
    let lost = held.iter().filter(|(_, row)| row.harm_low.is_some_and(|low| low > ALLOWED)).count();
    let shares: Vec<f64> = held.iter().filter_map(|(cell, row)| recovered(tables, cell, row)).collect();
    let end = range(&shares).map_or_else(String::new, |range| {
        format!(" At the end E[V] has regained {range} of what is lost where nobody audits.")
    });
    Some(format!(
        "Of the {} cells that hold, {lost} have more than 5% of runs that are harmed for a while, by the lower end, where the removal takes effect {LATE} \
         steps after the look.{end}",
        held.len()
    ))
}

/// Lists of the same length, by the reward of a rollout alone and by what its outcome has come to, beside the audit of the criterion: harmed of
/// the learned runs, by size, where some are harmed without an audit.
fn lists(tables: &Tables, map: &[&CellRow]) -> Option<String> {
    let harmed = |cell: &CellRow, detector: &str| {
        let is_own = |row: &&AnswerRow| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm);
        let is_list = |row: &&AnswerRow| {
            (row.role.as_str(), row.auditor.as_str(), row.detector.as_str()) == (PROGRAMME, "top", detector)
        };
        tables.answers.iter().filter(is_own).find(is_list).map(|row| row.harmed)
    };
    let mut sizes: Vec<(String, [u64; 5])> = Vec::new();
    for cell in map.iter().filter(|cell| cell.harmed > 0) {
        let lists = harmed(cell, YARDSTICK).zip(harmed(cell, SUM)).zip(harmed(cell, LOG_RATIO));
        let (Some(of), Some(((reward, sum), policy))) = (cell.size.map(size), lists) else { continue };
        let own = [reward, sum, policy, cell.audited_harmed, cell.learned];
        match sizes.iter_mut().find(|(size, _)| *size == of) {
            Some((_, sum)) => sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own),
            None => sizes.push((of, own)),
        }
    }
    let line = |(size, [reward, sum, policy, records, learned]): &(String, [u64; 5])| {
        format!("{size} T*: {reward}, {sum} and {policy} of {learned} (records of the reward {records})")
    };
    (!sizes.is_empty()).then(|| {
        format!(
            "Three lists that each read the highest of a step, a thousandth of the rollouts in all: by the reward of the rollout, by the sum of what its outcome was \
             paid over all visits, and by the policy's log-ratio, which adds visits up as well; harmed of the learned runs by size, over all \
             trainers and KLs at which some are harmed where nobody audits: {}.",
            sizes.iter().map(line).collect::<Vec<_>>().join("; ")
        )
    })
}

/// A cap on the KL is reached by what has something to gain from it.
fn capped(map: &[&CellRow]) -> Option<String> {
    let held: Vec<&&CellRow> =
        map.iter().filter(|cell| ["holds", "fails", "refuted"].contains(&cell.verdict.as_str())).collect();
    let below =
        |cell: &&&&CellRow| cell.audited_kl.zip(cell.kl_target).is_some_and(|(kl, target)| kl < target / 2.0);
    let (all, below) = (held.len(), held.iter().filter(below).count());
    (below > 0).then(|| {
        format!(
            "The KL is capped, not set: in {below} of the {all} cells that hold, fail or are refuted the policies under the audit end at less than half of the KL \
             that was asked for, for without the exploit they have no use for it."
        )
    })
}

/// How the cells of each size came out.
fn by_size(map: &[&CellRow]) -> Option<String> {
    let mut sizes: Vec<(String, Vec<&CellRow>)> = Vec::new();
    for &cell in map {
        let Some(of) = cell.size.map(size) else { continue };
        match sizes.iter_mut().find(|(own, _)| *own == of) {
            Some((_, own)) => own.push(cell),
            None => sizes.push((of, vec![cell])),
        }
    }
    let line = |(size, cells): &(String, Vec<&CellRow>)| format!("{size} T*: {}", tally(cells));
    (sizes.len() > 1).then(|| format!("By size. {}.", sizes.iter().map(line).collect::<Vec<_>>().join("; ")))
}

/// What the tables say, the most important first.
pub(super) fn findings(tables: &Tables) -> Vec<String> {
    let map: Vec<&CellRow> = tables.cells.iter().filter(|cell| cell.part == MAP).collect();
    let mut found = Vec::new();
    if !map.is_empty() {
        found.push(answer(&map));
        found.push(format!("Cells of the map, {}: {}.", map.len(), tally(&map)));
        found.extend(by_size(&map));
    }
    found.push(first_look::sentence(tables));
    found.extend(tables.trainers.iter().map(|row| sentence(row, &tables.cells)));
    let discoveries = map.iter().filter(|cell| cell.discovery == Some(true)).count();
    let tested = map.iter().filter(|cell| cell.discovery.is_some()).count();
    found.push(format!(
        "Over the map, {discoveries} of the {tested} tested cells in which there was harm to prevent have at most 5% of harmed runs at a false \
         discovery rate of 5%."
    ));
    found.extend(lists(tables, &map));
    found.extend(at_the_end(tables, &map));
    found.extend(late(tables, &map));
    found.extend(capped(&map));
    let controls = tables.answers.iter().filter(|row| row.role == PLACEBO);
    let (harmed, runs) = controls.fold((0, 0), |(hits, runs), row| (hits + row.harmed, runs + row.runs));
    found.push(format!(
        "Control: {harmed} of {runs} placebo runs count as harmed. (A placebo is an honest outcome of the exploit's mass and worth: that it does harm by this \
         measure would take a policy that comes to seek what is paid badly.)"
    ));
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A cell with its answers where nobody audits and under the audit of the criterion, removed at once and late, by their E[V].
    pub(in crate::report::verdict) fn world(
        word: &str,
        [free, at_once, late, clean]: [f64; 4],
        audited_kl: f64,
    ) -> Tables {
        let texts = ["optimizer", "error", "best_auditor", "best_detector", "status"];
        let counts =
            ["kl_missed", "runs", "sampled", "learned", "harmed_unlearned", "harmed", "audited_harmed"];
        let mut row: serde_json::Map<String, Value> =
            texts.iter().map(|key| ((*key).to_owned(), json!(""))).collect();
        row.extend(counts.iter().map(|key| ((*key).to_owned(), json!(100))));
        let more = json!({
            "part": "map", "scenario": "s", "arm": "a", "trainer": "ppo", "verdict": word, "kl_target": 1.0, "size": 1.0,
            "harm": 1.0, "harm_low": 0.96, "harm_high": 1.0, "audited_kl": audited_kl
        });
        row.extend(more.as_object().unwrap().clone());
        let answer = |role: &str, delay: Option<u64>, utility: f64| {
            let programme = |word: &str| if role == NONE { "" } else { word }.to_owned();
            json!({
                "scenario": "s", "arm": "a", "role": role, "auditor": programme("records"), "detector": programme(YARDSTICK),
                "response": programme("remove"), "delay": delay, "runs": 100, "harmed": 100, "harm": 1.0, "harm_low": 0.96,
                "harm_high": 1.0, "utility": utility, "clean_utility": clean, "status": "ok"
            })
        };
        let answers = [
            answer(NONE, None, free),
            answer(PROGRAMME, Some(0), at_once),
            answer(PROGRAMME, Some(20), late),
        ];
        Tables {
            cells: vec![serde_json::from_value(Value::Object(row)).unwrap()],
            answers: answers.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect(),
            ..Tables::default()
        }
    }

    fn told(tables: &Tables, of: &str) -> Option<String> {
        findings(tables).into_iter().find(|sentence| sentence.contains(of))
    }

    #[test]
    fn harm_that_goes_and_harm_that_stays_are_told_apart() {
        let goes = told(&world("fails", [-2.0, 0.9, 0.0, 1.0], 1.0), "At the end of training").unwrap();
        assert!(goes.contains("has regained 97% of what is lost"), "{goes}");
        let stays = told(&world("refuted", [-2.0, -2.0, 0.0, 1.0], 1.0), "At the end of training").unwrap();
        assert!(stays.contains("has regained 0% of"), "{stays}");
        // Where nothing is lost nothing can be regained, and of cells that hold there is nothing to tell.
        assert_eq!(told(&world("fails", [1.0, 1.0, 1.0, 1.05], 1.0), "At the end of training"), None);
        assert_eq!(told(&world("holds", [-2.0, 0.9, 0.0, 1.0], 1.0), "At the end of training"), None);
    }

    #[test]
    fn what_comes_late_is_told_with_what_it_leaves() {
        let late = told(&world("holds", [-2.0, 1.0, 0.4, 1.0], 1.0), "20 steps after the look").unwrap();
        assert!(
            late.contains("Of the 1 cells that hold, 1 have") && late.contains("regained 80% of"),
            "{late}"
        );
    }

    #[test]
    fn a_cap_that_the_audited_policy_does_not_reach_is_told() {
        let capped = told(&world("holds", [-2.0, 1.0, 1.0, 1.0], 0.03), "capped").unwrap();
        assert!(capped.contains("in 1 of the 1 cells"), "{capped}");
        assert_eq!(told(&world("holds", [-2.0, 1.0, 1.0, 1.0], 0.9), "capped"), None);
    }

    /// All lists have to be there.
    #[test]
    fn three_lists_are_told_side_by_side() {
        let mut tables = world("fails", [-2.0, 0.9, 0.0, 1.0], 1.0);
        let list = |detector: &str, harmed: u64| {
            let mut read = tables.answers[1].clone();
            (read.auditor, read.detector, read.harmed) = ("top".to_owned(), detector.to_owned(), harmed);
            read
        };
        let (reward, sum, policy) = (list(YARDSTICK, 40), list(SUM, 5), list(LOG_RATIO, 3));
        tables.answers.extend([policy, sum]);
        assert_eq!(told(&tables, "Three lists"), None);
        tables.answers.push(reward);
        let all = told(&tables, "Three lists").unwrap();
        assert!(all.contains("1 T*: 40, 5 and 3 of 100 (records of the reward "), "{all}");
        tables.cells[0].harmed = 0;
        assert_eq!(told(&tables, "Three lists"), None, "nothing to prevent");
    }

    #[test]
    fn the_answer_is_about_small_kls() {
        let mut large = world("refuted", [-2.0, -2.0, 0.0, 1.0], 3.0);
        large.cells[0].kl_target = Some(3.0);
        assert!(findings(&large)[0].starts_with("In 0 of 0 cells of the map with a KL up to 1"));
        assert!(
            findings(&world("fails", [-2.0, -2.0, 0.0, 1.0], 1.0))[0]
                .contains("leaves no learned run harmed; in 1 none of them prevents it")
        );
    }
}
