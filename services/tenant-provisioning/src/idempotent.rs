//! The frame of a mutation: claim the key, do the work, store the reply, commit.

use service_kit::{MutationRequest, Problem, Reply};
use tenant_model::ids::TenantId;
use tenant_store::{StoreError, Tx, idempotency};

use crate::App;

/// A transaction in which the request is to be carried out, or the reply it had before.
pub(crate) enum Begun {
    New(Box<Tx>),
    Replay(Reply),
}

/// Begins a transaction on the rows of `tenant_id` and claims the request's key.
pub(crate) async fn begin(
    app: &App,
    request: &MutationRequest,
    tenant_id: TenantId,
) -> Result<Begun, Problem> {
    let mut tx = app
        .stores
        .begin(tenant_id)
        .await
        .map_err(|error| unavailable(&error))?;
    let claim = idempotency::claim(&mut tx, &of_tenant(request, tenant_id)).await;
    Ok(
        match Reply::settle(claim.map_err(|error| unavailable(&error))?)? {
            None => Begun::New(Box::new(tx)),
            Some(reply) => Begun::Replay(reply),
        },
    )
}

/// Stores the reply with the effect and commits both.
pub(crate) async fn finish(
    mut tx: Tx,
    request: &MutationRequest,
    tenant_id: TenantId,
    reply: Reply,
) -> Result<Reply, Problem> {
    let request = of_tenant(request, tenant_id);
    idempotency::insert(&mut tx, &request, &reply.stored())
        .await
        .map_err(|error| unavailable(&error))?;
    tx.commit().await.map_err(|error| unavailable(&error))?;
    Ok(reply)
}

/// The row belongs to the tenant whose rows change, also when an operator asks.
fn of_tenant(request: &MutationRequest, tenant_id: TenantId) -> MutationRequest {
    MutationRequest {
        tenant_id: Some(tenant_id),
        ..request.clone()
    }
}

fn unavailable(error: &StoreError) -> Problem {
    Problem::unavailable(error)
}
