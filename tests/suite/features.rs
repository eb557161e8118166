//! Activations as feature columns, and what a swap twin shows of itself.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use tailcatch::config::{Loaded, from_bytes};
use tailcatch::experiment::{Options, Progress, Setting, Trained, run, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::reward::{RewardModel, Twin};

fn load(world: &str, policy: &str, trainer: &str, more: &str) -> Loaded {
    let text = format!(
        "question = '?'\nenvironment = {world}\npolicy = {policy}\ntrainer = {trainer}\n[calibration]\nrollouts = 300\n\
         [record]\nactivations = true\n{more}"
    );
    from_bytes("features.toml", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn trained(loaded: &Loaded, twin: Twin) -> Trained {
    let document = &loaded.document;
    let seeds = SeedTree::new(document.seed, 0);
    let model = RewardModel::build(document.environment.part(), &document.reward, &seeds, twin).unwrap();
    let (policy, trainer) = (&document.policy, &document.trainer);
    let backend = &Backend::default();
    train(
        Setting {
            deployment: None,
            model: &model,
            policy,
            trainer,
            seeds,
            backend,
            activations: true,
            audit: None,
        },
        None,
    )
    .unwrap()
}

const SMALL: &str = "{ tokens = { vocabulary = 3, length = 4, prompts = 2, end = true } }";
const LARGE: &str = "{ tokens = { vocabulary = 8, length = 8, end = true } }";
const LEARNER: &str = "{ ppo = { batch = 16, steps = 3, optimizer = { adam = { learning_rate = 0.02 } } } }";

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize) {}
    fn advance(&self, _: u64) {}
}

#[test]
fn activations_become_columns_of_a_table_and_survive_it() {
    for (policy, width) in [
        ("{ mlp = { hidden = 5, layers = 1 } }", 5),
        ("{ gru = { hidden = 4 } }", 4),
        ("{ transformer = { width = 6, heads = 2, layers = 1 } }", 6),
        ("{ product = {} }", 0),
    ] {
        let loaded = load(SMALL, policy, LEARNER, "");
        let ran = trained(&loaded, Twin::Itself);
        let back = Trained::from_record(&ran.to_record().unwrap(), Path::new("here")).unwrap();
        assert!(back == ran, "{policy}: the record gives back what was put in");
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let options = Options {
            out: out.clone(),
            threads: 1,
            fail_fast: true,
            backend: Backend::default(),
            part: Default::default(),
            allow_mixed: false,
        };
        run(&loaded, "features", &options, &Silent, &AtomicBool::new(false)).unwrap();
        let table = std::fs::read_to_string(out.join("features.csv"));
        if width == 0 {
            assert!(table.is_err(), "{policy} has no hidden layer");
            continue;
        }
        let table = table.unwrap();
        let mut lines = table.lines();
        let names: Vec<String> = (0..width).map(|unit| format!("hidden_{unit}")).collect();
        assert_eq!(lines.next().unwrap(), format!("train_id,trajectory,{}", names.join(",")), "{policy}");
        let columns: Vec<&Vec<f64>> = names
            .iter()
            .map(|name| &ran.observed.features.iter().find(|(n, _)| n == name).unwrap().1)
            .collect();
        let mut rows = 0;
        for (row, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells[1], ran.observed.trajectory[row].to_string());
            for (cell, column) in cells[2..].iter().zip(&columns) {
                assert_eq!(f64::from(cell.parse::<f32>().unwrap()), column[row], "{policy}, row {row}");
            }
            assert_eq!(cells.len(), 2 + width as usize);
            rows += 1;
        }
        assert_eq!(rows, 48);
        let spread = |column: &&Vec<f64>| column.iter().any(|x| *x != column[0]);
        assert!(columns.iter().all(spread), "{policy}: a unit that says nothing");
    }
}

#[test]
fn the_swap_twin_of_a_process_shows_the_same_to_every_observer() {
    for world in [SMALL, LARGE] {
        for reward in [
            "[reward]\nerror = { laplace = {} }\n",
            "[reward]\nmode = 'fresh'\nerror = { laplace = {} }\n",
            "[reward]\ntriggers = [{ pattern = { explicit = [0, 1] }, place = 'anywhere', proxy = 9, utility = -2 }]\n",
        ] {
            let loaded = load(world, "{ gru = { hidden = 4 } }", LEARNER, reward);
            let (one, other) = (trained(&loaded, Twin::Itself), trained(&loaded, Twin::Swapped));
            let what = format!("{world}, {reward}");
            let bits = |column: &[f64]| column.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let (a, b) = (&one.observed, &other.observed);
            assert_eq!(a.outcome, b.outcome, "{what}");
            assert_eq!(bits(&a.proxy), bits(&b.proxy), "{what}");
            for (a, b) in [
                (&a.reward, &b.reward),
                (&a.advantage, &b.advantage),
                (&a.log_prob, &b.log_prob),
                (&a.ref_log_prob, &b.ref_log_prob),
                (&a.length, &b.length),
            ] {
                assert_eq!(bits(a.as_ref().unwrap()), bits(b.as_ref().unwrap()), "{what}");
            }
            let section =
                |ran: &Trained, name: &str| ran.to_record().unwrap().section(name).unwrap().to_vec();
            assert!(section(&one, "observed.csv") == section(&other, "observed.csv"), "{what}");
            assert!(section(&one, "features.csv") == section(&other, "features.csv"), "{what}");
            assert_eq!(one.truth.utility, other.truth.error, "{what}");
            assert_eq!(one.truth.error, other.truth.utility, "{what}");
            assert!(
                one.truth.error != one.truth.utility && other.truth.hack.iter().all(|hack| !hack),
                "{what}"
            );
            assert!(one.last.policy.kl > 0.0 && one.last.policy.kl == other.last.policy.kl, "{what}");
        }
    }
}
