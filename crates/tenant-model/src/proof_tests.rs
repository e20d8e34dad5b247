use super::*;

fn account(text: &str) -> AwsAccountId {
    text.parse().expect("twelve digits")
}

fn trial(outcome: TrialOutcome) -> Vec<Trial> {
    vec![Trial {
        action: "ec2:CreateVpc".to_owned(),
        outcome,
    }]
}

fn refused_by(by: Denier) -> TrialOutcome {
    TrialOutcome::Refused { by }
}

fn clean() -> ProbeRound {
    ProbeRound {
        right_before: Answer::Assumed,
        none: Answer::AccessDenied,
        random: Answer::AccessDenied,
        other_tenants: Answer::AccessDenied,
        right_after: Answer::Assumed,
        account: Some(account("222222222222")),
        trust: Some(TrustReading::Sound),
        needed: trial(TrialOutcome::Allowed),
        forbidden: trial(refused_by(Denier::Role)),
        simulated_needed: trial(TrialOutcome::Allowed),
        simulated_forbidden: trial(refused_by(Denier::Role)),
        region_off: None,
        lost: None,
        watch: false,
    }
}

fn throttled() -> Answer {
    Answer::Unknown {
        reason: "Throttling".to_owned(),
    }
}

fn unknown(doubt: Doubt) -> Verdict {
    Verdict::Unknown { doubt }
}

fn verdict(change: impl FnOnce(&mut ProbeRound)) -> Verdict {
    let mut round = clean();
    change(&mut round);
    judge(&round, &account("222222222222"))
}

#[test]
fn only_the_exact_answers_of_every_probe_are_clean() {
    let open = |probe| refused(Cause::LockOpen { probe });
    assert_eq!(verdict(|_| ()), Verdict::Clean);
    assert_eq!(verdict(|round| round.none = Answer::Assumed), open(Probe::NoId));
    assert_eq!(
        verdict(|round| round.random = Answer::Assumed),
        open(Probe::RandomId)
    );
    assert_eq!(
        verdict(|round| round.other_tenants = Answer::Assumed),
        open(Probe::OtherTenantsId)
    );
    let slow = unknown(Doubt::Throttled);
    assert_eq!(verdict(|round| round.none = throttled()), slow);
    assert_eq!(verdict(|round| round.other_tenants = throttled()), slow);
    assert_eq!(verdict(|round| round.right_before = throttled()), slow);
    assert_eq!(
        verdict(|round| round.right_before = Answer::AccessDenied),
        Verdict::RoleRefuses { loss: None }
    );
    assert_eq!(verdict(|round| round.account = None), unknown(Doubt::Unclear));
    let found = account("333333333333");
    assert_eq!(
        verdict(|round| round.account = Some(found.clone())),
        refused(Cause::WrongAccount { found })
    );
}

#[test]
fn a_role_that_went_away_in_the_middle_proves_nothing() {
    assert_eq!(
        verdict(|round| round.right_after = Answer::AccessDenied),
        unknown(Doubt::Unclear)
    );
}

#[test]
fn an_open_lock_is_named_even_when_the_right_id_is_refused() {
    let both = |round: &mut ProbeRound| {
        round.right_before = Answer::AccessDenied;
        round.none = Answer::Assumed;
    };
    assert_eq!(verdict(both), refused(Cause::LockOpen { probe: Probe::NoId }));
}

#[test]
fn a_trust_that_probes_cannot_see_through_is_read() {
    let statement = StatementAtFault {
        number: 1,
        sid: None,
        why: "it accepts more than one external id".to_owned(),
    };
    let reading = |reading| verdict(|round| round.trust = Some(reading));
    assert_eq!(
        reading(TrustReading::AtFault { statement }),
        refused(Cause::TrustUnsafe)
    );
    let missing = |action: &str| {
        refused(Cause::PermissionMissing {
            action: action.to_owned(),
            by: Denier::Role,
        })
    };
    assert_eq!(reading(TrustReading::Denied), missing("iam:GetRole"));
    assert_eq!(reading(TrustReading::SessionRefused), missing("sts:TagSession"));
    let unread = TrustReading::Unread {
        reason: "Timeout".to_owned(),
    };
    assert_eq!(reading(unread), unknown(Doubt::NoAnswer));
    assert_eq!(verdict(|round| round.trust = None), unknown(Doubt::Unclear));
}

#[test]
fn needed_calls_must_pass_and_forbidden_ones_must_not() {
    let lost = TrialOutcome::Unknown {
        reason: "RequestLimitExceeded".to_owned(),
    };
    let action = || "ec2:CreateVpc".to_owned();
    for by in [
        Denier::Role,
        Denier::Boundary,
        Denier::Organisation,
        Denier::Unclear,
    ] {
        let missing = refused(Cause::PermissionMissing { action: action(), by });
        assert_eq!(verdict(|round| round.needed = trial(refused_by(by))), missing);
    }
    assert_eq!(
        verdict(|round| round.forbidden = trial(TrialOutcome::Allowed)),
        refused(Cause::RoleTooWide { action: action() })
    );
    let slow = unknown(Doubt::Throttled);
    assert_eq!(verdict(|round| round.needed = trial(lost.clone())), slow);
    assert_eq!(verdict(|round| round.forbidden = trial(lost)), slow);
    assert_eq!(verdict(|round| round.needed.clear()), unknown(Doubt::Unclear));
    assert_eq!(verdict(|round| round.forbidden.clear()), unknown(Doubt::Unclear));
}

#[test]
fn a_watch_holds_but_proves_nothing_anew() {
    let watch = |round: &mut ProbeRound| {
        round.watch = true;
        round.none = throttled();
        round.forbidden.clear();
        round.trust = None;
    };
    assert_eq!(verdict(watch), Verdict::Holds);
    let refused_now = |round: &mut ProbeRound| {
        watch(round);
        round.needed = trial(refused_by(Denier::Organisation));
    };
    assert_eq!(
        verdict(refused_now),
        refused(Cause::PermissionMissing {
            action: "ec2:CreateVpc".to_owned(),
            by: Denier::Organisation
        })
    );
}

#[test]
fn a_region_that_is_off_and_a_role_that_is_gone_are_named() {
    let region = "eu-south-1".to_owned();
    assert_eq!(
        verdict(|round| round.region_off = Some(region.clone())),
        refused(Cause::RegionDisabled { region })
    );
    let gone = |round: &mut ProbeRound| {
        round.right_before = Answer::AccessDenied;
        round.lost = Some(Loss::RoleDeleted);
    };
    assert_eq!(
        verdict(gone),
        Verdict::RoleRefuses {
            loss: Some(Loss::RoleDeleted)
        }
    );
}

#[test]
fn every_doubt_has_its_codes_and_none_of_them_is_a_finding() {
    let table = [
        ("Throttling", Doubt::Throttled),
        ("RequestLimitExceeded", Doubt::Throttled),
        ("RequestTimeTooSkewed", Doubt::Clock),
        ("RequestExpired", Doubt::Clock),
        ("SignatureDoesNotMatch", Doubt::Clock),
        ("Timeout", Doubt::NoAnswer),
        ("ConnectionFailed", Doubt::NoAnswer),
        ("ServiceUnavailable", Doubt::NoAnswer),
        ("InternalError", Doubt::NoAnswer),
        ("SomethingNew", Doubt::Unclear),
    ];
    for (code, doubt) in table {
        assert_eq!(Doubt::of_code(code), doubt, "{code}");
        let reason = code.to_owned();
        assert_eq!(
            verdict(|round| round.right_before = Answer::Unknown { reason }),
            unknown(doubt),
            "{code}"
        );
    }
}

#[test]
fn evidence_of_an_earlier_version_reads_back() {
    let old = r#"{"right_before":{"answer":"assumed"},"none":{"answer":"access_denied"},
        "random":{"answer":"access_denied"},"other_tenants":{"answer":"access_denied"},
        "right_after":{"answer":"assumed"},"account":"222222222222"}"#;
    let round: ProbeRound = serde_json::from_str(old).expect("reads back");
    assert!(round.trust.is_none() && !round.watch);
    let unit: Verdict = serde_json::from_str(r#"{"verdict":"role_refuses"}"#).expect("reads back");
    assert_eq!(unit, Verdict::RoleRefuses { loss: None });
    let unit: Verdict = serde_json::from_str(r#"{"verdict":"unknown"}"#).expect("reads back");
    assert_eq!(unit, unknown(Doubt::Unclear));
}

#[test]
fn what_is_only_simulated_counts_for_a_finding_and_its_silence_for_a_doubt() {
    let allowed = || trial(TrialOutcome::Allowed);
    let too_wide = refused(Cause::RoleTooWide {
        action: "ec2:CreateVpc".to_owned(),
    });
    assert_eq!(verdict(|round| round.simulated_forbidden = allowed()), too_wide);
    let missing = refused(Cause::PermissionMissing {
        action: "ec2:CreateVpc".to_owned(),
        by: Denier::Boundary,
    });
    let denied = || trial(refused_by(Denier::Boundary));
    assert_eq!(verdict(|round| round.simulated_needed = denied()), missing);
    assert_eq!(
        verdict(|round| round.simulated_needed = Vec::new()),
        unknown(Doubt::Unclear)
    );
    assert_eq!(
        verdict(|round| round.simulated_forbidden = Vec::new()),
        unknown(Doubt::Unclear)
    );
    let silent = TrialOutcome::Unknown {
        reason: "Throttling".to_owned(),
    };
    assert_eq!(
        verdict(|round| round.simulated_needed = trial(silent)),
        unknown(Doubt::Throttled)
    );
}
