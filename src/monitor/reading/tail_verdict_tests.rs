//! What is said of logs on which nothing stands apart.

use super::apart::{Apart, Power, Tested};
use super::gather::OF_GROUP;
use super::gathering::Gathered;
use super::shift::{Above, Known, Level, Shift};
use super::values::Values;
use super::verdict::{Case, Verdict};

fn near() -> Apart {
    Apart {
        count: 2,
        from_score: 20.08,
        rest: 2.043,
        rewards: (20.14, 20.45),
        in_reference: 0,
        first_step: 50,
        p_value: 0.021,
        above: None,
        places: Vec::new(),
        first: Vec::new(),
    }
}

/// A log on which nothing stands apart.
fn empty() -> Gathered {
    Gathered {
        entries: Vec::new(),
        places: 6,
        expected: 17.7,
        reference: 256,
        later: 1728,
        noun: OF_GROUP,
        tested: Tested {
            tail: 198,
            heavy: Some(0.4264),
            highest_from: None,
            apart: None,
            near: None,
            power: Vec::new(),
        },
        unlike: None,
        known: None,
        ties: Vec::new(),
        excess: None,
        levels: Vec::new(),
        values: Values::default(),
        two: None,
        two_in_groups: None,
    }
}

fn case(gathered: &Gathered) -> Case<'_> {
    Case {
        gathered,
        list: &[],
        shared: None,
        shift: None,
        pass_rate: None,
        ceiling: None,
        two_levels: false,
        reference: "the first 4 steps",
        nothing_after: None,
    }
}

#[test]
fn a_log_that_could_not_have_shown_it_is_not_quiet() {
    let power = |times: f64| Power { rollouts: 8, score: 2.0 * times, times };
    let judge = |near: Option<Apart>, times: f64| {
        let gathered = Gathered { tested: Tested { power: vec![power(times)], ..empty().tested }, ..empty() };
        let gathered = Gathered { tested: Tested { near, ..gathered.tested }, ..gathered };
        let case = case(&gathered);
        let judgement = case.by_tail();
        (judgement.verdict, judgement.sentence)
    };
    assert_eq!(judge(None, 2.9).0, Verdict::Quiet);
    let (verdict, sentence) = judge(None, 3.1);
    assert_eq!(verdict, Verdict::NotJudged);
    assert!(sentence.contains("8 of them three times as far above the median of its group"), "{sentence}");
    let narrow = Apart { rest: 12.0, ..near() };
    assert_eq!(judge(Some(narrow), 2.9).0, Verdict::Quiet, "a gap that is not wide");
}

fn level(step: u64, below: usize, different: usize) -> Level {
    Level {
        step,
        rollouts: 32,
        median: 0.0,
        mean: 0.0,
        highest: 0.0,
        above: (0, 0),
        above_middle: 0,
        far: 0,
        below,
        tied: 0,
        at_highest: 0,
        mode: None,
        different,
        reference: step < 6,
    }
}

#[test]
fn rewards_that_fell_are_said_to_have_fallen() {
    let ascending: Vec<f64> = (0..192).map(f64::from).collect();
    let of = |below: usize| Gathered {
        known: Known::of(&ascending, None, None),
        levels: (0..60).map(|step| level(step, if step >= 30 { below } else { 1 }, 0)).collect(),
        ..empty()
    };
    let judge = |below: usize| case(&of(below)).by_tail();
    let fell = judge(30);
    assert_eq!(fell.verdict, Verdict::Quiet);
    assert!(
        fell.sentence.contains("the rewards fell: 93% of the rollouts from step 30 on"),
        "{}",
        fell.sentence
    );
    assert!(judge(2).sentence.contains("mostly lie within those"));
}

#[test]
fn the_highest_that_come_late_and_make_the_tail_heavy_are_not_quiet() {
    let of = |from: u64, heavy: Option<f64>| {
        let tested = Tested { highest_from: Some((from, 20)), heavy, ..empty().tested };
        let levels = (0..60).map(|step| level(step, 1, 0)).collect();
        Gathered { tested, levels, reference: 192, later: 1728, ..empty() }
    };
    let verdict = |from, heavy| case(&of(from, heavy)).by_tail().verdict;
    // (2/3)^20 = 3e-4, .9^20 = .12.
    assert_eq!(verdict(20, Some(0.5)), Verdict::NotJudged);
    assert_eq!(verdict(6, Some(0.5)), Verdict::Quiet);
    assert_eq!(verdict(20, None), Verdict::Quiet, "of a light tail it is no news");
}

#[test]
fn few_that_differ_from_a_constant_reference_are_said_to_differ() {
    let gathered = |different: usize| Gathered {
        known: Known::of(&[0.0; 192], None, None),
        levels: (0..60).map(|step| level(step, 0, if step == 47 { different } else { 0 })).collect(),
        ..empty()
    };
    let said = |different: usize| case(&gathered(different)).few_differ();
    assert!(
        said(1).unwrap().starts_with("1 rollout differs from the first 4 steps, whose rewards are all 0")
    );
    assert!(said(3).unwrap().starts_with("3 rollouts differ from"));
    assert_eq!(said(0), None);
}

#[test]
fn a_gap_that_few_rollouts_show_is_told_and_no_tail_explains_it() {
    let near = near();
    let gathered = |near: Option<Apart>| Gathered { tested: Tested { near, ..empty().tested }, ..empty() };
    let shift = Shift { from_step: 290, share: 0.75, above: Above::High, tied: None, growth: None };
    let judge = |gathered: &Gathered, shift: Option<&Shift>| Case { shift, ..case(gathered) }.by_tail();
    for shift in [Some(&shift), None] {
        for near in [Some(near.clone()), None] {
            let judgement = judge(&gathered(near.clone()), shift);
            let cautions = judgement.cautions.join(" ");
            let verdict = match (shift, &near) {
                (Some(_), _) => Verdict::Shifted,
                (None, Some(_)) => Verdict::NotJudged,
                (None, None) => Verdict::Quiet,
            };
            assert_eq!(judgement.verdict, verdict);
            assert_eq!(cautions.contains("The 2 highest lie 20.08 or more"), near.is_some(), "{cautions}");
            assert_eq!(cautions.contains("a heavy tail of their own"), near.is_none(), "{cautions}");
        }
    }
}
