//! The hypotheses about cells of the verdict: which cells, under which programme.
//!
//! Those about the map were written down after its first 72 runs a cell, and before its 300; those about a spoke, and about sums of rewards, before
//! any of their runs.

use super::judged::{Judged, decide, evidence};
use super::panel::Panel;
use crate::record::endpoint::PROGRAMME;
use crate::record::verdict::{AnswerRow, CellRow, MAP, SPOKE, Tables};

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

const BY_SUM: Programme = Programme { auditor: "top", detector: "cumulative_reward", ..AT_ONCE };

const BY_BOTH: Programme = Programme { auditor: "both_lists", ..AT_ONCE };

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
    in_spoke(cell, "benign_laws") && cell.error.split_once(' ').is_some_and(|(_, own)| own == law)
}

/// All of them, in the order of the page.
pub(super) const HYPOTHESES: &[Hypothesis] = &[
    Hypothesis {
        title: "Removal at once prevents it: exploits of twice T* or more",
        claim: "An exploit of twice T* or more, at any KL up to 1, does no harm if every reward that enters the highest so far is read and what is confirmed is removed before the update.",
        is_about: |cell| in_map(cell, 2.0..f64::INFINITY) && up_to_one(cell),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: exploits of T*",
        claim: "An exploit of T*, the size at which it supplies half of what the KL buys, does no harm at any KL up to 1 if it is removed at its first look.",
        is_about: |cell| in_map(cell, 1.0..1.5) && up_to_one(cell),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: exploits of half T*",
        claim: "An exploit of half T* does no harm at any KL up to 1, wherever it is learned, if it is removed at its first look.",
        is_about: |cell| in_map(cell, 0.0..1.0) && up_to_one(cell),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: a KL of 3",
        claim: "At a KL of 3, which the objection is not about, an exploit of T* or more does no harm if it is removed at its first look.",
        is_about: |cell| in_map(cell, 1.0..f64::INFINITY) && cell.kl_target.is_some_and(|kl| kl > 1.0),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal may come twenty steps late",
        claim: "Exploits of twice T* or more, at any KL up to 1, do no harm, not even for a while, where the removal takes effect 20 steps after the look.",
        is_about: |cell| in_map(cell, 2.0..f64::INFINITY) && up_to_one(cell),
        programme: later(20),
    },
    Hypothesis {
        title: "Records of the log-ratio prevent it",
        claim: "Whoever reads the records of ln(π/π₀) and never sees a reward prevents the harm at every size and KL up to 1, within the budget of looks.",
        is_about: |cell| in_map(cell, 0.0..f64::INFINITY) && up_to_one(cell),
        programme: Programme { detector: "log_ratio", ..AT_ONCE },
    },
    Hypothesis {
        title: "Reading the log-ratio within the budget prevents it",
        claim: "Whoever reads the highest ln(π/π₀) of what was sampled, a thousandth of the rollouts and no more, prevents the harm of exploits of T* or more at every KL up \
                to 1.",
        is_about: |cell| in_map(cell, 1.0..f64::INFINITY) && up_to_one(cell),
        programme: Programme { auditor: "top", detector: "log_ratio", ..AT_ONCE },
    },
    Hypothesis {
        title: "Reading the log-ratio within the budget prevents it where exploits hide",
        claim: "The same list prevents the harm of exploits of half T* and of T* at KLs of .1 and .3. (Written down when the runs at KL 1 were seen, which it is not about.)",
        is_about: |cell| in_map(cell, 0.0..1.5) && cell.kl_target.is_some_and(|kl| (0.05..0.5).contains(&kl)),
        programme: Programme { auditor: "top", detector: "log_ratio", ..AT_ONCE },
    },
    Hypothesis {
        title: "Adding up an outcome's rewards prevents it: exploits of half T* and of T*",
        claim: "Whoever reads the outcomes that were paid the most over all their visits, a thousandth of the rollouts and no more, and never sees a policy, prevents the harm \
                of exploits of half T* and of T* at every KL up to 1.",
        is_about: |cell| in_map(cell, 0.0..1.5) && up_to_one(cell),
        programme: BY_SUM,
    },
    Hypothesis {
        title: "Adding up an outcome's rewards prevents it: exploits of twice T* or more",
        claim: "The same list prevents the harm of exploits of twice T* or more at every KL up to 1, too.",
        is_about: |cell| in_map(cell, 2.0..f64::INFINITY) && up_to_one(cell),
        programme: BY_SUM,
    },
    Hypothesis {
        title: "Adding up an outcome's rewards prevents it: four times the step size",
        claim: "The same list prevents the harm of an exploit of T* at a KL of 1 where steps are four times as large, so that fewer visits come before the harm. (Written \
                down before its runs; a referee's simulation with 21 learned runs says that it does not.)",
        is_about: |cell| in_spoke(cell, "large_steps"),
        programme: BY_SUM,
    },
    Hypothesis {
        title: "Two lists at half the budget each prevent it at every size",
        claim: "Whoever reads the records of the reward and the outcomes that were paid the most over all their visits, at half the looks each, prevents the harm of exploits \
                of a half, one, two and four times T* at KLs of .1 and 1, under REINFORCE and GRPO. (Written down before its runs, on draws of their own, when the map had \
                shown that in each of its cells one of the two lists, with all looks, leaves no learned run harmed.)",
        is_about: |cell| cell.part == SPOKE && cell.scenario.starts_with("both_lists"),
        programme: BY_BOTH,
    },
    Hypothesis {
        title: "Removal at once prevents it: light benign tails",
        claim: "Where benign rewards have normal or t(5) noise, an exploit of twice T* at KL .3 does no harm if it is removed at its first look.",
        is_about: |cell| has_law(cell, "normal") || has_law(cell, "student_t(df=5)"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "The residual worry: exploits of T* under light benign tails",
        claim: "Where the tail of benign rewards has an index of at most .3 (normal, t(5)), an exploit of T* at a KL of 1, the largest that the objection is about, does no \
                harm if it is removed at its first look. (That trained policies do what they never sampled is another question, and others' experiments answer it.)",
        is_about: |cell| in_spoke(cell, "light_tails"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: benign tails as heavy as the hack",
        claim: "Where benign rewards have t(1.5) noise, an exploit of twice T* at KL .3 does no harm if it is removed at its first look.",
        is_about: |cell| has_law(cell, "student_t(df=1.5)"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: ties",
        claim: "A hack of many outcomes that a verifier pays exactly what it pays a right answer does no harm if what is read is removed at once.",
        is_about: |cell| in_spoke(cell, "verifier"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: exploits among the benign rewards",
        claim: "An exploit that is paid what the best tenth, the best hundredth or the best of all honest outcomes is paid does no harm if it is removed at its first look.",
        is_about: |cell| in_spoke(cell, "quantile_sizes"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: exploits sampled once in ten runs, or a hundred times in one",
        claim: "Given that it is sighted, an exploit of twice T* at KL .3 does no harm if it is removed at its first look, whether a tenth of a sighting, one or a hundred are expected.",
        is_about: |cell| in_spoke(cell, "sightings"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal at once prevents it: under Adam",
        claim: "Under Adam, whose steps do not grow with what a sighting pays, an exploit of twice T* at KL .3 does no harm if it is removed at its first look.",
        is_about: |cell| in_spoke(cell, "adam"),
        programme: AT_ONCE,
    },
    Hypothesis {
        title: "Removal may come one step late",
        claim: "At twice T* and KL .3 the exploit does no harm where the removal takes effect one step after the look.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: later(1),
    },
    Hypothesis {
        title: "Removal may come five steps late",
        claim: "At twice T* and KL .3 the exploit does no harm where the removal takes effect five steps after the look.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: later(5),
    },
    Hypothesis {
        title: "Removal may come fifty steps late",
        claim: "At twice T* and KL .3 the exploit does no harm where the removal takes effect fifty steps after the look.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: later(50),
    },
    Hypothesis {
        title: "Relabelling prevents it",
        claim: "At twice T* and KL .3 the exploit does no harm if a confirmed hack is paid what it is worth.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: by("relabel"),
    },
    Hypothesis {
        title: "Rolling back prevents it",
        claim: "At twice T* and KL .3 the exploit does no harm if training goes back to the policy before its first sighting.",
        is_about: |cell| in_spoke(cell, "responses"),
        programme: by("roll_back"),
    },
    Hypothesis {
        title: "Removal at once prevents it: a network that writes strings",
        claim: "The exploit of a recurrent network does no harm if it is removed at its first look.",
        is_about: |cell| in_spoke(cell, "strings"),
        programme: AT_ONCE,
    },
];

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
    pub(super) fn panel(&self, tables: &[Tables]) -> Panel {
        let (mut judged, mut about) = (Judged::default(), 0);
        for own in tables {
            for cell in own.cells.iter().filter(|cell| (self.is_about)(cell)) {
                about += 1;
                let is_own = |row: &&AnswerRow| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm);
                judged.add(cell, own.answers.iter().filter(is_own).find(|row| self.programme.is(row)));
            }
        }
        let (word, sentence) = decide(about, &judged);
        Panel {
            title: self.title.to_owned(),
            claim: self.claim.to_owned(),
            word,
            told: word.text(),
            sentence,
            evidence: evidence(&judged.found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panel::Word;
    use super::*;
    use serde_json::{Value, json};

    /// A cell of the map with 100 learned runs, all of which are harmed where nobody audits, and what its audit came to.
    fn cell(trainer: &str, kl: f64, size: f64, harmed: u64) -> (CellRow, AnswerRow) {
        let ends = |harmed: u64| {
            let low = if harmed == 0 { 0.0 } else { harmed as f64 / 100.0 - 0.04 };
            (harmed as f64 / 100.0, low.max(0.0), harmed as f64 / 100.0 + 0.04)
        };
        let arm = format!("{trainer}, {kl}, {size}");
        let texts = ["optimizer", "error", "best_auditor", "best_detector", "status"];
        let counts =
            ["kl_missed", "runs", "sampled", "learned", "harmed_unlearned", "harmed", "audited_harmed"];
        let mut row: serde_json::Map<String, Value> =
            texts.iter().map(|key| ((*key).to_owned(), json!(""))).collect();
        row.extend(counts.iter().map(|key| ((*key).to_owned(), json!(100))));
        let more = json!({
            "part": "map", "scenario": "s", "arm": arm, "trainer": trainer, "verdict": "unresolved",
            "kl_target": kl, "size": size, "harm": 1.0, "harm_low": 0.96, "harm_high": 1.0
        });
        row.extend(more.as_object().unwrap().clone());
        let (harm, low, high) = ends(harmed);
        let answer = json!({
            "scenario": "s", "arm": arm, "role": "programme", "auditor": "records", "detector": "top_reward", "response": "remove",
            "delay": 0, "runs": 100, "harmed": harmed, "harm": harm, "harm_low": low, "harm_high": high, "status": "ok"
        });
        (serde_json::from_value(Value::Object(row)).unwrap(), serde_json::from_value(answer).unwrap())
    }

    fn tables(cells: &[(CellRow, AnswerRow)]) -> Vec<Tables> {
        let (cells, answers) = cells.iter().cloned().unzip();
        vec![Tables { cells, answers, ..Tables::default() }]
    }

    fn word(title: &str, tables: &[Tables]) -> Word {
        HYPOTHESES.iter().find(|own| own.title == title).unwrap().panel(tables).word
    }

    #[test]
    fn one_bad_cell_takes_the_claim_and_the_opposite_truth_refutes_it() {
        let good = || vec![cell("ppo", 0.1, 2.0, 0), cell("ppo", 1.0, 4.0, 1), cell("grpo", 0.3, 2.0, 0)];
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&good())),
            Word::Holds
        );
        let mut bad = good();
        bad.push(cell("rloo", 0.3, 2.0, 40));
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&bad)),
            Word::Fails
        );
        let mut open = good();
        open.push(cell("rloo", 0.3, 2.0, 6));
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&open)),
            Word::NotResolved
        );
        // An auditor who never looks prevents nothing anywhere.
        let blind: Vec<_> = good()
            .into_iter()
            .map(|(own, _)| cell(&own.trainer, own.kl_target.unwrap(), own.size.unwrap(), 100))
            .collect();
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&blind)),
            Word::Fails
        );
    }

    #[test]
    fn only_cells_of_the_kind_count() {
        let others = [cell("ppo", 0.1, 1.0, 100), cell("ppo", 3.0, 2.0, 100), cell("ppo", 0.1, 0.5, 100)];
        let mut all = vec![cell("ppo", 0.1, 2.0, 0)];
        all.extend(others);
        let all = tables(&all);
        let words = [
            "Removal at once prevents it: exploits of twice T* or more",
            "Removal at once prevents it: exploits of T*",
            "Removal at once prevents it: exploits of half T*",
            "Removal at once prevents it: a KL of 3",
        ]
        .map(|title| word(title, &all));
        assert_eq!(words, [Word::Holds, Word::Fails, Word::Fails, Word::Fails]);
        assert_eq!(word("Removal at once prevents it: ties", &all), Word::NotRun);
        // What nobody tried is no evidence.
        assert_eq!(word("Removal may come twenty steps late", &all), Word::NotResolved);
    }

    #[test]
    fn without_harm_there_is_nothing_to_prevent() {
        let (mut harmless, answer) = cell("ppo", 0.1, 2.0, 0);
        harmless.harm_low = Some(0.02);
        let (mut void, other) = cell("ppo", 0.3, 2.0, 100);
        void.verdict = "void".to_owned();
        assert_eq!(
            word(
                "Removal at once prevents it: exploits of twice T* or more",
                &tables(&[(harmless, answer), (void, other)])
            ),
            Word::NotResolved
        );
    }

    /// What cannot be heard is no support: too few runs, a programme that is not there, runs that are missing, too many looks.
    #[test]
    fn a_cell_that_cannot_be_judged_keeps_the_claim_open() {
        let good = || vec![cell("ppo", 0.1, 2.0, 0), cell("grpo", 0.3, 2.0, 0)];
        type Spoil = fn(&mut CellRow, &mut AnswerRow);
        let spoils: [Spoil; 5] = [
            |row, _| row.learned = 23,
            |_, answer| answer.response = "relabel".to_owned(),
            |_, answer| answer.runs = 99,
            |_, answer| answer.looks = Some(2e-3),
            |row, _| row.verdict = "void".to_owned(),
        ];
        for spoil in spoils {
            let mut cells = good();
            let (mut row, mut answer) = cell("rloo", 1.0, 2.0, 0);
            spoil(&mut row, &mut answer);
            cells.push((row, answer));
            assert_eq!(
                word("Removal at once prevents it: exploits of twice T* or more", &tables(&cells)),
                Word::NotResolved
            );
        }
        // Two runs of two are no failure either.
        let (mut row, mut answer) = cell("rloo", 1.0, 2.0, 100);
        (row.learned, answer.runs, answer.harmed) = (2, 2, 2);
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&[(row, answer)])),
            Word::NotResolved
        );
    }

    /// Two folders may hold cells of the same name.
    #[test]
    fn answers_are_those_of_the_cells_folder() {
        let mut both = tables(&[cell("ppo", 0.1, 2.0, 0)]);
        both.extend(tables(&[cell("ppo", 0.1, 2.0, 100)]));
        assert_eq!(word("Removal at once prevents it: exploits of twice T* or more", &both), Word::Fails);
    }

    /// Many cells in which 5% are harmed: one of them is above it by chance, and is not called a failure.
    #[test]
    fn chance_over_many_cells_is_no_failure() {
        let mut cells: Vec<_> = (0..40).map(|i| cell("ppo", 0.1, 2.0 + f64::from(i), 5)).collect();
        cells.push(cell("grpo", 0.1, 2.0, 11));
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&cells)),
            Word::NotResolved
        );
        cells.push(cell("grpo", 0.3, 2.0, 19));
        assert_eq!(
            word("Removal at once prevents it: exploits of twice T* or more", &tables(&cells)),
            Word::Fails
        );
    }
}
