//! CloudFormation: deploying the customer's role template with the customer's own credentials.
//!
//! In life the customer clicks the quick-create link. The development world's button and the tests
//! do the same by API, so that the template they run is the template that was reviewed.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::{
    Client,
    types::{Capability, Parameter},
};

use crate::{Aws, AwsError};

/// Where a stack stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackState {
    /// AWS's status, such as `CREATE_COMPLETE`.
    pub status: String,
    /// The template's outputs by name.
    pub outputs: BTreeMap<String, String>,
}

impl Aws {
    /// Starts a stack in the account of these settings. Returns its id.
    ///
    /// # Errors
    /// Any refusal, for instance `AlreadyExistsException`.
    pub async fn create_stack(
        &self,
        name: &str,
        template: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<String, AwsError> {
        let reply = Client::new(&self.writes())
            .create_stack()
            .stack_name(name)
            .template_body(template)
            .set_parameters(Some(parameters.iter().map(parameter).collect()))
            // The template names its role, so that the control plane can predict the ARN.
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await?;
        reply.stack_id.ok_or_else(|| AwsError::incomplete("stack id"))
    }

    /// The state of a stack by name or id.
    ///
    /// # Errors
    /// CloudFormation answers `ValidationError` for a stack that does not exist.
    pub async fn describe_stack(&self, name: &str) -> Result<StackState, AwsError> {
        let reply = Client::new(&self.reads())
            .describe_stacks()
            .stack_name(name)
            .send()
            .await?;
        let stack = reply
            .stacks
            .and_then(|stacks| stacks.into_iter().next())
            .ok_or_else(|| AwsError::incomplete("stack"))?;
        let status = stack.stack_status.map(|status| status.as_str().to_owned());
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        Ok(StackState {
            status: status.ok_or_else(|| AwsError::incomplete("stack status"))?,
            outputs: outputs
                .filter_map(|output| Some((output.output_key?, output.output_value?)))
                .collect(),
        })
    }

    /// Starts the deletion of a stack; a stack that is not there is a success.
    ///
    /// # Errors
    /// Any refusal.
    pub async fn delete_stack(&self, name: &str) -> Result<(), AwsError> {
        Client::new(&self.writes())
            .delete_stack()
            .stack_name(name)
            .send()
            .await?;
        Ok(())
    }
}

fn parameter((key, value): (&String, &String)) -> Parameter {
    Parameter::builder()
        .parameter_key(key)
        .parameter_value(value)
        .build()
}
