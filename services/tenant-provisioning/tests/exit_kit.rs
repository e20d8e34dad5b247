//! The exit kit holds exactly what the account has, in a template that CloudFormation's own linter takes.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::Installation;
use tenant_model::deployment::{Phase, Profile};
use tenant_provisioning::documents;

/// The linter, where it is installed: on the path, or where the variable says.
fn linter() -> Option<Command> {
    let named = std::env::var("CFN_LINT").unwrap_or_else(|_| "cfn-lint".to_owned());
    let there = Command::new(&named)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    there.then(|| Command::new(named))
}

#[tokio::test]
async fn the_kit_of_a_deployment_names_what_the_account_has() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = installation.approved(&acme).await.deployment_id;
    installation.until(id, Phase::Ready).await;

    let kit = documents::take_over(&installation.app, None, id)
        .await
        .expect("a kit");
    assert_eq!(kit.left_out, []);
    let items = installation.world.control.inventory_of(&acme.account);
    let there: BTreeSet<String> = items.into_iter().map(|item| item.id).collect();
    let mut named = 0;
    for one in &kit.resources_to_import {
        let identifier = one["ResourceIdentifier"].as_object().expect("an identifier");
        for value in identifier.values().filter_map(Value::as_str) {
            let is_id = ["vpc-", "igw-", "subnet-", "rtb-", "sg-", "i-", "eipalloc-"]
                .iter()
                .any(|prefix| value.starts_with(prefix));
            if is_id {
                assert!(there.contains(value), "{value} is not in the account");
                named += 1;
            }
        }
    }
    assert!(named >= 9, "{named}");
    lint("single", &kit.template);

    installation.deleted(id).await;
    installation.until(id, Phase::Deleted).await;
    let kit = documents::take_over(&installation.app, None, id)
        .await
        .expect("a kit");
    assert_eq!(kit.resources_to_import, Vec::<Value>::new());
}

#[tokio::test]
async fn a_highly_available_deployment_is_in_its_kit_as_a_whole() {
    let mut installation = Installation::start().await;
    installation.profile = Profile::HighlyAvailable;
    let acme = installation.customer(1).await;
    let id = installation.approved(&acme).await.deployment_id;
    installation.until(id, Phase::Ready).await;
    let kit = documents::take_over(&installation.app, None, id)
        .await
        .expect("a kit");
    assert_eq!(kit.left_out, []);
    assert!(
        kit.resources_to_import.len() >= 30,
        "{}",
        kit.resources_to_import.len()
    );
    lint("highly-available", &kit.template);
}

fn lint(name: &str, template: &Value) {
    let Some(mut linter) = linter() else {
        println!("cfn-lint is not installed; the template was not linted");
        return;
    };
    let file = std::env::temp_dir().join(format!("tenantry-exit-kit-{name}-{}.json", std::process::id()));
    std::fs::write(&file, serde_json::to_vec_pretty(template).expect("JSON")).expect("a file");
    let output = linter
        // The kit is of what exists, in the zone where it exists.
        .args(["--ignore-checks", "W3010"])
        .arg("--regions")
        .arg("eu-central-1")
        .arg("--")
        .arg(Path::new(&file))
        .output();
    let output = output.expect("the linter runs");
    std::fs::remove_file(&file).expect("the file");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
