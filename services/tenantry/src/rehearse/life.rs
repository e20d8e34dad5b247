//! What a deployment goes through in its life, act by act. A profile or a change that is new gets its acts here and is
//! then crashed and stolen from like the others.

use tenant_model::TenantState;
use tenant_model::deployment::{Phase, Profile};
use tenant_provisioning::App;
use tenant_store::tenants;

use super::actor::Actor;

/// One thing that is asked for, and where the deployment stands when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    Provision,
    Suspend,
    Resume,
    Delete,
}

impl Act {
    /// The whole life of a deployment of a profile.
    pub(super) fn of(profile: Profile) -> Vec<Self> {
        match profile {
            Profile::Single | Profile::HighlyAvailable => {
                vec![Self::Provision, Self::Suspend, Self::Resume, Self::Delete]
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Delete => "delete",
        }
    }

    /// Asks for it. From here on workers work.
    pub(super) async fn begin(self, app: &App, actor: &Actor) -> anyhow::Result<()> {
        match self {
            Self::Provision => actor.provision(app).await,
            Self::Suspend => turn_tenant(app, actor, TenantState::Suspended).await,
            Self::Resume => turn_tenant(app, actor, TenantState::Active).await,
            Self::Delete => actor.end(app).await,
        }
    }

    /// Where the deployment stands when the act is over.
    pub(super) fn end(self) -> Phase {
        match self {
            Self::Provision | Self::Resume => Phase::Ready,
            Self::Suspend => Phase::Stopped,
            Self::Delete => Phase::Deleted,
        }
    }
}

async fn turn_tenant(app: &App, actor: &Actor, state: TenantState) -> anyhow::Result<()> {
    let mut tx = app.stores.begin_ops().await?;
    if let Some(mut tenant) = tenants::find_for_update(&mut tx, actor.tenant_id).await? {
        tenant.state = state;
        tenants::update(&mut tx, &tenant).await?;
    }
    tx.commit().await?;
    Ok(())
}
