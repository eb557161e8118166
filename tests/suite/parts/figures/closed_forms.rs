//! A closed form by what runs find of it.

use super::{chart, curve, dots};
use crate::conformance::Silent;
use crate::responses::load;
use std::sync::atomic::AtomicBool;
use tailcatch::experiment::{Options, run};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;
use tailcatch::policies::Backend;
use tailcatch::record::folder::RunFolder;

/// A small experiment: what is swept, its values, what is held against the form, and the rest of the config.
struct Case {
    axis: (&'static str, Kind),
    key: &'static str,
    values: &'static [f64],
    metric: (&'static str, &'static str),
    config: &'static str,
}

fn case(name: &str) -> Case {
    match name {
        "normal" => Case {
            axis: ("KL budget, nats", Kind::Log),
            key: "trainer.exact.kl.budget",
            values: &[0.01, 0.03, 0.1, 0.3, 1.0],
            metric: ("utility", "E[V]"),
            config: "[environment.bandit]\n[reward]\nerror = { normal = {} }\n[trainer.exact]\nkl = { budget = 1 }\n",
        },
        "exploit" => Case {
            axis: ("KL budget, nats", Kind::Log),
            key: "trainer.exact.kl.budget",
            values: &[0.01, 0.03, 0.1, 0.3, 1.0],
            metric: ("p_hack", "P(hack)"),
            config: "[environment.bandit]\n[[reward.exploits]]\nmass = 1e-3\nproxy = 8\nutility = -5\n[trainer.exact]\nkl = { budget = 1 }\n",
        },
        "selection" => Case {
            axis: ("Draws n", Kind::Log),
            key: "trainer.best_of_n.n",
            values: &[4.0, 16.0, 64.0, 256.0, 1024.0],
            metric: ("utility", "E[V]"),
            config: "[environment.bandit]\noutcomes = 50_000\n[reward]\nerror = { student_t = { df = 3 } }\n[trainer.best_of_n]\nn = 4\n",
        },
        "tail" => Case {
            axis: ("Threshold of the proxy", Kind::Linear),
            key: "trainer.conditioning.threshold",
            values: &[0.0, 1.0, 2.0, 3.0, 4.0],
            metric: ("utility", "E[V]"),
            config: "[environment.bandit]\noutcomes = 50_000\n[reward]\nerror = { student_t = { df = 3 } }\n[trainer.conditioning]\nthreshold = 1.0\n",
        },
        "audit" => Case {
            axis: ("Proxy of the exploit", Kind::Linear),
            key: "reward.exploits.0.proxy",
            values: &[1.0, 2.0, 3.0, 4.0, 6.0],
            metric: ("precision[top_reward@0.01]", "Precision of the audit"),
            config: "[environment.bandit]\noutcomes = 100_000\n[reward]\nmode = 'fresh'\nerror = { student_t = { df = 5 } }\n[[reward.exploits]]\n\
                     mass = 1e-2\noutcomes = 1_000\nproxy = 3\nutility = -5\n[trainer.reference]\nbatch = 10_000\nsteps = 1\n[audit]\nbudgets = [1e-2]\n",
        },
        "records" => Case {
            axis: ("Benign looks allowed", Kind::Linear),
            key: "audit.auditor.records.benign_looks",
            values: &[5.0, 10.0, 20.0, 40.0],
            metric: ("benign_looks[top_reward@records]", "Benign looks"),
            config: "[environment.bandit]\noutcomes = 50_000\n[reward]\nmode = 'fresh'\nerror = { student_t = { df = 3 } }\n[trainer.reference]\nbatch = 200\n\
                     steps = 10\n[audit]\nauditor = { records = { benign_looks = 5 } }\n",
        },
        "jump" => Case {
            axis: ("Rollouts of a step", Kind::Log),
            key: "trainer.reference.batch",
            values: &[100.0, 300.0, 1000.0, 3000.0],
            metric: ("sighted_before_damage", "P(seen in training)"),
            config: "[environment.bandit]\noutcomes = 1_000\n[[reward.exploits]]\nmass = 1e-4\noutcomes = 10\nproxy = 20\nutility = -50\n[trainer.reference]\n\
                     steps = 10\nbatch = 100\n[deployment]\nshift = { jump = { mass_after = 0.01 } }\nsteps = 10\n",
        },
        "watch" => Case {
            axis: ("P(hack) after the jump", Kind::Log),
            key: "deployment.shift.jump.mass_after",
            values: &[0.01, 0.03, 0.1, 0.3],
            metric: ("samples_to_first_hack_q95", "Samples, 95% quantile"),
            config: "[environment.bandit]\noutcomes = 1_000\n[[reward.exploits]]\nmass = 1e-6\noutcomes = 10\nproxy = 20\nutility = -50\n[trainer.reference]\n\
                     steps = 1\nbatch = 1\n[deployment]\nshift = { jump = { mass_after = 0.01 } }\nsamples = 1_000\nmonitors = [{ random = {} }]\n",
        },
        _ => panic!("no experiment is known for the closed form {name}: add one here"),
    }
}

pub fn figure(name: &str) -> Chart {
    let Case { axis, key, values, metric: (metric, what), config } = case(name);
    let replicates = if name == "watch" { 200 } else { 40 };
    // Counts are whole numbers, and a whole number is no fault where a real one is meant.
    let listed: Vec<String> = values.iter().map(f64::to_string).collect();
    let loaded = load(&format!(
        "question = '?'\nseed = 9\nreplicates = {replicates}\n{config}[calibration]\nrollouts = 2_000\n[[detectors]]\ntop_reward = {{}}\n[record]\n\
         observed = 'none'\n[[expect]]\nmetric = '{metric}'\nvalue = 'closed_form'\n[sweep]\n\"{key}\" = [{}]\n",
        listed.join(", ")
    ));
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        out: folder.path().join("run"),
        threads: 1,
        fail_fast: true,
        backend: Backend::default(),
        part: Default::default(),
        allow_mixed: false,
    };
    run(&loaded, name, &options, &Silent, &AtomicBool::new(false)).unwrap();
    let checks = RunFolder::open(&options.out).unwrap().checks;
    let of = |value: fn(&tailcatch::record::tables::CheckRow) -> Option<f64>| {
        let each = checks.iter().filter_map(move |row| Some((values[row.arm?], value(row)?)));
        each.collect::<Vec<_>>()
    };
    let (expected, found) = (of(|row| row.expected), of(|row| row.found));
    assert_eq!((expected.len(), found.len()), (values.len(), values.len()), "{name}: {checks:?}");
    let caption = format!(
        "The closed form (line), and what {replicates} runs of a small experiment found (dots): `{metric}` over `{key}`."
    );
    let mut chart = chart(
        format!("Form {name} and runs"),
        &caption,
        axis,
        (what, Kind::Linear),
        vec![curve("form", expected)],
    );
    chart.marks = dots(found);
    chart
}
