//! Issuing the certificate: in the transaction that makes the deployment `deleted`, or not at all.

use tenant_model::{
    certificate::{CERTIFICATE_TYPE, Facts, Sweep, document},
    deployment::Deployment,
    operation::Operation,
};
use tenant_store::{
    Conn,
    certificates::{self, Certificate},
    connections, ledger, resources, retained,
};

use super::PassError;
use crate::{App, RequestError};

/// Marks every id as gone, and writes down the certificate that says so. Returns it.
pub(super) async fn issue(
    conn: &mut Conn,
    app: &App,
    (deployment, operation): (&Deployment, Option<&Operation>),
    sweeps: &[Sweep],
) -> Result<Certificate, PassError> {
    for one in resources::list_created_ever(conn, deployment.id).await? {
        resources::remember_gone(conn, deployment.id, &one.aws_id).await?;
    }
    let connection = connections::find(conn, deployment.connection_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let now = app.kit.clock.now();
    let document = document(&Facts {
        deployment,
        account: connection.aws_account_id.as_str(),
        operation: operation.map(|operation| operation.id),
        ever: &resources::list_created_ever(conn, deployment.id).await?,
        retained: &retained::list(conn, deployment.id).await?,
        sweeps,
        ledger: ledger::head(conn, deployment.tenant_id).await?,
        issuer: &app.config.install,
        now,
    });
    let certificate = Certificate {
        jws: app.kit.authority.sign_document(CERTIFICATE_TYPE, &document),
        document,
    };
    certificates::insert(conn, (deployment.tenant_id, deployment.id), &certificate, now).await?;
    Ok(certificate)
}
