//! Preflight: whether a wish fits into a connected account, checked by a worker and shown with fix-its.
//!
//! What is checked and when it fails is [`tenant_model::preflight`]; here the account is asked, under a session policy
//! that only looks. Nothing is made and nothing is promised.

use tenant_model::cidr::Cidr;
use tenant_model::deployment::Profile;
use tenant_model::given_network::{self, GivenNetwork};
use tenant_model::ledger::Purpose;
use tenant_model::plan::instance_types;
use tenant_model::preflight::{Check, CheckResult, Facts, NetworkWish, Wish, check};
use tenant_model::{Action, Connection, ConnectionId, ConnectionState, Principal, authorize};
use tenant_store::preflights::{self, Claimed, Outcome, Preflight};
use tenant_store::{Conn, StoreError};

use crate::error::InvalidField;
use crate::survey::Survey;
use crate::{App, OnboardingError, connections, ledger};

/// A survey is a few dozen calls that look; who holds a wish longer has died.
const LEASE_SECONDS: i32 = 120;
/// A quota may be granted at any time, and then we go on by ourselves.
const FAILED_AGAIN_SECONDS: i32 = 600;
/// After an answer that was not there.
const UNKNOWN_AGAIN_SECONDS: i32 = 60;
/// The block of a new network when none is named.
const BLOCK: &str = tenant_model::blueprint::DEFAULT_CIDR;

/// What somebody typed.
#[derive(Clone, Debug, Default)]
pub struct NewWish {
    /// Name of the profile; one machine when none is named.
    pub profile: Option<String>,
    /// Size of the machine; the smallest we sell when none is named.
    pub instance_type: Option<String>,
    /// Block of a new network; ours when none is named.
    pub vpc_cidr: Option<String>,
    /// Whether the tenant's own tagged network shall be used.
    pub existing_vpc: bool,
}

/// The wish that a connection begins with.
pub(crate) fn first_wish() -> Wish {
    let wish = read(&NewWish::default());
    wish.unwrap_or_else(|_| unreachable!("the defaults are a type we sell and a block"))
}

fn read(new: &NewWish) -> Result<Wish, Vec<InvalidField>> {
    let mut wrong = Vec::new();
    let named = new.profile.as_deref().unwrap_or(Profile::Single.name());
    let profile = Profile::from_name(named);
    if profile.is_none() {
        wrong.push(InvalidField::new(
            "/profile",
            "not-a-profile",
            "is not a profile that we offer",
        ));
    }
    let sold: Vec<_> = instance_types().collect();
    let instance_type = new.instance_type.clone().unwrap_or_else(|| sold[0].to_owned());
    if !sold.contains(&instance_type.as_str()) {
        let why = format!("choose one of {}", sold.join(", "));
        wrong.push(InvalidField::new("/instance_type", "not-offered", why));
    }
    let cidr = new.vpc_cidr.as_deref().unwrap_or(BLOCK).trim().parse::<Cidr>();
    if let Err(error) = &cidr {
        wrong.push(InvalidField::new("/vpc_cidr", "not-a-block", error));
    }
    match (profile, cidr) {
        (Some(profile), Ok(cidr)) if wrong.is_empty() => Ok(Wish {
            profile,
            instance_type,
            network: if new.existing_vpc {
                NetworkWish::Existing
            } else {
                NetworkWish::New { cidr }
            },
        }),
        _ => Err(wrong),
    }
}

/// The last wish of a connection and what it came to.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger, and while nothing was wished for.
pub async fn find(app: &App, caller: &Principal, id: ConnectionId) -> Result<Preflight, OnboardingError> {
    let connection = connections::find(app, caller, id).await?;
    let mut tx = app.begin_as(Some(connection.tenant_id)).await?;
    preflights::find(&mut tx, id)
        .await?
        .ok_or(OnboardingError::NotFound)
}

/// Writes a wish down; a worker looks at once.
///
/// # Errors
/// [`OnboardingError::Invalid`] for what was typed, [`OnboardingError::NotFound`] also for a stranger.
pub(crate) async fn ask_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    (id, new): (ConnectionId, &NewWish),
) -> Result<Preflight, OnboardingError> {
    let connection = tenant_store::connections::find(conn, id)
        .await?
        .ok_or(OnboardingError::NotFound)?;
    authorize(caller, Action::ChangeTenant, Some(connection.tenant_id))?;
    let wish = read(new).map_err(OnboardingError::Invalid)?;
    preflights::ask(conn, &connection, &wish, app.kit.clock.now()).await?;
    let event = ("connection.preflight", "connection.preflight_asked");
    connections::announce(app, conn, &caller.actor(), &connection, event).await?;
    preflights::find(conn, id).await?.ok_or(OnboardingError::NotFound)
}

/// Runs until the process stops.
pub(crate) async fn run(app: App) {
    loop {
        let worked = match check_next(&app).await {
            Ok(worked) => worked,
            Err(error) => {
                tracing::warn!(error = %service_kit::Chain(&error), "a preflight could not be made");
                false
            }
        };
        if app.kit.stopping.is_cancelled() {
            return;
        }
        if !worked {
            tokio::select! {
                () = app.kit.stopping.cancelled() => return,
                () = tokio::time::sleep(app.config.worker_poll) => {}
            }
        }
    }
}

/// Checks the wish that has waited longest, if one is due.
///
/// # Errors
/// When the store does not answer. A wish that was replaced meanwhile is no error.
pub async fn check_next(app: &App) -> Result<bool, OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    let Some(claimed) = preflights::claim_due(&mut tx, LEASE_SECONDS).await? else {
        return Ok(false);
    };
    let connection = tenant_store::connections::find(&mut tx, claimed.connection_id)
        .await?
        .ok_or(OnboardingError::NotFound)?;
    tx.commit().await?;
    let facts = match connection.state {
        ConnectionState::Ready { .. } => {
            let broker = app.aws.broker();
            let round = ledger::open(app, &connection, Purpose::Preflight).await?;
            let facts = Survey::new(app, &broker, &connection).facts(&claimed.wish).await;
            ledger::close(app, &round, &broker).await?;
            Some(facts)
        }
        ConnectionState::AwaitingRole
        | ConnectionState::Verifying { .. }
        | ConnectionState::Quarantined { .. }
        | ConnectionState::Revoked { .. } => None,
    };
    match record(app, &connection, &claimed, facts.as_ref()).await {
        Err(OnboardingError::Store(StoreError::Stale)) => Ok(true),
        other => other.map(|()| true),
    }
}

async fn record(
    app: &App,
    connection: &Connection,
    claimed: &Claimed,
    facts: Option<&Facts>,
) -> Result<(), OnboardingError> {
    let checks = facts.map(|facts| check(&claimed.wish, facts));
    let network = facts.and_then(|facts| own_network(&claimed.wish, facts));
    let due = match (&checks, &connection.state) {
        (_, ConnectionState::Revoked { .. }) => None,
        (None, _) => Some(UNKNOWN_AGAIN_SECONDS),
        (Some(checks), _) => again(checks),
    };
    let outcome = checks.as_ref().map(|checks| Outcome {
        checks,
        network: network.as_ref(),
    });
    let mut tx = app.stores.begin_ops().await?;
    preflights::record(&mut tx, claimed, (outcome, app.kit.clock.now()), due).await?;
    Ok(tx.commit().await?)
}

/// The tenant's own network with the subnets that will be used, where it was wished for and has what it needs.
fn own_network(wish: &Wish, facts: &Facts) -> Option<GivenNetwork> {
    match (&wish.network, &facts.networks, &facts.zones) {
        (NetworkWish::Existing, Ok(networks), Ok(zones)) => {
            given_network::choose(networks, wish.profile, zones).ok()
        }
        _ => None,
    }
}

fn again(checks: &[Check]) -> Option<i32> {
    let any = |wanted: fn(&CheckResult) -> bool| checks.iter().any(|check| wanted(&check.result));
    if any(|result| matches!(result, CheckResult::Unknown { .. })) {
        Some(UNKNOWN_AGAIN_SECONDS)
    } else {
        any(|result| matches!(result, CheckResult::Failed { .. })).then_some(FAILED_AGAIN_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_wrong_is_told_together() {
        let new = NewWish {
            profile: Some("galactic".to_owned()),
            instance_type: Some("z9.huge".to_owned()),
            vpc_cidr: Some("10.0.0.0/8".to_owned()),
            existing_vpc: false,
        };
        let wrong = read(&new).expect_err("three mistakes");
        assert_eq!(wrong.len(), 3);
        assert_eq!(first_wish().profile, Profile::Single);
    }
}
