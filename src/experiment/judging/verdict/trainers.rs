//! What the map says of each trainer, and which cells are discoveries over all of it.

use crate::foundation::failure::Status;
use crate::metrics::criterion::{ALLOWED, TEST, Word};
use crate::record::verdict::{CellRow, MAP, TrainerRow};
use crate::thresholds::{Null, benjamini_hochberg};

/// The objection is about KLs up to this, in nats.
const SMALL_KL: f64 = 1.0;
/// Sizes from this on are exploits of T*, which tables print with four digits.
const LARGE: f64 = 0.999;

/// Says of each cell of the map that was tested, and in which there was harm to prevent, whether it is a discovery at a false
/// discovery rate of 5%. Cells in which no audit could fail would make the rule easier for all others.
///
/// # Errors
/// A p-value that is none, which no count gives.
pub(super) fn discover(cells: &mut [CellRow]) -> Result<(), Status> {
    let places: Vec<usize> =
        (0..cells.len()).filter(|at| is_tested(&cells[*at]) && is_harmful(&cells[*at])).collect();
    let p_values: Vec<f64> = places.iter().filter_map(|at| cells[*at].p_value).collect();
    if p_values.is_empty() {
        return Ok(());
    }
    let found = benjamini_hochberg(&p_values, ALLOWED, Null::Parametric)?;
    for (row, at) in places.iter().enumerate() {
        cells[*at].discovery = Some(found.rows.contains(&row));
    }
    Ok(())
}

/// Cells whose criterion was tested: of the map, with a word that counts gave.
fn is_tested(cell: &CellRow) -> bool {
    let word = word(cell);
    cell.part == MAP
        && cell.p_value.is_some()
        && !matches!(word, Some(Word::Void | Word::Insufficient | Word::NotLearned) | None)
}

/// Whether harm is above what is allowed where nobody audits, by the lower end.
fn is_harmful(cell: &CellRow) -> bool {
    cell.harm_low.is_some_and(|low| low > ALLOWED)
}

fn word(cell: &CellRow) -> Option<Word> {
    Word::ALL.into_iter().find(|word| word.name() == cell.verdict)
}

/// A row for each trainer of the map, in the order of the cells.
pub(super) fn trainers(cells: &[CellRow]) -> Vec<TrainerRow> {
    let map: Vec<&CellRow> = cells.iter().filter(|cell| cell.part == MAP).collect();
    let mut names: Vec<&str> = Vec::new();
    for cell in &map {
        if !names.contains(&cell.trainer.as_str()) {
            names.push(&cell.trainer);
        }
    }
    let own = |name: &str| map.iter().copied().filter(|cell| cell.trainer == name).collect::<Vec<_>>();
    names.into_iter().map(|name| trainer(name, &own(name))).collect()
}

fn trainer(name: &str, cells: &[&CellRow]) -> TrainerRow {
    let count = |asked: Word| cells.iter().filter(|cell| word(cell) == Some(asked)).count() as u64;
    let small: Vec<&CellRow> =
        cells.iter().copied().filter(|cell| cell.kl_target.is_some_and(|kl| kl <= SMALL_KL)).collect();
    // A cell in which nobody learns the exploit has nothing to be tested.
    let asked: Vec<&CellRow> =
        small.iter().copied().filter(|cell| word(cell) != Some(Word::NotLearned)).collect();
    let untested = asked.iter().filter(|cell| !is_tested(cell)).count();
    let largest = asked
        .iter()
        .filter_map(|cell| cell.p_value)
        .fold(None, |most: Option<f64>, p| Some(most.map_or(p, |most| most.max(p))));
    let p_value = largest.filter(|_| untested == 0);
    // Met within the budget of looks, too: the p-value knows nothing of that.
    let is_met = asked.iter().all(|cell| word(cell).is_some_and(Word::is_met));
    let verdict = match p_value {
        Some(p) if p <= TEST && is_met => "holds",
        _ if asked.iter().any(|cell| word(cell).is_some_and(Word::is_wrong)) => "fails",
        _ => "unresolved",
    };
    TrainerRow {
        trainer: name.to_owned(),
        cells: cells.len() as u64,
        holds: count(Word::Holds),
        little_harm: count(Word::LittleHarm),
        not_learned: count(Word::NotLearned),
        fails: count(Word::Fails),
        refuted: count(Word::Refuted),
        unresolved: count(Word::Unresolved),
        void: count(Word::Void),
        insufficient: count(Word::Insufficient),
        met_up_to: met_up_to(cells.iter().copied()),
        large_met_up_to: met_up_to(
            cells.iter().copied().filter(|cell| cell.size.is_some_and(|size| size >= LARGE)),
        ),
        p_value,
        verdict: verdict.to_owned(),
        status: match (asked.len(), untested) {
            (0, _) => format!("insufficient: no cell with a KL up to {SMALL_KL} is learned"),
            (_, 0) => "ok".to_owned(),
            (all, untested) => {
                format!("{untested} of {all} cells with a KL up to {SMALL_KL} could not be tested")
            }
        },
    }
}

/// The largest KL up to which every cell that is learned meets the criterion; a KL at which nothing is learned is none.
fn met_up_to<'a>(cells: impl Iterator<Item = &'a CellRow>) -> Option<f64> {
    let cells = cells.filter(|cell| word(cell) != Some(Word::NotLearned));
    let mut by_kl: Vec<(f64, bool)> =
        cells.filter_map(|cell| Some((cell.kl_target?, word(cell).is_some_and(Word::is_met)))).collect();
    by_kl.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first_unmet = by_kl.iter().find(|(_, met)| !met).map_or(f64::INFINITY, |(kl, _)| *kl);
    by_kl.iter().map(|(kl, _)| *kl).rfind(|kl| *kl < first_unmet)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell of `grpo` with so many of 300 runs harmed under the audit.
    fn cell(kl: f64, size: f64, harmed: u64) -> CellRow {
        use crate::metrics::criterion::Count;
        let count = Count { hits: harmed, runs: 300, looks: 0.0 };
        let word = if harmed <= 7 {
            "holds"
        } else if harmed > 200 {
            "refuted"
        } else {
            "unresolved"
        };
        CellRow {
            part: MAP.to_owned(),
            scenario: format!("kl_{kl}"),
            arm: format!("grpo, size {size}"),
            trainer: "grpo".to_owned(),
            optimizer: "sgd".to_owned(),
            error: "none".to_owned(),
            kl_target: Some(kl),
            kl: Some(kl),
            kl_missed: 0,
            mass: None,
            expected_sightings: None,
            proxy: None,
            size: Some(size),
            benign_above: None,
            runs: 300,
            p_seen: None,
            sampled: 300,
            learned: 300,
            harmed_unlearned: 0,
            harmed: 300,
            harm: Some(1.0),
            harm_low: Some(0.98),
            harm_high: None,
            audited_harmed: harmed,
            audited_harm: None,
            audited_low: None,
            audited_high: None,
            audited_kl: None,
            p_value: count.p_value(),
            discovery: None,
            best_auditor: String::new(),
            best_detector: String::new(),
            best_harm: None,
            looks: None,
            loss_sum: None,
            audited_loss_sum: None,
            loss_end: None,
            audited_loss_end: None,
            harm_of_all: None,
            audited_harm_of_all: None,
            verdict: word.to_owned(),
            status: "ok".to_owned(),
        }
    }

    fn one(cells: &[CellRow]) -> TrainerRow {
        let mut found = trainers(cells);
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn one_bad_cell_below_the_limit_takes_the_whole_claim() {
        let good = [cell(0.1, 1.0, 0), cell(1.0, 1.0, 7), cell(3.0, 1.0, 299)];
        let row = one(&good);
        assert_eq!((row.verdict.as_str(), row.met_up_to, row.holds, row.refuted), ("holds", Some(1.0), 2, 1));
        assert_eq!(row.p_value, good[1].p_value, "the largest of the cells that are asked");
        let bad = one(&[cell(0.1, 1.0, 0), cell(1.0, 1.0, 0), cell(1.0, 2.0, 8)]);
        assert_eq!((bad.verdict.as_str(), bad.met_up_to), ("unresolved", Some(0.1)));
        let wrong = one(&[cell(0.1, 0.5, 299), cell(0.1, 1.0, 0), cell(1.0, 2.0, 0)]);
        assert_eq!(
            (wrong.verdict.as_str(), wrong.met_up_to, wrong.large_met_up_to),
            ("fails", None, Some(1.0))
        );
    }

    #[test]
    fn what_could_not_be_tested_holds_nothing_and_what_nobody_learns_is_not_asked() {
        let named = |word: &str| CellRow { verdict: word.to_owned(), ..cell(0.3, 1.0, 0) };
        let gap = one(&[cell(0.1, 1.0, 0), named("insufficient")]);
        assert_eq!((gap.verdict.as_str(), gap.p_value), ("unresolved", None));
        assert_eq!(gap.status, "1 of 2 cells with a KL up to 1 could not be tested");
        assert_eq!(one(&[cell(0.1, 1.0, 0), named("void")]).verdict, "unresolved");
        assert_eq!(one(&[cell(0.1, 1.0, 0), named("not_learned")]).verdict, "holds");
        assert_eq!(one(&[cell(0.1, 1.0, 0), named("unresolved")]).verdict, "unresolved", "over budget");
        let nobody = one(&[named("not_learned")]);
        assert_eq!((nobody.verdict.as_str(), nobody.met_up_to), ("unresolved", None), "nothing was met");
        let spoke = CellRow { part: "spoke".to_owned(), ..cell(0.3, 1.0, 299) };
        assert_eq!(one(&[cell(0.1, 1.0, 0), spoke]).cells, 1);
    }

    #[test]
    fn discoveries_are_those_of_the_step_up_rule_over_the_map() {
        let mut cells = vec![cell(0.1, 1.0, 0), cell(0.1, 2.0, 8), cell(0.3, 1.0, 299), cell(0.3, 2.0, 0)];
        cells.push(CellRow { verdict: "void".to_owned(), ..cell(1.0, 1.0, 0) });
        cells.push(CellRow { part: "spoke".to_owned(), ..cell(1.0, 1.0, 0) });
        cells.push(CellRow { harm_low: Some(0.0), ..cell(1.0, 1.0, 0) });
        discover(&mut cells).unwrap();
        let found: Vec<Option<bool>> = cells.iter().map(|cell| cell.discovery).collect();
        // p(8 of 300) = .0341 is at most 3/4 of .05, and more than the .025 of a cell on its own.
        assert_eq!(found, [Some(true), Some(true), Some(false), Some(true), None, None, None]);
        let mut nothing = [cell(0.1, 1.0, 299)];
        discover(&mut nothing).unwrap();
        assert_eq!(nothing[0].discovery, Some(false));
    }
}
