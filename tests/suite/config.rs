//! Bad input: every fault has a place, says what is wrong and what to do; nothing that can be typed panics.

use proptest::prelude::*;
use tailcatch::config::{
    ConfigError, Loaded, ObservedRuns, bytes_of, from_bytes, load, resolved, schema, template,
};

const VALID: &str = r#"question = "At which tail index does utility stop rising?"
seed = 7
replicates = 3

[environment.bandit]
outcomes = 1_000
utility = { normal = { mean = 0, sd = 1 } }

[reward]
mode = "frozen"
error = { normal = { sd = 2.0 } }

[[reward.exploits]]
mass = 2e-3
outcomes = 2
proxy = 50
utility = -5

[trainer.reinforce]
batch = 64
steps = 100
kl = { coefficient = 0.5, estimator = "exact", place = "loss" }

[[detectors]]
robust_z = {}
[[detectors]]
gpd_tail = { tail_fraction = 0.05 }

[audit]
budgets = [1e-3, 20]

[sweep]
"reward.error" = [{ normal = {} }, { normal = { sd = 3 } }]
"trainer.reinforce.kl.coefficient" = [0.1, 0.5, 2]
"#;

fn read(text: &str) -> Result<Loaded, ConfigError> {
    from_bytes("exp.toml", text.as_bytes(), &[])
}

fn read_set(text: &str, sets: &[&str]) -> Result<Loaded, ConfigError> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    from_bytes("exp.toml", text.as_bytes(), &sets)
}

/// `VALID` with one piece replaced.
fn with(old: &str, new: &str) -> String {
    assert!(VALID.contains(old), "the valid configuration has no {old:?}");
    VALID.replacen(old, new, 1)
}

/// Checks that exactly these faults are found: each starts with a place and contains the words.
fn refuses(text: &str, expected: &[&str]) {
    expect(read(text).expect_err("this must be refused"), expected);
}

fn expect(error: ConfigError, expected: &[&str]) {
    let found: Vec<String> =
        error.faults().iter().map(|f| format!("{f} [{}]", f.help().unwrap_or_default())).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (line, wanted) in found.iter().zip(expected) {
        for words in wanted.split(" | ") {
            assert!(line.contains(words), "{line:?} lacks {words:?}");
        }
    }
    for fault in error.faults() {
        assert!(!fault.to_string().contains('\n'), "one line: {fault}");
        assert!(fault.help().is_some_and(|help| !help.is_empty()), "no remedy: {fault}");
    }
}

#[test]
fn a_valid_configuration_gives_its_arms_first_key_slowest() {
    let loaded = read(VALID).unwrap();
    assert_eq!(loaded.sweep_keys, ["reward.error", "trainer.reinforce.kl.coefficient"]);
    let values: Vec<String> = loaded.arms.iter().map(|arm| arm.values.join(" ")).collect();
    assert_eq!(
        values,
        ["normal 0.1", "normal 0.5", "normal 2", "normal(sd=3) 0.1", "normal(sd=3) 0.5", "normal(sd=3) 2"]
    );
    assert!(loaded.arms.iter().enumerate().all(|(i, arm)| arm.index == i && arm.document.sweep.is_empty()));
    assert!(!loaded.document.sweep.is_empty());
}

#[test]
fn keys_types_and_ranges_are_all_reported_at_once() {
    let text = VALID
        .replace("outcomes = 1_000", "outcoms = 1_000\ncontexts = 0")
        .replace("batch = 64", "batch = 1e4")
        .replace("mode = \"frozen\"", "mode = \"frosen\"")
        .replace("mass = 2e-3", "mass = nan");
    refuses(
        &text,
        &[
            "exp.toml:6:1: | no key `outcoms` in `environment.bandit` | outcomes, contexts",
            "exp.toml:7:12: | `environment.bandit.contexts` is 0; a whole number, 1 or above",
            "exp.toml:11:8: | `reward.mode` has no kind `frosen` | frozen or fresh",
            "exp.toml:15:8: | `reward.exploits.0.mass` is nan; a number strictly between 0 and 1 is needed",
            "exp.toml:21:9: | is 1e4, a real number; a whole number | write 10_000",
        ],
    );
}

#[test]
fn the_nearest_key_stands_under_the_caret() {
    let error = read(&with("outcomes = 1_000", "outcoms = 1_000")).unwrap_err();
    let rendered = format!("{:?}", error.reports().next().unwrap());
    assert!(rendered.contains("did you mean `outcomes`?"), "{rendered}");
    assert!(rendered.contains("outcoms = 1_000"), "{rendered}");
    assert_eq!(error.faults()[0].excerpt(), "outcoms");
}

#[test]
fn a_kind_that_stands_as_a_value_is_told_where_it_belongs() {
    let text = with("outcomes = 1_000", "outcomes = 1_000\nbaseline = { kind = \"student_t\", df = 3 }");
    let error = read(&text).unwrap_err();
    let rendered = format!("{:?}", error.reports().next().unwrap());
    assert_eq!(error.faults().len(), 1, "{rendered}");
    let flowing = rendered.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("student_t = { df = 3 }"), "{rendered}");
    // A key that no kind has is looked for below the kind that stands there.
    let error = read_set(VALID, &["trainer.learning_raet=3"]).unwrap_err();
    let rendered = format!("{:?}", error.reports().next().unwrap());
    let flowing = rendered.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("trainer.reinforce.optimizer.sgd.learning_rate"), "{rendered}");
}

#[test]
fn each_bad_value_is_refused_at_its_place() {
    let cases: &[(&str, &str, &str)] = &[
        ("seed = 7", "seed = -1", "exp.toml:2:8: | `seed` is -1"),
        ("seed = 7", "seed = \"7\"", "exp.toml:2:8: | `seed` is the string \"7\" | remove the quotes"),
        ("seed = 7", "seed = 99999999999999999999999999999999999999999", "exp.toml:2:8: | `seed` is 9999"),
        ("seed = 7", "seed = 2026-11-22", "exp.toml:2:8: | `seed` is a date"),
        ("seed = 7", "seed = [1, 2]", "exp.toml:2:8: | `seed` is a list | [sweep]"),
        ("seed = 7", "sede = 7", "exp.toml:2:1: | no key `sede` at the top"),
        ("seed = 7", "batch = 7", "exp.toml:2:1: | no key `batch` | trainer.reinforce.batch"),
        ("outcomes = 1_000", "outcomes = 0", "exp.toml:6:12: | is 0; a whole number from 1"),
        ("outcomes = 1_000", "outcomes = 4294967296", "exp.toml:6:12: | is 4294967296"),
        ("outcomes = 1_000", "outcomes = true", "exp.toml:6:12: | is true; a whole number"),
        (
            "sd = 1 }",
            "sd = -1 }",
            "exp.toml:7:39: | `environment.bandit.utility.normal.sd` is -1; a finite number above 0",
        ),
        ("sd = 1 }", "sd = 0 }", "is 0; a finite number above 0"),
        ("sd = 1 }", "sd = inf }", "is inf; a finite number above 0"),
        ("sd = 1 }", "sd = 1e999 }", "is 1e999; a finite number above 0"),
        ("sd = 1 }", "sd = 99999999999999999999 }", "a finite number above 0"),
        ("{ normal = { mean = 0, sd = 1 } }", "\"normal\"", "takes settings | utility = { normal = {} }"),
        ("{ normal = { mean = 0, sd = 1 } }", "{ norml = {} }", "exp.toml:7:13: | has no kind `norml`"),
        ("{ normal = { mean = 0, sd = 1 } }", "{}", "exp.toml:7:11: | names no kind"),
        ("{ normal = { mean = 0, sd = 1 } }", "3", "`environment.bandit.utility` is the number 3"),
        ("mode = \"frozen\"", "mode = true", "`reward.mode` is true; a name is needed | frozen or fresh"),
        ("mode = \"frozen\"", "standardize = 1", "`reward.standardize` is the number 1"),
        ("mass = 2e-3", "mass = 1", "`reward.exploits.0.mass` is 1; a number strictly between 0 and 1"),
        ("mass = 2e-3\n", "", "exp.toml:13:1: | `reward.exploits.0` has no `mass` | add mass"),
        ("batch = 64", "batch = 0", "`trainer.reinforce.batch` is 0; a whole number, 1 or above"),
        ("batch = 64", "batch = 64.5", "is 64.5, a real number | round it"),
        ("coefficient = 0.5,", "coefficient = -0.5,", "is -0.5; a finite number, 0 or above"),
        ("place = \"loss\"", "place = \"lost\"", "exp.toml:22:56: | has no kind `lost` | reward or loss"),
        ("tail_fraction = 0.05", "tail_fracton = 0.05", "no key `tail_fracton` in `detectors.1.gpd_tail`"),
        ("budgets = [1e-3, 20]", "budgets = []", "exp.toml:30:11: | `audit.budgets` is empty"),
        (
            "budgets = [1e-3, 20]",
            "budgets = 20",
            "`audit.budgets` is the number 20; a list | square brackets",
        ),
        (
            "budgets = [1e-3, 20]",
            "budgets = [1e-3, 2.5]",
            "exp.toml:30:18: | 2.5; a fraction of the rollouts below 1",
        ),
        ("[audit]", "[audits]", "exp.toml:29:2: | no key `audits` at the top"),
        (
            "question = \"At which tail index does utility stop rising?\"",
            "",
            "the configuration has no `question`",
        ),
        ("[environment.bandit]", "[environment.maze]", "exp.toml:5:14: | `environment` has no kind `maze`"),
    ];
    for (old, new, expected) in cases {
        refuses(&with(old, new), &[expected]);
    }
}

#[test]
fn a_single_table_for_a_list_and_two_kinds_at_once_are_explained() {
    let text =
        VALID.replace("[[detectors]]\nrobust_z = {}\n[[detectors]]\ngpd_tail", "[detectors]\ngpd_tail");
    refuses(&text, &["`detectors` is a table; a list is needed | [[detectors]]"]);
    let text = format!("{VALID}\n[trainer.exact]\nkl = {{ budget = 0.1 }}\n");
    refuses(
        &text,
        &["exp.toml:36:10: | `trainer` is both `reinforce` and `exact` | sweep the whole section"],
    );
}

#[test]
fn syntax_faults_come_first_and_all_together() {
    let text = VALID.replace("seed = 7", "seed = \nsede = 1").replace("batch = 64", "batch = sixty");
    let error = read(&text).unwrap_err();
    let lines: Vec<String> = error.faults().iter().map(ToString::to_string).collect();
    assert!(lines.iter().all(|line| line.contains("not valid TOML")), "{lines:?}");
    assert!(lines[0].starts_with("exp.toml:2:"), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("exp.toml:21:9: ")), "{lines:?}");
}

#[test]
fn duplicate_keys_truncation_and_deep_nesting_are_syntax_faults() {
    let error = read(&with("seed = 7", "seed = 7\nseed = 8")).unwrap_err();
    assert!(
        error.to_string().starts_with("exp.toml:3:1: not valid TOML: this key stands here twice"),
        "{error}"
    );
    let error = read(&VALID[..VALID.find("exact").unwrap()]).unwrap_err();
    assert!(error.to_string().starts_with("exp.toml:22:"), "{error}");
    for deep in [
        format!("question = {}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("question = {}1{}", "{a=".repeat(5_000), "}".repeat(5_000)),
        format!("{}a = 1", "a.".repeat(200_000)),
        format!("[{}a]", "a.".repeat(200_000)),
        format!("question = {}", "[".repeat(100_000)),
    ] {
        assert!(read(&deep).unwrap_err().faults()[0].position().is_some());
    }
}

#[test]
fn an_empty_file_points_to_init() {
    for text in ["", "\n\n", "# only a remark\n"] {
        refuses(text, &["exp.toml:1:1: | the configuration is empty | tailcatch init"]);
    }
}

#[test]
fn encodings() {
    let mut bytes = VALID.as_bytes().to_vec();
    bytes.splice(0..0, *b"\xef\xbb\xbf");
    assert_eq!(from_bytes("exp.toml", &bytes, &[]).unwrap(), read(VALID).unwrap());
    let crlf = VALID.replace('\n', "\r\n");
    assert_eq!(read(&crlf).unwrap().arms, read(VALID).unwrap().arms);
    let error = read(&crlf.replace("batch = 64", "batch = 0")).unwrap_err();
    assert_eq!(error.faults()[0].position(), Some((20, 9)));
    let mut latin = VALID.as_bytes().to_vec();
    let at = VALID.find("tail index").unwrap();
    latin[at] = 0xe4;
    let error = from_bytes("exp.toml", &latin, &[]).unwrap_err();
    expect(error, &["exp.toml:1:22: | byte 0xe4 is not UTF-8 | save the file as UTF-8"]);
    let utf16: Vec<u8> = VALID.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(from_bytes("exp.toml", &utf16, &[]).is_err());
}

#[test]
fn contradictions_between_keys() {
    let no_sweep = &VALID[..VALID.find("[sweep]").unwrap()];
    let one = |old: &str, new: &str, expected: &str| {
        assert!(no_sweep.contains(old), "{old}");
        refuses(&no_sweep.replacen(old, new, 1), &[expected]);
    };
    one("outcomes = 1_000", "outcomes = 10_000_000\ncontexts = 2", "exp.toml:6:12: | 20000000 cells");
    one(
        "mass = 2e-3",
        "mass = 0.9\nproxy = 1\n[[reward.exploits]]\nmass = 0.2",
        "exp.toml:17:8: | sum to 1.1",
    );
    one("outcomes = 2\n", "outcomes = 1_000\n", "exp.toml:15:12: | occupy 1000 of 1000 outcomes");
    one(
        "mode = \"frozen\"",
        "mode = \"fresh\"\ncorrelation = 0.5",
        "exp.toml:11:15: | a fresh error is redrawn",
    );
    one("error = { normal = { sd = 2.0 } }", "correlation = 0.5", "exp.toml:11:15: | needs an error");
    one(
        "place = \"loss\"",
        "place = \"reward\"",
        "exp.toml:22:56: | the exact KL is one number | place = \"loss\"",
    );
    one(
        "outcomes = 1_000",
        "outcomes = 1_000\nreference = { file = \"no/such.csv\" }",
        "exp.toml:7:22: | no/such.csv | log_prob",
    );
    one(
        "robust_z = {}",
        "gpd_tail = { tail_fraction = 0.05 }",
        "exp.toml:26:1: | twice with the same settings",
    );
    one("budgets = [1e-3, 20]", "budgets = [20, 20]", "exp.toml:30:16: | stands here twice");
    let unplanted = no_sweep.replace(
        "[[reward.exploits]]\nmass = 2e-3\noutcomes = 2\nproxy = 50\nutility = -5\n",
        "hack = \"planted\"\n",
    );
    refuses(&unplanted, &["exp.toml:13:8: | there is no exploit"]);
}

#[test]
fn keys_about_rollouts_of_several_actions_are_refused_where_they_mean_nothing() {
    let of = |world: &str, policy: &str, key: &str| {
        let text = format!(
            "question = '?'\nenvironment = {{ {world} }}\npolicy = {{ {policy} = {{}} }}\ntrainer = {{ grpo = {{ {key} }} }}\n"
        );
        read(&text).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let [whole, cut] = ["false", "true"].map(|end| {
        format!("tokens = {{ vocabulary = 3, length = 3, end = {end}, utility = {{ linear = {{}} }} }}")
    });
    for key in ["loss_type = 'dapo'", "importance_sampling_level = 'sequence'"] {
        for world in ["bandit = {}", &cut] {
            let error = of(world, "tabular", key);
            assert!(error.contains("is one action"), "{world}: {error}");
        }
        assert_eq!(of(&whole, "product", key), "");
    }
    let key = "mask_truncated_completions = true";
    for (world, policy) in [("bandit = {}", "tabular"), (&*cut, "tabular"), (&*whole, "product")] {
        let error = of(world, policy, key);
        assert!(error.contains("no rollout is cut off here"), "{world}, {policy}: {error}");
    }
    assert_eq!(of(&cut, "product", key), "");
    assert_eq!(of("gridworld = {}", "product", key), "");
    let swept = format!(
        "question = '?'\nenvironment = {{ {cut} }}\npolicy = {{ product = {{}} }}\ntrainer = {{ grpo = {{}} }}\n\
         [sweep]\n'trainer.grpo.loss_type' = ['sum', 'dapo']\n'trainer.grpo.delta' = [2.0, 4.0]\n"
    );
    assert_eq!(read(&swept).unwrap().arms.len(), 4);
}

#[test]
fn a_kl_budget_is_bounded_by_the_rarest_outcome() {
    let budget = |kl: f64, exploits: &str| {
        read(&format!(
            "question = \"?\"\n[environment.bandit]\noutcomes = 1000\n{exploits}\n[trainer.exact]\nkl = {{ budget = {kl} }}\n"
        ))
    };
    // ln 1000 = 6.9078.
    assert!(budget(6.9, "").is_ok());
    let error = budget(6.91, "").unwrap_err().to_string();
    assert!(
        error.contains(
            "6:17: a KL of 6.91 nats is out of reach: the largest that this reference allows is 6.9078"
        ),
        "{error}"
    );
    // One outcome of mass 1e-6: ln 1e6 = 13.8155; in half of 10 prompts: (13.8155 + 6.9078)/2 = 10.3616.
    let exploit = "[[reward.exploits]]\nmass = 1e-6\nproxy = 9\n";
    assert!(budget(13.8, exploit).is_ok());
    assert!(budget(13.9, exploit).is_err());
    let half = format!("contexts = 10\n{exploit}contexts = 0.5\n");
    assert!(budget(10.36, &half).is_ok());
    assert!(budget(10.37, &half).is_err());
    // A class of half the mass on one outcome: the others share the rest, ln(999/0.5) = 7.5999.
    let large = "[[reward.exploits]]\nmass = 0.5\noutcomes = 1\nproxy = 9\n";
    assert!(budget(7.59, large).is_ok());
    assert!(budget(7.61, large).is_err());
    let dual = with("kl = { coefficient = 0.5,", "kl = { controller = { budget = { target = 9.9 } },");
    let error = read(&dual.replace("\"trainer.reinforce.kl.coefficient\" = [0.1, 0.5, 2]", "")).unwrap_err();
    assert!(error.to_string().contains("22:43: a KL of 9.9 nats is out of reach"), "{error}");
}

#[test]
fn sweep_faults_stand_inside_the_sweep() {
    let sweep = |lines: &str| format!("{}[sweep]\n{lines}\n", &VALID[..VALID.find("[sweep]").unwrap()]);
    let one = |lines: &str, expected: &str| refuses(&sweep(lines), &[expected]);
    one("\"reward.eror\" = [1]", "exp.toml:33:1: | there is no key `reward.eror` | `reward.error`");
    one("\"kl.coefficient\" = [1]", "there is no key `kl.coefficient` | trainer.reinforce.kl.coefficient");
    one(
        "\"trainer.exact.kl\" = [{ budget = 1 }]",
        "exp.toml:33:1: | `trainer` is `reinforce` here | name `trainer` whole",
    );
    one("\"reward.x\" = [1]", "there is no key `reward.x`");
    one("\"trainer.reinforce.batch\" = []", "exp.toml:33:29: | swept over no value");
    one("\"trainer.reinforce.batch\" = 3", "exp.toml:33:29: | a single value | square brackets");
    one("\"trainer.reinforce.batch\" = [3, 0, 4]", "exp.toml:33:33: | `trainer.reinforce.batch` is 0");
    one(
        "\"trainer.reinforce.batch\" = [3, 4, 3]",
        "exp.toml:33:36: | value 3 of `trainer.reinforce.batch` gives the same arm as value 1",
    );
    one(
        "\"reward.error\" = [{ normal = {} }, { normal = { sd = 1.0 } }]",
        "value 2 of `reward.error` gives the same arm",
    );
    one("\"reward\" = [{}]\n\"reward.mode\" = [\"fresh\"]", "exp.toml:34:1: | one contains the other");
    one("\"replicates\" = [1, 2]", "exp.toml:33:1: | `replicates` cannot be swept");
    one("\"reward.exploits.1.mass\" = [1e-3]", "`reward.exploits` has 1 entries");
    one("\"reward.exploits.first.mass\" = [1e-3]", "is a list | by its number");
    one("\"environment.bandit.outcomes\" = [2, 5_000]", "exp.toml:15:12: | occupy 2 of 2");
    refuses(
        &format!("sweep = 3\n{}", &VALID[..VALID.find("[sweep]").unwrap()]),
        &["exp.toml:1:9: | `sweep` is a table"],
    );
}

#[test]
fn contradictions_name_their_arm_and_point_into_the_swept_value() {
    let text = with(
        "\"reward.error\" = [{ normal = {} }, { normal = { sd = 3 } }]",
        "\"trainer.reinforce.kl.place\" = [\"loss\", \"reward\"]",
    );
    let error = read(&text).unwrap_err();
    assert_eq!(error.faults().len(), 1, "{error}");
    assert_eq!(error.faults()[0].position(), Some((33, 41)));
    let rendered = format!("{:?}", error.reports().next().unwrap());
    assert!(rendered.contains("in 3 of 6 arms, first trainer.reinforce.kl.place = reward"), "{rendered}");
}

#[test]
fn a_detector_without_its_column_in_any_arm_is_refused_at_its_key() {
    let detectors = |text: &str| with("[[detectors]]\nrobust_z = {}", &format!("[[detectors]]\n{text}"));
    let column = |name: &str| format!("exp.toml:25:{}: | {name}", " = ".len() + name.len() + 1);
    for (name, parts) in [
        ("disagreement", "no ensemble | add reward.ensemble, or remove the detector"),
        ("gradient_norm", "policy.tabular is a table | use influence instead"),
        ("length_residual", "needs length | environment.bandit is one action | several actions"),
        ("knn", "needs feature columns | set record.activations = true"),
    ] {
        refuses(&detectors(&format!("{name} = {{}}")), &[&format!("{} | {parts}", column(name))]);
    }
    // By what is needed, not by name: a rank of such detectors needs what all of them do.
    refuses(
        &detectors("rank_mean = { members = [{ knn = {} }, { ecod = {} }] }"),
        &["rank_mean needs feature columns"],
    );
    refuses(
        &detectors("rank_mean = { members = [{ disagreement = {} }, { gradient_norm = {} }] }"),
        &["no member could score | no ensemble | policy.tabular is a table | name a member"],
    );
    assert!(read(&detectors("rank_mean = { members = [{ disagreement = {} }, { robust_z = {} }] }")).is_ok());
    assert!(read(&detectors("influence = {}")).is_ok());
    let exact = |detector: &str, more: &str| {
        format!(
            "question = \"?\"\n[environment.bandit]\n[reward]\nerror = {{ normal = {{}} }}\n{more}\n[trainer.exact]\n\
             kl = {{ budget = 1 }}\n[[detectors]]\n{detector} = {{}}\n"
        )
    };
    refuses(
        &exact("gradient_norm", ""),
        &["trainer.exact does not learn from samples | or remove the detector"],
    );
    refuses(
        &exact("influence", ""),
        &["needs advantage | trainer.exact does not learn | train with reinforce"],
    );
    assert!(read(&exact("disagreement", "[reward.ensemble]\nmembers = 3")).is_ok());
    // A column that some arms have: the others say it in their status.
    let swept = exact("influence", "")
        + "[sweep]\n\"trainer\" = [{ exact = { kl = { budget = 1 } } }, { reinforce = {} }]\n";
    assert_eq!(read(&swept).unwrap().arms.len(), 2);
}

#[test]
fn the_base_under_a_swept_path_is_checked_too() {
    let text = with("sd = 2.0", "sd = -2.0");
    refuses(&text, &["exp.toml:11:27: | `reward.error.normal.sd` is -2.0"]);
}

#[test]
fn a_required_key_may_be_swept_alone() {
    let text = "question = \"?\"\n[environment.bandit]\n[sweep]\n\"trainer.exact.kl.budget\" = [0.1, 1]\n";
    let loaded = read(text).unwrap();
    assert_eq!(loaded.arms.len(), 2);
    let text = "question = \"?\"\n[environment.bandit]\n[sweep]\n\"trainer\" = [{ exact = { kl = { budget = 1 } } }, { reinforce = {} }]\n";
    assert_eq!(read(text).unwrap().arms[1].values, ["reinforce"]);
    let text = "question = \"?\"\n[environment.bandit]\n[sweep]\n\"trainer.exact.batch\" = [1, 2]\n";
    refuses(text, &["`trainer.exact` has no `kl`"]);
}

#[test]
fn what_a_part_checks_itself_has_a_place_too() {
    let uniform = "{ uniform = { low = 2, high = 1 } }";
    refuses(
        &with("{ normal = { mean = 0, sd = 1 } }", uniform),
        &["exp.toml:7:11: | low = 2 is not below high = 1"],
    );
    let swept =
        with("{ normal = { sd = 3 } }]", &format!("{uniform}, {{ uniform = {{ low = 4, high = 3 }} }}]"));
    refuses(&swept, &["exp.toml:33:36: | low = 2", "exp.toml:33:73: | low = 4"]);
}

#[test]
fn a_misspelt_required_key_is_one_fault_and_a_missing_value_is_named() {
    refuses(&with("question", "questoin"), &["exp.toml:1:1: | no key `questoin`"]);
    refuses(&with("seed = 7", "seed ="), &["exp.toml:2:7: | no value | key = value"]);
}

#[test]
fn unquoted_sweep_keys_mean_the_same() {
    let text = with("\"trainer.reinforce.kl.coefficient\"", "trainer.reinforce.kl.coefficient");
    assert_eq!(read(&text).unwrap().arms, read(VALID).unwrap().arms);
}

#[test]
fn entries_of_a_list_can_be_swept_and_set() {
    let text = with(
        "\"reward.error\" = [{ normal = {} }, { normal = { sd = 3 } }]",
        "\"reward.exploits.0.proxy\" = [10, 20]",
    );
    let loaded = read(&text).unwrap();
    assert_eq!(loaded.arms[3].document.reward.exploits[0].proxy.get(), 20.0);
    let loaded = read_set(VALID, &["reward.exploits.0.proxy=33"]).unwrap();
    assert_eq!(loaded.document.reward.exploits[0].proxy.get(), 33.0);
}

#[test]
fn arguments_override_the_file() {
    let loaded = read_set(
        VALID,
        &["replicates=9", "audit.delay = 5", "record.observed=none", "reward.error={normal={sd=4}}"],
    );
    // reward.error is swept.
    expect(
        loaded.unwrap_err(),
        &["exp.toml:33:1: | is swept, so --set cannot fix it | sweep.\"reward.error\""],
    );
    let loaded =
        read_set(VALID, &["replicates=9", "audit.delay = 5", "record.observed=none", "question=why"])
            .unwrap();
    assert_eq!((loaded.document.replicates.get(), loaded.document.audit.delay), (9, 5));
    assert_eq!(loaded.document.question, "why");
    assert!(loaded.arms.iter().all(|arm| arm.document.replicates.get() == 9));
    let loaded = read_set(VALID, &["sweep.\"reward.error\"=[{normal={}}]"]).unwrap();
    assert_eq!(loaded.arms.len(), 3);
    for (set, expected) in [
        ("replicates", "--set:1:1: | there is no `=` | KEY=VALUE"),
        ("=3", "--set:1:1: | not a dotted name"),
        ("replicates=", "--set:1:1: | there is no value"),
        ("replicates=0", "--set:1:12: | `replicates` is 0"),
        ("replicates= many", "--set:1:13: | `replicates` is the string \"many\""),
        ("replicats=3", "--set:1:1: | there is no key `replicats` | `replicates`"),
        ("trainer.exact.kl.budget=3", "--set:1:1: | `trainer` is `reinforce` here"),
    ] {
        expect(read_set(VALID, &[set]).unwrap_err(), &[expected]);
    }
    assert!(read_set(VALID, &["audit.budgets=[1,"]).unwrap_err().to_string().starts_with("--set:1:"));
}

/// What no memory holds, and what is never at an end, is refused at its place.
#[test]
fn sizes_have_a_limit() {
    for (set, expected) in [
        ("replicates=9223372036854775807", "--set:1:12: | 2000000 runs is the limit"),
        ("replicates=333334", "--set:1:12: | 333334 replicates of 6 arms; 2000000 runs is the limit"),
        (
            "trainer.reinforce.batch=4000000000",
            "--set:1:25: | 4000000000 rollouts a step; 10000000 is the limit",
        ),
        ("trainer.reinforce.steps=4000000000", "--set:1:25: | 1000000000 rollouts in all is the limit"),
        ("calibration.rollouts=4000000000", "--set:1:22: | 10000000 is the limit"),
    ] {
        expect(read_set(VALID, &[set]).unwrap_err(), &[expected]);
    }
    assert!(read_set(VALID, &["replicates=333333"]).is_ok());
}

#[test]
fn the_template_loads_explains_every_key_and_shows_the_defaults() {
    let text = template("my_first");
    assert!(text.contains("my_first.toml"));
    let loaded = from_bytes("my_first.toml", text.as_bytes(), &[]).unwrap();
    assert_eq!(loaded.arms.len(), 4);
    for hostile in ["", "a\nb = 1", "x\"y", "quotes\\", "../up.toml"] {
        assert!(from_bytes("x.toml", template(hostile).as_bytes(), &[]).is_ok(), "{hostile:?}");
    }
    // Every key of the parts that it uses is in it.
    let schema = schema();
    for definition in [
        "Bandit",
        "RewardSection",
        "Exploit",
        "Trigger",
        "Tokens",
        "Gridworld",
        "Reinforce",
        "KlPenalty",
        "CalibrationSection",
        "AuditSection",
        "RecordSection",
    ] {
        let keys =
            schema["$defs"][definition]["properties"].as_object().unwrap_or_else(|| panic!("{definition}"));
        for key in keys.keys() {
            let explained = text.lines().any(|line| {
                let line = line.trim_start_matches("# ").trim_start();
                line.strip_prefix(key.as_str())
                    .is_some_and(|rest| rest.trim_start().starts_with('=') && rest.contains('#'))
                    || line.starts_with(&format!("# [[reward.{key}]]"))
                    || line.contains(&format!(".{key}]"))
            });
            assert!(explained, "the template does not explain {definition}.{key}");
        }
    }
    // What is not marked "try" or a sweep is the default; only the rollouts of all runs are more than anyone wants of a first run.
    let bare = "question = \"?\"\n[environment.bandit]\n[trainer.reinforce]\n";
    let (mut shown, bare) = (loaded.document, read(bare).unwrap().document);
    assert_eq!(shown.record.observed, ObservedRuns::First);
    shown.record.observed = bare.record.observed;
    assert_eq!(shown.environment, bare.environment);
    assert_eq!(shown.trainer, bare.trainer);
    assert_eq!(shown.detectors, bare.detectors);
    assert_eq!(
        (&shown.calibration, &shown.audit, &shown.record),
        (&bare.calibration, &bare.audit, &bare.record)
    );
    shown.reward.error = None;
    shown.reward.standardize = bare.reward.standardize;
    assert_eq!(shown.reward, bare.reward);
}

#[test]
fn the_resolved_configuration_loads_back_with_every_default() {
    for text in [
        VALID.to_owned(),
        template("x"),
        VALID
            .replace("seed = 7", "seed = 18446744073709551615")
            .replace("2e-3", "2.5e-11")
            .replace("utility = -5", "utility = 1e300")
            .replace("At which", "A \\\"q\\\" \\\\ µ \\u0001"),
    ] {
        let loaded = read(&text).unwrap();
        let written = resolved(&loaded.document).unwrap();
        let again = read(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
        assert_eq!(again.document, loaded.document, "{written}");
        assert_eq!(again.arms, loaded.arms);
        assert_eq!(resolved(&again.document).unwrap(), written);
        for key in [
            "alarm_rate = 0.0001",
            "rollouts = 10000",
            "observed = \"",
            "learning_rate = 12.8",
            "[policy.tabular]",
        ] {
            assert!(written.contains(key), "{key} is missing:\n{written}");
        }
        for arm in &loaded.arms {
            assert_eq!(read(&resolved(&arm.document).unwrap()).unwrap().document, arm.document);
        }
    }
}

const IDENTITY: [&str; 5] = ["environment", "reward", "policy", "trainer", "seed"];

#[test]
fn defaults_and_the_question_leave_the_hashed_bytes_alone() {
    let bytes =
        |text: &str| String::from_utf8(bytes_of(&read(text).unwrap().document, &IDENTITY).unwrap()).unwrap();
    let bare = "question = \"?\"\n[environment.bandit]\n[trainer.reinforce]\n";
    assert_eq!(bytes(bare), r#"{"environment":{"bandit":{}},"trainer":{"reinforce":{}}}"#);
    let spelt = "question = \"other\"\nseed = 0\n[environment.bandit]\noutcomes = 10_000\nutility = { normal = { sd = 1 } }\n\
                 [reward]\nmode = \"frozen\"\n[trainer.reinforce]\nkl = { coefficient = 0.50 }\n[audit]\ndelay = 3\n";
    assert_eq!(bytes(spelt), bytes(bare));
    let changed = "question = \"?\"\n[environment.bandit]\n[trainer.reinforce]\nkl = { place = \"loss\", estimator = \"k3\" }\nbatch = 64\n";
    assert_eq!(
        bytes(changed),
        r#"{"environment":{"bandit":{}},"trainer":{"reinforce":{"batch":64,"kl":{"estimator":"k3","place":"loss"}}}}"#
    );
    let listed = bytes(&VALID[..VALID.find("[sweep]").unwrap()]);
    assert!(
        listed.contains(r#""exploits":[{"mass":0.002,"outcomes":2,"proxy":50.0,"utility":-5.0}]"#),
        "{listed}"
    );
}

#[test]
fn the_schema_names_every_default() {
    let schema = schema();
    assert_eq!(schema["properties"]["replicates"]["default"], 1);
    assert_eq!(schema["properties"]["detectors"]["default"].as_array().map(Vec::len), Some(4));
    assert_eq!(schema["$defs"]["AuditSection"]["properties"]["alarm_rate"]["default"], 1e-4);
    assert_eq!(schema["$defs"]["Reinforce"]["properties"]["batch"]["minimum"], 1);
    assert_eq!(schema["title"], "tailcatch configuration");
}

#[test]
fn files_that_cannot_be_read_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("none.toml"), &[]).unwrap_err();
    assert!(missing.to_string().contains("none.toml: cannot be read: "), "{missing}");
    assert!(load(folder.path(), &[]).unwrap_err().to_string().contains("is a folder"));
    let path = folder.path().join("exp.toml");
    std::fs::write(&path, VALID).unwrap();
    assert_eq!(load(&path, &[]).unwrap().arms, read(VALID).unwrap().arms);
}

#[test]
fn every_fault_renders() {
    let text = VALID.replace("outcomes = 1_000", "outcoms = 1_000").replace("seed = 7", "seed = µ7\r");
    for text in [text.as_str(), "", "a", "\u{feff}\r\n[", "question = 1"] {
        for report in read(text).unwrap_err().reports() {
            assert!(!format!("{report:?}").is_empty());
        }
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Flip(usize, u8),
    Delete(usize, usize),
    Double(usize, usize),
    Swap(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..VALID.len();
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(a, b)| Mutation::Flip(a, b)),
        (at.clone(), 0..60_usize).prop_map(|(a, n)| Mutation::Delete(a, n)),
        (at.clone(), 0..60_usize).prop_map(|(a, n)| Mutation::Double(a, n)),
        (at.clone(), at).prop_map(|(a, b)| Mutation::Swap(a, b)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let end = |at: usize, n: usize, bytes: &[u8]| (at + n).min(bytes.len());
    match *mutation {
        Mutation::Flip(at, with) if at < bytes.len() => bytes[at] = with,
        Mutation::Delete(at, n) if at < bytes.len() => {
            let end = end(at, n, bytes);
            bytes.drain(at..end);
        }
        Mutation::Double(at, n) if at < bytes.len() => {
            let piece = bytes[at..end(at, n, bytes)].to_vec();
            bytes.splice(at..at, piece);
        }
        // Whole lines change places: mostly valid TOML, often a wrong configuration.
        Mutation::Swap(a, b) => {
            let mut lines: Vec<Vec<u8>> = bytes.split(|&c| c == b'\n').map(<[u8]>::to_vec).collect();
            let (a, b) = (a % lines.len(), b % lines.len());
            lines.swap(a, b);
            *bytes = lines.join(&b'\n');
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing that comes out of a valid file by accident panics, and every fault has a place and renders.
    #[test]
    fn mutations_never_panic(mutations in prop::collection::vec(mutation(), 1..4)) {
        let mut bytes = VALID.as_bytes().to_vec();
        for m in &mutations {
            mutate(&mut bytes, m);
        }
        if let Err(error) = from_bytes("exp.toml", &bytes, &[]) {
            prop_assert!(!error.faults().is_empty());
            for fault in error.faults() {
                prop_assert!(fault.position().is_some(), "{fault}");
                let rendered = format!("{:?}", fault.report());
                prop_assert!(!rendered.is_empty());
            }
        }
    }
}
