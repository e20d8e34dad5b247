//! Changing addresses, instances and launch templates.

use aws_sdk_ec2::{
    operation::{
        allocate_address::AllocateAddressOutput, create_launch_template::CreateLaunchTemplateOutput,
    },
    types::{AttributeValue, DomainType, ResourceType},
};
use tenant_model::convergence::Call;

use super::{
    Ec2, Mark,
    carry_out::{done, made},
    launch::template_data,
};
use crate::account::{Made, misdirected};

impl Ec2 {
    pub(super) async fn addresses(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::AllocateAddress => made!(
                ec2.allocate_address()
                    .domain(DomainType::Vpc)
                    .tag_specifications(mark.tags(ResourceType::ElasticIp)),
                |reply: AllocateAddressOutput| reply.allocation_id
            ),
            Call::AssociateAddress { allocation, instance } => done!(
                ec2.associate_address()
                    .allocation_id(allocation)
                    .instance_id(instance)
                    // Never takes the address from something else.
                    .allow_reassociation(false)
            ),
            Call::DisassociateAddress { association } => {
                done!(ec2.disassociate_address().association_id(association))
            }
            Call::ReleaseAddress { allocation } => {
                done!(ec2.release_address().allocation_id(allocation))
            }
            _ => Err(misdirected(call)),
        }
    }

    pub(super) async fn instances(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::RunInstances { machine, subnet } => self.launch(machine, subnet, mark).await.map(Some),
            Call::ModifyInstanceAttribute {
                instance,
                instance_type,
            } => done!(
                ec2.modify_instance_attribute()
                    .instance_id(instance)
                    .instance_type(AttributeValue::builder().value(instance_type).build())
            ),
            Call::StartInstances { instance } => done!(ec2.start_instances().instance_ids(instance)),
            Call::StopInstances { instance } => done!(ec2.stop_instances().instance_ids(instance)),
            Call::TerminateInstances { instance } => {
                done!(ec2.terminate_instances().instance_ids(instance))
            }
            _ => Err(misdirected(call)),
        }
    }

    pub(super) async fn templates(&self, call: &Call, mark: &Mark<'_>) -> Made {
        let ec2 = &self.writes;
        match call {
            Call::CreateLaunchTemplate {
                template_name,
                machine,
            } => made!(
                ec2.create_launch_template()
                    .launch_template_name(template_name)
                    .client_token(mark.token)
                    .launch_template_data(template_data(machine, mark))
                    .tag_specifications(mark.tags(ResourceType::LaunchTemplate)),
                |reply: CreateLaunchTemplateOutput| reply.launch_template?.launch_template_id
            ),
            Call::CreateLaunchTemplateVersion {
                template,
                machine,
                after,
            } => done!(
                ec2.create_launch_template_version()
                    .launch_template_id(template)
                    // The same token for the same step: a lost answer does not make two versions.
                    .client_token(format!("{}-{after}", mark.token))
                    .launch_template_data(template_data(machine, mark))
            ),
            Call::DeleteLaunchTemplate { template } => {
                done!(ec2.delete_launch_template().launch_template_id(template))
            }
            _ => Err(misdirected(call)),
        }
    }
}
