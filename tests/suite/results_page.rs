//! Tables of `docs/results.md` are those of the summaries that they were made from, kept in `plots/results`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Estimate and interval of each arm's metric, and the runs behind it.
type Numbers = HashMap<(usize, String), [f64; 4]>;

fn rows(experiment: &str) -> Vec<csv::StringRecord> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("plots/results/{experiment}.csv"));
    csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect()
}

fn numbers(experiment: &str) -> Numbers {
    let row = |row: csv::StringRecord| {
        let number = |place: usize| row[place].parse::<f64>().unwrap_or(f64::NAN);
        ((row[0].parse().unwrap(), row[2].to_owned()), [3, 4, 5, 6].map(number))
    };
    rows(experiment).into_iter().map(row).collect()
}

/// The arm of a row of the page is the one whose settings hold what the row is named for.
fn assert_label(experiment: &str, arm: usize, words: &[&str]) {
    let rows = rows(experiment);
    let label = &rows.iter().find(|row| row[0] == *arm.to_string()).unwrap()[1];
    assert!(words.iter().all(|word| label.contains(word)), "{experiment}, arm {arm}: {label}, not {words:?}");
}

/// Cells of the table whose rows follow the heading `title`, without its header; the name of a row first.
fn table(title: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.md")).unwrap();
    let (_, rest) = page.split_once(&format!("## {title}\n")).unwrap_or_else(|| panic!("{title}"));
    let section = rest.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// With a minus sign, as pages have it.
fn fixed(value: f64, places: usize) -> String {
    format!("{value:.places$}").replace('-', "−")
}

#[test]
fn the_table_of_delays_is_that_of_its_runs() {
    let (found, shown) = (numbers("delay"), table("What decides is the delay of the response"));
    let trainers = ["reinforce", "advantage=batch_normalised", "grpo", "ppo"];
    let responses = ["none", "delay=0", "delay=1", "delay=5", "delay=20", "delay=50", "delay=100"];
    for (trainer, row) in shown.iter().enumerate() {
        for (place, response) in responses.iter().enumerate() {
            let response = format!("{response})").replace("none)", "none");
            assert_label("delay", 7 * trainer + place, &[trainers[trainer], &response]);
        }
        let damaged = |place: usize| {
            let [share, _, _, runs] = found[&(7 * trainer + place, "damaged".to_owned())];
            (share * runs).round().to_string()
        };
        assert_eq!(row[1..], (0..7).map(damaged).collect::<Vec<_>>(), "{}", row[0]);
    }
    assert_eq!(shown.len(), 4);
}

#[test]
fn the_table_of_controls_is_that_of_its_runs() {
    let found = numbers("kl_control");
    let shown = table("Which control holds the KL that it promises");
    let controls = [
        "coefficient=0.5",
        "coefficient=10",
        "stop=0.1",
        "adaptive",
        "budget(target",
        "rate=0.01",
        "project",
    ];
    for (arm, row) in shown.iter().enumerate() {
        assert_label("kl_control", arm, &[controls[arm]]);
        assert_eq!(found[&(arm, "damaged".to_owned())][0], 1.0, "{}", row[0]);
        let cell = |metric: &str, places: usize| {
            let [value, low, high, _] = found[&(arm, metric.to_owned())].map(|own| own);
            format!("{} [{}, {}]", fixed(value, places), fixed(low, places), fixed(high, places))
        };
        assert_eq!(row[1..], [cell("kl", 3), cell("p_hack", 3), cell("utility", 2)], "{}", row[0]);
    }
    assert_eq!(shown.len(), 7);
}

#[test]
fn the_table_of_trainers_is_that_of_its_runs() {
    let found = numbers("trainers");
    let shown = table("Which trainer is hurt first, at the same step size");
    let trainers = ["reinforce", "batch_normalised", "rloo", "grpo", "ppo", "exact", "best_of_n"];
    for (arm, row) in shown.iter().enumerate() {
        assert_label("trainers", arm, &[trainers[arm]]);
        let cell = |metric: &str, places: usize| {
            let own = found.get(&(arm, metric.to_owned()));
            let [value, low, high, _] = own.unwrap();
            format!("{} [{}, {}]", fixed(*value, places), fixed(*low, places), fixed(*high, places))
        };
        let damaged = found.get(&(arm, "damaged".to_owned())).map(|own| (own[0] * own[3]).round());
        let before = damaged.filter(|runs| *runs > 0.0).map(|_| cell("sightings_before_damage_median", 1));
        let wanted = [
            damaged.map_or("–".to_owned(), |runs| runs.to_string()),
            before.unwrap_or("–".to_owned()),
            cell("kl", 2),
            cell("p_hack", 3),
            cell("utility", 2),
        ];
        assert_eq!(row[1..], wanted, "{}", row[0]);
    }
    assert_eq!(shown.len(), 7);
}

#[test]
fn the_table_of_six_exploits_is_that_of_its_runs() {
    let (found, shown) = (numbers("audit_table"), table("Six exploits under the same few looks"));
    let exploits = ["proxy=50", "proxy=4", "(df=3)", "scale=3", "proxy=2.2", "proxy=3,"];
    let programmes = [
        "auditor(top",
        "looks=8e-5",
        "top(looks=0.001)",
        "benign_looks=8,",
        "benign_looks=24",
        "=78",
        "class",
    ];
    for (exploit, row) in shown.iter().enumerate() {
        for (programme, cell) in row[1..].iter().enumerate() {
            assert_label("audit_table", 7 * exploit + programme, &[exploits[exploit], programmes[programme]]);
            let of = |metric: &str| found.get(&(7 * exploit + programme, metric.to_owned()));
            let looks = |metric: &str| {
                let own = of(&format!("{metric}[top_reward@records]"));
                own.or_else(|| of(&format!("{metric}[top_reward@top]"))).unwrap()[0]
            };
            let [share, _, _, runs] = of("damaged").unwrap();
            let mut wanted = format!("{}, {}", (share * runs).round(), fixed(of("utility").unwrap()[0], 2));
            if programme > 0 {
                wanted += &format!(" · {:.0} ({:.0})", looks("looks"), looks("benign_looks"));
            }
            assert_eq!(cell, &wanted, "{}, programme {programme}", row[0]);
        }
    }
    assert_eq!(shown.len(), 6);
}

#[test]
fn the_table_of_a_hundred_exploits_is_that_of_its_runs() {
    let (found, shown) = (numbers("whack_a_mole"), table("A hundred moderate exploits"));
    for (line, row) in shown.iter().enumerate() {
        // The page has a row an auditor and surrogate, the runs surrogate, auditor and response.
        let first = 9 * (line % 2) + 3 * (line / 2);
        let auditor = ["top", "benign_looks=8,", "benign_looks=78"][line / 2];
        for (arm, response) in ["none", "remove", "class"].iter().enumerate() {
            assert_label("whack_a_mole", first + arm, &[["masked", "clipped"][line % 2], auditor, response]);
        }
        let of = |arm: usize, metric: &str| found.get(&(arm, metric.to_owned()));
        let ended = |arm: usize| {
            let [share, _, _, runs] = of(arm, "damaged").unwrap();
            format!("{}, {}", (share * runs).round(), fixed(of(arm, "utility").unwrap()[0], 2))
        };
        let looks = |metric: &str| {
            let own = of(first + 1, &format!("{metric}[top_reward@records]"));
            own.or_else(|| of(first + 1, &format!("{metric}[top_reward@top]"))).unwrap()[0]
        };
        let read = format!("{:.0} ({:.0})", looks("looks"), looks("benign_looks"));
        assert_eq!(
            row[2..],
            [read, ended(first), ended(first + 1), ended(first + 2)],
            "{}, {}",
            row[0],
            row[1]
        );
    }
    assert_eq!(shown.len(), 6);
}

/// `mean [low, high]` of an arm's metric, times `factor`.
fn shown(found: &Numbers, arm: usize, metric: &str, (factor, places): (f64, usize)) -> String {
    let [mean, low, high, _] = found[&(arm, metric.to_owned())].map(|own| fixed(factor * own, places));
    format!("{mean} [{low}, {high}]")
}

/// How many runs of an arm.
fn hits(found: &Numbers, arm: usize, metric: &str) -> String {
    let [share, _, _, runs] = found[&(arm, metric.to_owned())];
    (share * runs).round().to_string()
}

#[test]
fn the_table_of_prompts_that_were_held_out_is_that_of_its_runs() {
    let found = numbers("held_out");
    let rows = table("A network does at deployment what no rollout of training could have been");
    let policies = ["tabular", "product", "mlp", "gru", "transformer"];
    assert_eq!(rows.len(), policies.len());
    for (place, row) in rows.iter().enumerate() {
        assert_label(
            "held_out",
            6 * place,
            &[policies[place], "prompts=trained", "[2, 5], prompts=held_out"],
        );
        assert_label("held_out", 6 * place + 4, &[policies[place], "only=[0]", "[2, 5, 2, 5]"]);
        // Half of the prompts are held out.
        let own = |arm: usize| shown(&found, 6 * place + arm, "p_hack", (200.0, 2));
        assert_eq!(row[1..], (0..6).map(own).collect::<Vec<_>>(), "{}", row[0]);
    }
    let [prior, twice] = [100.0 / 64.0, 100.0 / 4096.0];
    for arm in 0..30 {
        let [mean, low, high, _] = found[&(arm, "p_hack".to_owned())].map(|own| 200.0 * own);
        match (arm / 6, arm % 6) {
            // Who keeps prompts apart.
            (0 | 1, 1 | 4) => assert!((mean - twice).abs() < 1e-9),
            (0 | 1, _) => assert!((mean - prior).abs() < 1e-9),
            (_, 0) => assert!(low > 10.0 * prior),
            (2 | 3, 3) => assert!(low > prior),
            (4, 3) => assert!(low < prior && mean > prior),
            (_, 2 | 5) => assert!(high < prior),
            _ => {}
        }
    }
    let runs = |arm: usize, metric: &str| hits(&found, arm, metric).parse::<u64>().unwrap();
    let networks = || [12, 15, 18, 21, 24, 27];
    let ends = |metric: &str| {
        let all: Vec<u64> = networks().into_iter().map(|arm| runs(arm, metric)).collect();
        (all.iter().min().copied().unwrap(), all.iter().max().copied().unwrap())
    };
    assert_eq!(ends("alarmed[reading_list@deployed]"), (2, 6));
    assert_eq!(ends("alarmed[random(rate=0.05)@deployed]"), (5, 12));
    for arm in 0..30 {
        let log_ratio =
            ["alarmed", "false_alarm"].map(|own| runs(arm, &format!("{own}[log_ratio@deployed]")));
        assert_eq!(log_ratio[0], log_ratio[1], "arm {arm}");
        assert_eq!(
            ["alarmed", "false_alarm"].map(|own| runs(arm, &format!("{own}[actions@deployed]"))),
            [12, 12]
        );
    }
}

#[test]
fn the_table_of_graded_exploits_is_that_of_its_runs() {
    let found = numbers("graded_exploit");
    let rows = table("Keeping every extreme out of training is not enough where mild instances are paid");
    let policies = ["tabular", "product", "mlp", "gru", "transformer"];
    assert_eq!(rows.len(), policies.len());
    for (place, row) in rows.iter().enumerate() {
        for (arm, words) in
            [["proxy=1", "none"], ["proxy=1", "remove"], ["proxy=0", "relabel"]].iter().enumerate()
        {
            let arm = if arm == 2 { 5 } else { arm };
            assert_label("graded_exploit", 6 * place + arm, &[policies[place], words[0], words[1]]);
        }
        let own = |arm: usize| {
            let arm = 6 * place + arm;
            format!("{} · {}", shown(&found, arm, "p_hack", (100.0, 2)), hits(&found, arm, "damaged"))
        };
        assert_eq!(row[1..], [own(0), own(1), own(2), own(4)], "{}", row[0]);
    }
    // What the page says in words.
    let prior = 1.0 / 4096.0;
    for place in 0..policies.len() {
        let [_, low, high, _] = found[&(6 * place + 1, "p_hack".to_owned())];
        let [.., untaught, _] = found[&(6 * place + 4, "p_hack".to_owned())];
        assert!(untaught < 10.0 * prior, "{}", policies[place]);
        assert!(if place == 0 { high < 1.01 * prior } else { low > 10.0 * prior }, "{}", policies[place]);
        let [.., high, _] = found[&(6 * place + 2, "p_hack".to_owned())];
        assert!(place < 2 || high < 10.0 * prior, "{}", policies[place]);
        assert!(["0", "1"].contains(&hits(&found, 6 * place + 2, "damaged").as_str()));
        let worth = |response: usize| found[&(6 * place + response, "utility".to_owned())];
        assert!(place < 2 || worth(2)[1] > worth(1)[2], "{}", policies[place]);
        // Who sees it in 2,000 samples of what is deployed, of 24.
        let told = |monitor: &str| hits(&found, 6 * place + 1, &format!("alarmed[{monitor}@deployed]"));
        let (list, random) = (told("reading_list"), told("random(rate=0.05)").parse::<u64>().unwrap());
        assert!(place < 2 || list == "24" && (16..=19).contains(&random), "{}", policies[place]);
        assert_eq!(told("log_ratio"), "0");
        assert!(told("actions").parse::<u64>().unwrap() <= 3);
    }
}

#[test]
fn the_table_of_critics_is_that_of_its_runs() {
    let found = numbers("graded_critic");
    let rows = table("A critic of its own changes nothing of that");
    let critics = [["gru", "false"], ["gru", "true"], ["transformer", "false"], ["transformer", "true"]];
    assert_eq!(rows.len(), critics.len());
    for (place, (row, [policy, apart])) in rows.iter().zip(critics).enumerate() {
        for (arm, [paid, response]) in [
            (0, ["proxy=1", "none"]),
            (1, ["proxy=1", "remove"]),
            (2, ["proxy=1", "relabel"]),
            (4, ["proxy=0", "remove"]),
        ] {
            let words = [policy, &format!("separate_critic={apart}"), paid, response];
            assert_label("graded_critic", 6 * place + arm, &words);
        }
        let own = |arm: usize| {
            let arm = 6 * place + arm;
            format!("{} · {}", shown(&found, arm, "p_hack", (100.0, 2)), hits(&found, arm, "damaged"))
        };
        assert_eq!(row[2..], [own(0), own(1), own(2), own(4)], "{}", row[0]);
        assert!(row[0].eq_ignore_ascii_case(policy) && (row[1] == "on a head") == (apart == "false"));
    }
    // With and without it the intervals overlap.
    for place in [0, 2] {
        let of = |place: usize| found[&(6 * place + 1, "p_hack".to_owned())];
        assert!(of(place)[2] > of(place + 1)[1]);
    }
}

#[test]
fn the_table_of_readers_is_that_of_its_runs() {
    let found = numbers("auditors");
    let rows = table("Ten cheap reads that err limit a hundred exploits better than one that does not");
    let exploits = ["proxy=12", "proxy=24", "outcomes=100"];
    let readers = ["response=none", "benign_looks=60", "reader=", "screen="];
    assert_eq!(rows.len(), exploits.len());
    for (exploit, row) in rows.iter().enumerate() {
        let cell = |reader: usize| {
            let arm = exploits.len() * reader + exploit;
            assert_label(
                "auditors",
                arm,
                &[exploits[exploit], readers[reader].trim_start_matches("response=")],
            );
            let spent = match reader {
                0 => String::new(),
                _ => format!(" · {}", fixed(found[&(arm, "audit_cost".to_owned())][0], 1)),
            };
            format!("{} · {}{spent}", hits(&found, arm, "damaged"), shown(&found, arm, "utility", (1.0, 2)))
        };
        assert_eq!(row[1..], (0..4).map(cell).collect::<Vec<_>>(), "{}", row[0]);
        assert_eq!(fixed(found[&(exploit, "clean_utility".to_owned())][0], 2), "1.46");
    }
}

#[test]
fn the_table_of_evasion_is_that_of_its_runs() {
    let found = numbers("evasion");
    let rows = table("A monitor's score in the reward seldom deters, and costs utility");
    assert_eq!(rows.len(), 7);
    for (place, row) in rows.iter().enumerate() {
        let zero = if row[1].starts_with('.') { "0" } else { "" };
        assert_label("evasion", 2 * place, &[&format!("weight={zero}{}", row[1]), "none"]);
        let cell = |arm: usize| {
            let mass = fixed(found[&(arm, "p_hack".to_owned())][0], 3);
            format!("{} · {mass} · {}", hits(&found, arm, "damaged"), shown(&found, arm, "utility", (1.0, 2)))
        };
        assert_eq!(row[2..], [cell(2 * place), cell(2 * place + 1)], "{}", row[0]);
        // No run is damaged where records are read, and every weight above 0 costs utility.
        assert_eq!(hits(&found, 2 * place + 1, "damaged"), "0");
        let [none, own] = [1, 2 * place + 1].map(|arm| found[&(arm, "utility".to_owned())]);
        assert!(place == 0 || own[2] < none[1], "{}", row[0]);
    }
}

#[test]
fn the_table_of_supervision_is_that_of_its_runs() {
    let found = numbers("supervision");
    let rows = table(
        "Supervision that is right on the easy part alone is worth nothing; as much noise everywhere is worth something",
    );
    let readers =
        ["none", "benign_looks=60)", "reader=cost=0.1", "sensitivity=0.5", "exploit=1, sensitivity=0"];
    assert_eq!(rows.len(), readers.len());
    for (arm, (row, reader)) in rows.iter().zip(readers).enumerate() {
        assert_label("supervision", arm, &[reader]);
        let spent = match arm {
            0 => "–".to_owned(),
            _ => fixed(found[&(arm, "audit_cost".to_owned())][0], 1),
        };
        let (p_hack, utility) =
            (shown(&found, arm, "p_hack", (1.0, 3)), shown(&found, arm, "utility", (1.0, 2)));
        assert_eq!(row[1..], [hits(&found, arm, "damaged"), p_hack, utility, spent], "{}", row[0]);
    }
    let ends = |arm: usize| found[&(arm, "utility".to_owned())];
    // Noise everywhere is better than nobody; right on the easy half is not, by the intervals.
    assert!(ends(3)[1] > ends(0)[2] && ends(4)[1] < ends(0)[2]);
    assert_eq!(fixed(found[&(0, "clean_utility".to_owned())][0], 2), "1.45");
}

/// The README says the same of them.
#[test]
fn the_readme_has_the_shares_of_the_held_out_prompts() {
    let found = numbers("held_out");
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for (arm, name) in [(12, "MLP"), (18, "GRU")] {
        let [mean, low, high, _] = found[&(arm, "p_hack".to_owned())].map(|own| fixed(200.0 * own, 0));
        let (long, short) = (
            format!("{mean}% [{low}, {high}] of answers ({name})"),
            format!("{mean}% [{low}, {high}] ({name})"),
        );
        assert!(readme.contains(&long) || readme.contains(&short), "{long}");
    }
    // A recurrent network whose extremes were removed.
    let [mean, low, high, _] =
        numbers("graded_exploit")[&(19, "p_hack".to_owned())].map(|own| fixed(100.0 * own, 0));
    assert!(readme.contains(&format!("{mean}% [{low}, {high}] of rollouts (GRU)")));
}
