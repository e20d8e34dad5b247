//! A round of proof as steps: what was asked of the role, what AWS answered, and what to change.

use tenant_model::connection::{
    Answer as StsAnswer, ConnectionState, ProbeRound, Trial, TrialOutcome, TrustReading,
};

use crate::ui::{Step, StepState};

/// Each probe of the last round by name, with what STS answered.
pub(super) fn checks(state: &ConnectionState, round: Option<&ProbeRound>, fault: Option<&str>) -> Vec<Step> {
    let probe = |name: &str, answer: Option<&StsAnswer>, opens: bool| {
        let (state, detail) = outcome(answer, opens);
        let fix = (state == StepState::Failed).then(|| fault.unwrap_or(fix(opens)).to_owned());
        Step {
            name: name.to_owned(),
            detail,
            state,
            when: String::new(),
            fix,
        }
    };
    let mut checks = vec![
        probe(
            "The right external id opens the role",
            round.map(|round| &round.right_before),
            true,
        ),
        probe("No external id is refused", round.map(|round| &round.none), false),
        probe(
            "A random external id is refused",
            round.map(|round| &round.random),
            false,
        ),
        probe(
            "Another tenant’s external id is refused",
            round.map(|round| &round.other_tenants),
            false,
        ),
        probe(
            "The right external id still opens it",
            round.map(|round| &round.right_after),
            true,
        ),
    ];
    checks.extend(permissions(round));
    if *state == ConnectionState::AwaitingRole {
        // A role that is not there refuses everybody; that is no finding yet.
        for check in &mut checks {
            (check.state, check.detail, check.fix) = (StepState::Todo, String::new(), None);
        }
        checks[0].state = StepState::Running;
        checks[0].detail = "The role does not answer yet.".to_owned();
    }
    checks
}

/// What the trust policy says, and what dry runs and simulations show of the role's permissions.
fn permissions(round: Option<&ProbeRound>) -> [Step; 5] {
    let ran = |trials: fn(&ProbeRound) -> &Vec<Trial>, must, how| tried(round.map(trials), must, how);
    let (trust, fix) = trust(round);
    [
        step("The trust policy admits nobody else", trust, fix),
        step(
            "The role may do what the work needs",
            ran(|round| &round.needed, Must::Allow, DRY_RUNS),
            None,
        ),
        step(
            "The role may do the rest of the work (simulated)",
            ran(|round| &round.simulated_needed, Must::Allow, SIMULATED),
            None,
        ),
        step(
            "The role may do nothing beyond it",
            ran(|round| &round.forbidden, Must::Refuse, DRY_RUNS),
            None,
        ),
        step(
            "Known ways to more are closed (simulated)",
            ran(|round| &round.simulated_forbidden, Must::Refuse, SIMULATED),
            None,
        ),
    ]
}

fn step(name: &str, (state, detail): (StepState, String), fix: Option<String>) -> Step {
    let template = || "Update the role’s stack with our template.".to_owned();
    Step {
        name: name.to_owned(),
        detail,
        fix: (state == StepState::Failed).then(|| fix.unwrap_or_else(template)),
        state,
        when: String::new(),
    }
}

/// What the trust policy came to, and what to change.
fn trust(round: Option<&ProbeRound>) -> ((StepState, String), Option<String>) {
    let told = |state, words: &str| ((state, words.to_owned()), None);
    match round.and_then(|round| round.trust.as_ref()) {
        None => told(StepState::Todo, ""),
        Some(TrustReading::Sound) => told(StepState::Done, "It names our broker and your external id"),
        Some(TrustReading::AtFault { statement }) => {
            let fix = format!("Statement {}: {}", statement.number, statement.why);
            ((StepState::Failed, "It admits more".to_owned()), Some(fix))
        }
        Some(TrustReading::Denied) => told(StepState::Failed, "The role may not read itself"),
        Some(TrustReading::SessionRefused) => told(StepState::Failed, "Session tags are refused"),
        Some(TrustReading::Unread { reason }) => told(
            StepState::Waiting,
            &format!("No clear answer ({reason}); we ask again"),
        ),
    }
}

/// What EC2 was asked.
const DRY_RUNS: &str = "dry runs";
/// What IAM's simulator was asked: no proof against the organisation's policies.
const SIMULATED: &str = "actions, by IAM’s simulator,";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    Allow,
    Refuse,
}

/// Trials in one line: the first one that is not as it must be, else how many there were.
fn tried(trials: Option<&Vec<Trial>>, must: Must, how: &str) -> (StepState, String) {
    let Some(trials) = trials.filter(|trials| !trials.is_empty()) else {
        return (StepState::Todo, String::new());
    };
    let judged = trials.iter().map(|trial| judged(trial, must));
    judged.flatten().next().unwrap_or_else(|| {
        let words = if must == Must::Allow { "allowed" } else { "refused" };
        (StepState::Done, format!("{} {how} {words}", trials.len()))
    })
}

/// Nothing for a trial that is as it must be.
fn judged(trial: &Trial, must: Must) -> Option<(StepState, String)> {
    match (&trial.outcome, must) {
        (TrialOutcome::Allowed, Must::Allow) | (TrialOutcome::Refused { .. }, Must::Refuse) => None,
        (TrialOutcome::Allowed, Must::Refuse) => {
            Some((StepState::Failed, format!("{} is allowed", trial.action)))
        }
        (TrialOutcome::Refused { .. }, Must::Allow) => {
            Some((StepState::Failed, format!("{} is refused", trial.action)))
        }
        (TrialOutcome::Unknown { reason }, _) => Some((
            StepState::Waiting,
            format!("No clear answer ({reason}); we ask again"),
        )),
    }
}

fn outcome(answer: Option<&StsAnswer>, opens: bool) -> (StepState, String) {
    match (answer, opens) {
        (None, _) => (StepState::Todo, String::new()),
        (Some(StsAnswer::Assumed), true) => (StepState::Done, "Assumed".to_owned()),
        (Some(StsAnswer::Assumed), false) => (StepState::Failed, "Credentials were given".to_owned()),
        (Some(StsAnswer::AccessDenied), true) => (StepState::Failed, "Refused".to_owned()),
        (Some(StsAnswer::AccessDenied), false) => (StepState::Done, "Refused, as it must be".to_owned()),
        (Some(StsAnswer::Unknown { reason }), _) => (
            StepState::Waiting,
            format!("No clear answer ({reason}); we ask again"),
        ),
    }
}

const fn fix(opens: bool) -> &'static str {
    if opens {
        "Create the role’s stack again from our template, or restore its trust policy."
    } else {
        "Restore the condition StringEquals on sts:ExternalId in the role’s trust policy, or update its stack with our template."
    }
}
