use super::*;
use crate::proof::Denier;

fn wish() -> Wish {
    Wish {
        profile: Profile::Single,
        instance_type: "m6i.large".to_owned(),
        network: NetworkWish::New {
            cidr: "10.42.0.0/16".parse().expect("a block"),
        },
    }
}

fn existing() -> Wish {
    Wish {
        network: NetworkWish::Existing,
        ..wish()
    }
}

fn network(id: &str, block: &str) -> Network {
    Network {
        id: id.to_owned(),
        blocks: vec![block.parse().expect("a block")],
        ours: false,
        offered: false,
        dns: true,
        subnets: vec![Subnet {
            id: "subnet-1".to_owned(),
            zone: "eu-central-1a".to_owned(),
            free_addresses: 200,
            tagged_public: true,
            reaches_internet: true,
        }],
    }
}

fn facts() -> Facts {
    let usage = |used, quota| Ok(Usage { quota, used });
    Facts {
        region: "eu-central-1".to_owned(),
        region_enabled: Ok(true),
        zones: Ok(vec!["eu-central-1a".to_owned(), "eu-central-1b".to_owned()]),
        type_vcpus: Ok(2),
        vcpus: usage(3, 5),
        addresses: usage(4, 5),
        networks_quota: usage(4, 5),
        nat_gateways: usage(5, 5),
        networks: Ok(vec![network("vpc-1", "172.31.0.0/16")]),
        permissions: Ok(vec![Trial {
            action: "ec2:CreateVpc".to_owned(),
            outcome: TrialOutcome::Allowed,
        }]),
    }
}

fn result(wish: &Wish, facts: &Facts, name: &str) -> CheckResult {
    let checks = check(wish, facts);
    assert_eq!(checks.len(), 8, "all run, none hides another");
    let found = checks.into_iter().find(|check| check.name == name);
    found.expect("the check").result
}

fn fix(wish: &Wish, facts: &Facts, name: &str) -> String {
    match result(wish, facts, name) {
        CheckResult::Failed { fix, .. } => fix,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn an_account_with_just_enough_room_passes_every_check() {
    for check in check(&wish(), &facts()) {
        assert!(matches!(check.result, CheckResult::Passed { .. }), "{check:?}");
        assert!(!check.why.is_empty());
    }
}

#[test]
fn each_quota_says_how_much_to_ask_for() {
    let full = |used| Ok(Usage { quota: 5, used });
    let table = [
        (
            "vcpus",
            Facts {
                vcpus: full(4),
                ..facts()
            },
            "value 6 for L-1216C47A",
        ),
        (
            "addresses",
            Facts {
                addresses: full(5),
                ..facts()
            },
            "value 6 for L-0263D0A3",
        ),
        (
            "vpcs",
            Facts {
                networks_quota: full(5),
                ..facts()
            },
            "value 6 for L-F678F1CE",
        ),
        (
            "nat_gateways",
            Facts {
                nat_gateways: full(6),
                ..facts()
            },
            "value 6 for L-FE5A380F",
        ),
    ];
    for (name, facts, words) in table {
        let fix = fix(&wish(), &facts, name);
        assert!(fix.contains(words), "{name}: {fix}");
    }
}

#[test]
fn a_region_and_zones_that_lack_the_type_are_told() {
    let off = Facts {
        region_enabled: Ok(false),
        ..facts()
    };
    assert!(fix(&wish(), &off, "region").contains("Enable eu-central-1"));
    let nowhere = Facts {
        zones: Ok(Vec::new()),
        ..facts()
    };
    assert!(fix(&wish(), &nowhere, "zones").contains("another instance type"));
}

#[test]
fn a_clash_names_the_network_and_the_next_free_block() {
    let clash = Facts {
        networks: Ok(vec![
            network("vpc-1", "10.42.0.0/16"),
            network("vpc-2", "10.43.0.0/16"),
        ]),
        ..facts()
    };
    assert!(fix(&wish(), &clash, "network").contains("10.44.0.0/16"));
    let mut own = network("vpc-1", "10.42.0.0/16");
    own.ours = true;
    let own = Facts {
        networks: Ok(vec![own]),
        ..facts()
    };
    assert!(matches!(
        result(&wish(), &own, "network"),
        CheckResult::Passed { .. }
    ));
}

#[test]
fn an_existing_network_is_found_by_its_tag_and_everything_it_lacks_is_listed() {
    assert!(fix(&existing(), &facts(), "network").contains("tenantry:use"));
    let offered = |change: fn(&mut Network)| {
        let mut one = network("vpc-1", "172.31.0.0/16");
        one.offered = true;
        change(&mut one);
        Facts {
            networks: Ok(vec![one]),
            ..facts()
        }
    };
    let whole = offered(|_| ());
    assert!(matches!(
        result(&existing(), &whole, "network"),
        CheckResult::Passed { .. }
    ));
    let two = Facts {
        networks: whole.networks.clone().map(|mut found| {
            found.extend(found.clone());
            found
        }),
        ..facts()
    };
    assert!(fix(&existing(), &two, "network").contains("exactly one"));
    let poor = offered(|network| {
        network.dns = false;
        network.subnets[0].reaches_internet = false;
        network.subnets[0].free_addresses = 3;
    });
    let fix_of_all = fix(&existing(), &poor, "network");
    for words in ["DNS support", "default route", "3 free addresses"] {
        assert!(fix_of_all.contains(words), "{fix_of_all}");
    }
    let untagged = offered(|network| network.subnets.clear());
    assert!(fix(&existing(), &untagged, "network").contains("tenantry:subnet = public"));
    // A network of the tenant's takes none of its VPC quota.
    let full = Facts {
        networks_quota: Ok(Usage { quota: 5, used: 5 }),
        ..whole
    };
    assert!(matches!(
        result(&existing(), &full, "vpcs"),
        CheckResult::Passed { .. }
    ));
}

#[test]
fn what_was_not_seen_is_unknown_and_hides_nothing_else() {
    let silent = || "RequestLimitExceeded".to_owned();
    let blind = Facts {
        vcpus: Err(silent()),
        networks: Err(silent()),
        type_vcpus: Err(silent()),
        ..facts()
    };
    for name in ["vcpus", "network"] {
        assert_eq!(
            result(&wish(), &blind, name),
            CheckResult::Unknown { reason: silent() }
        );
    }
    assert!(matches!(
        result(&wish(), &blind, "addresses"),
        CheckResult::Passed { .. }
    ));
}

#[test]
fn a_refused_call_is_named_with_who_refuses() {
    let outcome = TrialOutcome::Refused { by: Denier::Boundary };
    let action = "ec2:CreateVpc".to_owned();
    let refused = Facts {
        permissions: Ok(vec![Trial { action, outcome }]),
        ..facts()
    };
    let CheckResult::Failed { found, .. } = result(&wish(), &refused, "permissions") else {
        panic!("passed");
    };
    assert!(
        found.contains("boundary") && found.contains("ec2:CreateVpc"),
        "{found}"
    );
}
