//! Holds the conformance suite to its word: every case cites its page, there are enough of them, and each thing that
//! the local AWS must get right has its cases.

use std::collections::BTreeSet;

use crate::sources::rust_files;

const CASES_MIN: usize = 400;
const TRUST_SHAPES_MIN: usize = 40;

/// The attribute of a case, written so that this file holds none.
const CASE: &str = concat!("#[tokio", "::test");

/// A case with the comment above it.
struct Case {
    name: String,
    comment: String,
    file: String,
}

/// Every case of the suite, in macros too: an attribute, then the next line that names something.
fn cases() -> Vec<Case> {
    let mut found = Vec::new();
    for (file, text) in rust_files(&["tests/conformance/cases"]) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, _) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with(CASE))
        {
            let comment: Vec<&str> = lines[..at]
                .iter()
                .rev()
                .copied()
                .take_while(|line| line.starts_with("///"))
                .collect();
            let named = lines[at + 1..]
                .iter()
                .find(|line| !line.is_empty() && !line.starts_with('#'));
            let named = named
                .unwrap_or(&"")
                .trim_start_matches("async fn ")
                .trim_start_matches("fn ");
            let name = named
                .split(|char: char| !char.is_alphanumeric() && char != '_')
                .next();
            found.push(Case {
                name: name.unwrap_or_default().to_owned(),
                comment: comment.join(" "),
                file: file.clone(),
            });
        }
    }
    // What defines the macro is no case.
    found.retain(|case| !case.name.is_empty());
    found
}

#[test]
fn every_case_cites_the_page_it_comes_from() {
    for case in cases() {
        let cited = case.comment.contains("https://docs.aws.amazon.com/");
        assert!(cited, "{} in {} cites no page of AWS", case.name, case.file);
    }
}

#[test]
fn there_are_enough_cases_and_none_twice() {
    let cases = cases();
    assert!(
        cases.len() >= CASES_MIN,
        "{} cases; the bound is {CASES_MIN}",
        cases.len()
    );
    let trust = cases
        .iter()
        .filter(|case| case.file.contains("identity/trust_"))
        .count();
    assert!(
        trust >= TRUST_SHAPES_MIN,
        "{trust} shapes of trust policies; the bound is {TRUST_SHAPES_MIN}"
    );
    let mut seen = BTreeSet::new();
    for case in &cases {
        assert!(
            seen.insert((&case.file, &case.name)),
            "{} is twice in {}",
            case.name,
            case.file
        );
    }
}

/// What an emulator of the field gets wrong, and the tests that say we do not. Lifecycle and replication of objects
/// join their row when they are built.
const TRUTHS: &[(&str, &[&str])] = &[
    (
        "a trust policy is evaluated, and a wrong, missing or foreign external id is refused",
        &[
            "the_right_id_lets_in",
            "a_missing_role_and_a_refusing_role_sound_the_same",
            "a_root_user_assumes_no_role",
        ],
    ),
    (
        "what assumed credentials make belongs to the customer's account",
        &[
            "a_session_acts_in_the_roles_account",
            "accounts_and_regions_do_not_see_each_other",
            "another_account_gets_in_by_the_policy_only",
        ],
    ),
    (
        "an unknown key, a bad signature, a wrong token and too long a duration are refused",
        &[
            "an_unknown_key_is_refused",
            "a_wrong_secret_is_refused",
            "a_needless_token_is_refused",
            "a_duration_above_the_roles_maximum_is_refused",
        ],
    ),
    (
        "permissions, boundary, session policy and resource policies are enforced",
        &[
            "what_no_statement_allows_is_denied",
            "a_boundary_cuts_what_the_role_allows",
            "a_session_policy_limits_the_session",
            "a_foreign_account_needs_the_keys_policy",
            "a_service_control_policy_limits_the_root_user_too",
        ],
    ),
    (
        "the same client token gives the same resource, other parameters are a mismatch",
        &[
            "the_same_token_gives_the_same_instance",
            "the_same_token_gives_the_same_gateway",
            "operations_without_a_token_make_twins",
        ],
    ),
    (
        "a dry run answers and does not act",
        &[
            "a_dry_run_answers_and_never_acts",
            "a_dry_run_without_permission_is_refused",
        ],
    ),
    (
        "what is in use is not deleted, and a full teardown leaves nothing",
        &[
            "a_subnet_in_use_is_not_deleted",
            "each_thing_in_a_network_holds_it_until_it_is_gone",
            "a_full_teardown_leaves_nothing",
        ],
    ),
    (
        "overlapping and foreign blocks are refused, and a running instance keeps its type",
        &[
            "subnets_of_one_network_do_not_overlap",
            "a_subnet_lies_inside_its_network",
            "the_type_changes_only_while_the_instance_is_stopped",
        ],
    ),
    (
        "the instances of a group are real, in both zones, and become targets",
        &[
            "instances_are_real_and_spread_over_the_zones",
            "instances_become_targets",
        ],
    ),
    (
        "a record lands on its shard, every iterator works, a split parent drains, nothing is lost",
        &[
            "a_record_lands_on_the_shard_that_owns_the_md5_of_its_key",
            "a_sequence_number_starts_at_or_after_its_record",
            "a_moment_starts_with_what_arrived_since",
            "a_split_parent_drains_to_a_null_iterator_with_its_children",
            "concurrent_producers_lose_nothing_while_shards_split_and_merge",
            "every_acknowledged_record_survives_a_kill_in_the_middle_of_puts",
        ],
    ),
    (
        "a full shard fails some records of a batch and not the others",
        &[
            "a_full_shard_fails_some_records_of_a_batch_and_not_the_others",
            "some_records_of_a_batch_may_fail",
        ],
    ),
    (
        "a wrong checksum is refused; lifecycle really moves classes; replication across regions copies",
        &[
            "a_wrong_checksum_is_refused_under_every_algorithm",
            "an_object_moves_from_class_to_class",
            "a_version_arrives_as_it_was_written",
        ],
    ),
    (
        "a Redshift statement runs in a transaction, COPY reads the manifest, a token runs once",
        &[
            "a_failing_batch_rolls_back_whole",
            "copy_by_manifest_loads_exactly_the_rows_of_its_files",
            "a_client_token_runs_once",
        ],
    ),
];

#[test]
fn each_thing_to_get_right_has_its_tests() {
    let files = rust_files(&["tests/conformance/cases", "crates/local-aws/tests"]);
    let there = |name: &str| {
        let named = [format!("fn {name}("), format!("    {name}(")];
        files
            .iter()
            .any(|(_, text)| named.iter().any(|named| text.contains(named)))
    };
    for (truth, tests) in TRUTHS {
        for test in *tests {
            assert!(there(test), "nothing shows that {truth}: {test} is gone");
        }
    }
}
