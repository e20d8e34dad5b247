//! Carrying out one call of the model. One attempt each: whoever asked settles what is unknown.

use tenant_model::convergence::Call;

use super::{Ec2, Mark};
use crate::account::{Made, misdirected};

/// Sends a request whose answer holds nothing we need.
macro_rules! done {
    ($request:expr) => {{
        $request.send().await?;
        Ok(None)
    }};
}

/// Sends a request and takes an id out of its answer.
macro_rules! made {
    ($request:expr, $id:expr) => {{
        let reply = $request.send().await?;
        let id: Option<String> = $id(reply);
        id.map(Some).ok_or_else(|| crate::AwsError::incomplete("id"))
    }};
}

pub(super) use {done, made};

impl Ec2 {
    /// Makes the call. `mark` names what it makes, and holds the client token.
    ///
    /// # Errors
    /// AWS's refusal, or that its answer was lost.
    pub async fn carry_out(&self, call: &Call, mark: &Mark<'_>) -> Made {
        match call {
            Call::CreateVpc { .. }
            | Call::ModifyVpcAttribute { .. }
            | Call::DeleteVpc { .. }
            | Call::CreateInternetGateway
            | Call::AttachInternetGateway { .. }
            | Call::DetachInternetGateway { .. }
            | Call::DeleteInternetGateway { .. }
            | Call::CreateSubnet { .. }
            | Call::DeleteSubnet { .. } => self.network(call, mark).await,
            Call::CreateNatGateway { .. }
            | Call::DeleteNatGateway { .. }
            | Call::CreateRouteTable { .. }
            | Call::CreateRoute { .. }
            | Call::ReplaceRoute { .. }
            | Call::AssociateRouteTable { .. }
            | Call::DisassociateRouteTable { .. }
            | Call::DeleteRouteTable { .. }
            | Call::CreateVpcEndpoint { .. }
            | Call::ModifyVpcEndpoint { .. }
            | Call::DeleteVpcEndpoints { .. } => self.routing(call, mark).await,
            Call::CreateSecurityGroup { .. }
            | Call::AuthorizeSecurityGroupIngress { .. }
            | Call::RevokeSecurityGroupIngress { .. }
            | Call::DeleteSecurityGroup { .. } => self.admission(call, mark).await,
            Call::AllocateAddress
            | Call::AssociateAddress { .. }
            | Call::DisassociateAddress { .. }
            | Call::ReleaseAddress { .. } => self.addresses(call, mark).await,
            Call::RunInstances { .. }
            | Call::ModifyInstanceAttribute { .. }
            | Call::StartInstances { .. }
            | Call::StopInstances { .. }
            | Call::TerminateInstances { .. } => self.instances(call, mark).await,
            Call::CreateLaunchTemplate { .. }
            | Call::CreateLaunchTemplateVersion { .. }
            | Call::DeleteLaunchTemplate { .. } => self.templates(call, mark).await,
            _ => Err(misdirected(call)),
        }
    }
}
