//! The examples do what they say they do: each is run, as it stands in `examples/`.

#[path = "../../examples/exact_tilt.rs"]
mod exact_tilt;
#[path = "../../examples/own_detector.rs"]
mod own_detector;
#[cfg(feature = "lab")]
#[path = "../../examples/own_policy.rs"]
pub mod own_policy;
#[path = "../../examples/plan_an_audit.rs"]
mod plan_an_audit;
#[path = "../../examples/reading_list.rs"]
mod reading_list;

#[test]
fn those_of_the_judge_run() {
    exact_tilt::main().unwrap();
    own_detector::main().unwrap();
    plan_an_audit::main().unwrap();
    reading_list::main().unwrap();
}

#[cfg(feature = "lab")]
#[test]
fn a_policy_of_ones_own_trains() {
    own_policy::main().unwrap();
}

#[test]
fn every_example_is_run() {
    let here = include_str!("examples.rs");
    let mut seen = 0;
    for entry in std::fs::read_dir("examples").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".rs") {
            assert!(here.contains(&format!("{stem}::main()")), "{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 5);
}
