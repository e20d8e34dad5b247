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
            purpose: Some(Purpose::Public),
            way_out: WayOut::Gateway,
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
        load_balancers: usage(50, 50),
        networks: Ok(vec![network("vpc-1", "172.31.0.0/16")]),
        peers: Ok(Vec::new()),
        volume_key: Ok(VolumeKey::Managed),
        service_roles: Ok(Vec::new()),
        permissions: allowed_trial(),
        simulated: allowed_trial(),
    }
}

fn allowed_trial() -> Seen<Vec<Trial>> {
    Ok(vec![Trial {
        action: "ec2:CreateVpc".to_owned(),
        outcome: TrialOutcome::Allowed,
    }])
}

fn result(wish: &Wish, facts: &Facts, name: &str) -> CheckResult {
    let checks = check(wish, facts);
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, CHECKS, "all run, none hides another");
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
            "load_balancers",
            Facts {
                load_balancers: full(6),
                ..facts()
            },
            "value 6 for L-53DA6B97",
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
        network.subnets[0].way_out = WayOut::None;
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

#[test]
fn every_refused_call_is_named_and_silence_about_one_hides_none() {
    let trial = |action: &str, outcome| Trial {
        action: action.to_owned(),
        outcome,
    };
    let silent = TrialOutcome::Unknown {
        reason: "Throttling".to_owned(),
    };
    let by = |by| TrialOutcome::Refused { by };
    let trials = vec![
        trial("ec2:CreateVpc", silent.clone()),
        trial("ec2:CreateSubnet", by(Denier::Role)),
        trial("ec2:DeleteVpc", by(Denier::Boundary)),
    ];
    let facts_of = |simulated| Facts {
        simulated: Ok(simulated),
        ..facts()
    };
    let CheckResult::Failed { found, .. } = result(&wish(), &facts_of(trials), "simulated_permissions")
    else {
        panic!("passed");
    };
    assert!(
        found.contains("ec2:CreateSubnet") && found.contains("boundary does not allow ec2:DeleteVpc"),
        "{found}"
    );
    let unknown = result(
        &wish(),
        &facts_of(vec![trial("ec2:CreateVpc", silent)]),
        "simulated_permissions",
    );
    assert!(matches!(unknown, CheckResult::Unknown { .. }));
}

#[test]
fn a_block_of_a_joined_network_is_told_with_the_next_free_one() {
    let joined = Facts {
        peers: Ok(vec![Peer {
            id: "pcx-1".to_owned(),
            blocks: vec!["10.42.128.0/17".parse().expect("a block")],
        }]),
        ..facts()
    };
    assert!(fix(&wish(), &joined, "peerings").contains("next free one is"));
    assert!(matches!(
        result(&existing(), &joined, "peerings"),
        CheckResult::Passed { .. }
    ));
}

#[test]
fn a_key_that_cannot_be_used_is_told_with_what_to_do() {
    let key = |state, denied_by| Facts {
        volume_key: Ok(VolumeKey::Own {
            key: "alias/disks".to_owned(),
            state,
            denied_by,
        }),
        ..facts()
    };
    let enabled = || KeyState::Enabled {
        arn: "arn:aws:kms:eu-central-1:222222222222:key/k".to_owned(),
    };
    let disabled = KeyState::Unusable {
        state: "Disabled".to_owned(),
    };
    let table = [
        (key(KeyState::Missing, None), "Choose a key"),
        (key(disabled, None), "Enable the key alias/disks"),
        (key(enabled(), Some(Denier::Role)), "kms:CreateGrant"),
    ];
    for (facts, words) in table {
        let fix = fix(&wish(), &facts, "encryption_key");
        assert!(fix.contains(words) && fix.contains("alias/aws/ebs"), "{fix}");
    }
    let usable = key(enabled(), None);
    assert!(matches!(
        result(&wish(), &usable, "encryption_key"),
        CheckResult::Passed { .. }
    ));
}

#[test]
fn two_zones_behind_a_load_balancer_need_more_of_everything() {
    let wish = |network| Wish {
        profile: Profile::HighlyAvailable,
        network,
        ..wish()
    };
    let new = wish(wish_network());
    let tight = Facts {
        zones: Ok(vec!["eu-central-1a".to_owned()]),
        load_balancers: Ok(Usage { quota: 50, used: 50 }),
        vcpus: Ok(Usage { quota: 5, used: 2 }),
        service_roles: Ok(vec![ServiceRole {
            name: "AWSServiceRoleForAutoScaling".to_owned(),
            exists: false,
            may_create: false,
        }]),
        ..facts()
    };
    let table = [
        ("zones", "needs 2 zones"),
        ("vcpus", "value 6 for L-1216C47A"),
        ("addresses", "value 6 for L-0263D0A3"),
        ("nat_gateways", "value 6 for L-FE5A380F"),
        ("load_balancers", "value 51 for L-53DA6B97"),
        ("service_roles", "make AWSServiceRoleForAutoScaling yourself"),
    ];
    for (name, words) in table {
        let fix = fix(&new, &tight, name);
        assert!(fix.contains(words), "{name}: {fix}");
    }
    // In a network of the tenant's its own gateways are used.
    for name in ["addresses", "nat_gateways"] {
        let own = result(&wish(NetworkWish::Existing), &tight, name);
        assert!(matches!(own, CheckResult::Passed { .. }), "{name}: {own:?}");
    }
    let creatable = Facts {
        service_roles: tight.service_roles.map(|mut roles| {
            roles[0].may_create = true;
            roles
        }),
        ..facts()
    };
    let CheckResult::Passed { found } = result(&new, &creatable, "service_roles") else {
        panic!("refused");
    };
    assert!(found.contains("we let AWS make it"), "{found}");
}

fn wish_network() -> NetworkWish {
    wish().network
}
