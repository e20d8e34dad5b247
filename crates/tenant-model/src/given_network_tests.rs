use super::*;

const ZONES: [&str; 3] = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];

fn zones() -> Vec<String> {
    ZONES.map(str::to_owned).into()
}

fn subnet(id: &str, zone: &str, purpose: Purpose, free_addresses: u32) -> Subnet {
    Subnet {
        id: id.to_owned(),
        zone: zone.to_owned(),
        free_addresses,
        purpose: Some(purpose),
        way_out: match purpose {
            Purpose::Public => WayOut::Gateway,
            Purpose::Private => WayOut::Nat {
                zone: Some(zone.to_owned()),
            },
        },
    }
}

fn network(subnets: Vec<Subnet>) -> Network {
    Network {
        id: "vpc-1".to_owned(),
        blocks: Vec::new(),
        ours: false,
        offered: true,
        dns: true,
        subnets,
    }
}

fn ids(subnets: &[GivenSubnet]) -> Vec<&str> {
    subnets.iter().map(|subnet| subnet.id.as_str()).collect()
}

#[test]
fn the_roomiest_whole_subnet_of_the_first_zone_is_used() {
    let mut broken = subnet("subnet-0", ZONES[0], Purpose::Public, 900);
    broken.way_out = WayOut::Other;
    let found = network(vec![
        broken,
        subnet("subnet-1", ZONES[0], Purpose::Public, 8),
        subnet("subnet-2", ZONES[0], Purpose::Public, 200),
        subnet("subnet-3", ZONES[1], Purpose::Public, 250),
    ]);
    let given = choose(&[found], Profile::Single, &zones()).expect("a network");
    assert_eq!(
        (given.vpc.as_str(), ids(&given.public)),
        ("vpc-1", vec!["subnet-2"])
    );
    assert_eq!(given.private, []);
}

#[test]
fn a_zone_that_does_not_offer_the_machine_is_passed_over() {
    let found = network(vec![
        subnet("subnet-1", ZONES[0], Purpose::Public, 200),
        subnet("subnet-2", ZONES[1], Purpose::Public, 200),
    ]);
    let given = choose(std::slice::from_ref(&found), Profile::Single, &zones()[1..]).expect("a network");
    assert_eq!(ids(&given.public), ["subnet-2"]);
    let nowhere = choose(&[found], Profile::Single, &zones()[2..]).expect_err("no zone");
    assert!(nowhere.fix.contains("0 are tagged"), "{nowhere:?}");
}

#[test]
fn what_a_network_has_to_have_is_said_before_and_after() {
    let none = choose(&[], Profile::Single, &zones()).expect_err("no network");
    assert!(
        none.fix.contains(&SubnetNeeds::of(Profile::Single).words()),
        "{none:?}"
    );
    let mut full = network(vec![subnet("subnet-1", ZONES[0], Purpose::Public, 7)]);
    full.dns = false;
    let lacking = choose(&[full], Profile::Single, &zones()).expect_err("too small");
    assert!(
        lacking.fix.contains("DNS support") && lacking.fix.contains("7 free addresses; 8 are needed"),
        "{lacking:?}"
    );
}

#[test]
fn a_private_subnet_leads_to_a_gateway_of_its_own_zone() {
    let good = subnet("subnet-1", ZONES[0], Purpose::Private, 16);
    assert_eq!(faults(&good, Purpose::Private), Vec::<String>::new());
    let wrong = [
        WayOut::None,
        WayOut::Gateway,
        WayOut::Other,
        WayOut::Nat { zone: None },
        WayOut::Nat {
            zone: Some(ZONES[1].to_owned()),
        },
    ];
    for way_out in wrong {
        let subnet = Subnet {
            way_out,
            ..good.clone()
        };
        assert!(
            faults(&subnet, Purpose::Private)[0].contains("own zone eu-central-1a"),
            "{subnet:?}"
        );
    }
    let small = subnet("subnet-1", ZONES[0], Purpose::Private, 15);
    assert!(faults(&small, Purpose::Private)[0].contains("16 are needed"));
}

#[test]
fn two_zones_each_give_a_public_and_a_private_subnet() {
    let zone = |place: usize| {
        [
            subnet(&format!("subnet-p{place}"), ZONES[place], Purpose::Public, 8),
            subnet(&format!("subnet-q{place}"), ZONES[place], Purpose::Private, 16),
        ]
    };
    let mut broken = zone(0);
    broken[1].way_out = WayOut::Nat {
        zone: Some(ZONES[1].to_owned()),
    };
    // The first zone has no way out of its own, so the other two are used.
    let whole = network([broken, zone(1), zone(2)].concat());
    let given = choose(&[whole], Profile::HighlyAvailable, &zones()).expect("a network");
    assert_eq!(ids(&given.public), ["subnet-p1", "subnet-p2"]);
    assert_eq!(ids(&given.private), ["subnet-q1", "subnet-q2"]);
    let choice = NetworkChoice::from(given);
    let NetworkChoice::Existing {
        vpc, private_subnets, ..
    } = choice
    else {
        panic!("a new network");
    };
    assert_eq!((vpc.as_str(), private_subnets.len()), ("vpc-1", 2));

    let one = network(zone(0).into());
    let lacking = choose(&[one], Profile::HighlyAvailable, &zones()).expect_err("one zone");
    assert!(
        lacking.fix.contains("tenantry:subnet = private; 1 are tagged"),
        "{lacking:?}"
    );
    assert!(
        SubnetNeeds::of(Profile::HighlyAvailable)
            .words()
            .contains("each of 2 zones")
    );
}
