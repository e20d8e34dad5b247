//! `tenantry rehearse` as a person runs it.

use std::process::Command;

use serde_json::Value;

/// What `tenantry rehearse` prints, which has to end well.
fn rehearsed(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .arg("rehearse")
        .args(arguments)
        .arg("--json")
        .output()
        .expect("the executable runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Plays with 4 tenants in a storm and gives the figures, without the wall time.
fn rehearse(seed: &str) -> Value {
    let storm = ["--profile", "single", "--tenants", "4", "--faults", "storm"];
    let mut figures = rehearsed(&[&storm[..], &["--seed", seed]].concat());
    figures
        .as_object_mut()
        .and_then(|figures| figures.remove("seconds"))
        .expect("the wall time is among the figures");
    figures
}

#[test]
fn a_storm_leaves_nothing_behind_and_the_same_seed_gives_the_same_run() {
    let first = rehearse("11");
    assert_eq!(first["ready"], 4, "{first:#}");
    for figure in ["orphans", "duplicates", "missing", "leaked", "falsely_deleted"] {
        assert_eq!(first[figure], 0, "{figure}: {first:#}");
    }
    assert_eq!(
        first["tenants_without_fault"], 0,
        "a storm spares nobody: {first:#}"
    );
    assert_eq!(first, rehearse("11"));
    assert_ne!(first["digest"], rehearse("12")["digest"]);
}

/// Every one of the points is played by `tenantry rehearse --crash-points`.
#[test]
fn a_process_killed_at_any_boundary_leaves_its_work_to_another() {
    let figures = rehearsed(&["--crash-points", "24"]);
    let number = |name: &str| figures[name].as_u64().expect(name);
    assert_eq!(number("chosen"), 24, "{figures:#}");
    assert!(number("killed") >= 20, "{figures:#}");
    let points = figures["points_of"].as_object().expect("an act's points");
    let points: u64 = points.values().filter_map(Value::as_u64).sum();
    assert!(points >= 300, "{figures:#}");
}

/// A thousand rounds are played by `tenantry rehearse --lease-steals 1000`.
#[test]
fn a_worker_that_was_stopped_and_overtaken_writes_nothing_when_it_goes_on() {
    let figures = rehearsed(&["--lease-steals", "10", "--seed", "5"]);
    assert_eq!(figures["steals"], 10, "{figures:#}");
    assert_eq!(figures["refused"], 10, "{figures:#}");
    assert_eq!(figures["stale_writes"], 0, "{figures:#}");
}

#[test]
fn an_unknown_profile_or_mix_is_refused_with_the_names_there_are() {
    for (option, value, named) in [("--profile", "triple", "single"), ("--faults", "gale", "storm")] {
        let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["rehearse", option, value])
            .output()
            .expect("the executable runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(named), "{errors}");
    }
}
