//! A network as a customer has it before we come: made with an administrator's rights, for development worlds and
//! tests. A connected role could not make it: nothing in it carries our tag.

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{AttributeBooleanValue, DomainType, ResourceType, Tag, TagSpecification};
use tenant_model::ids::TenantId;

use super::Ec2;
use crate::AwsError;

/// The network that shall be there.
#[derive(Clone, Debug)]
pub struct Furnished<'a> {
    /// Whose use it is offered for.
    pub tenant_id: TenantId,
    /// The first two numbers of its block, such as `10.99`.
    pub prefix: &'a str,
    /// Zones that get a public subnet.
    pub zones: &'a [&'a str],
    /// Whether each zone also gets a private subnet that leads to a NAT gateway of its own.
    pub private: bool,
}

impl Ec2 {
    /// Makes the network and returns its id.
    ///
    /// # Errors
    /// Any failure of a call; what was made until then stays.
    pub async fn furnish(&self, wanted: &Furnished<'_>) -> Result<String, AwsError> {
        let vpc = self.furnish_vpc(wanted).await?;
        let gateway = self.furnish_gateway(&vpc).await?;
        for (number, zone) in wanted.zones.iter().enumerate() {
            let block = format!("{}.{number}.0/24", wanted.prefix);
            let public = self.furnish_subnet((&vpc, zone), &block, "public").await?;
            let table = self.furnish_table(&vpc, &public).await?;
            let route = self.writes.create_route().route_table_id(&table);
            done(
                route
                    .destination_cidr_block("0.0.0.0/0")
                    .gateway_id(&gateway)
                    .send()
                    .await,
            )?;
            if wanted.private {
                let block = format!("{}.{}.0/24", wanted.prefix, 100 + number);
                let private = self.furnish_subnet((&vpc, zone), &block, "private").await?;
                self.furnish_way_out(&vpc, (&public, &private)).await?;
            }
        }
        Ok(vpc)
    }

    async fn furnish_vpc(&self, wanted: &Furnished<'_>) -> Result<String, AwsError> {
        let tags = tags(ResourceType::Vpc, "tenantry:use", &wanted.tenant_id.to_string());
        let request = self
            .writes
            .create_vpc()
            .cidr_block(format!("{}.0.0/16", wanted.prefix));
        let made = request.tag_specifications(tags).send().await?;
        let vpc = id(made.vpc().and_then(|vpc| vpc.vpc_id()))?;
        let on = AttributeBooleanValue::builder().value(true).build();
        let support = self.writes.modify_vpc_attribute().vpc_id(&vpc);
        done(support.enable_dns_support(on.clone()).send().await)?;
        let hostnames = self.writes.modify_vpc_attribute().vpc_id(&vpc);
        done(hostnames.enable_dns_hostnames(on).send().await)?;
        Ok(vpc)
    }

    async fn furnish_gateway(&self, vpc: &str) -> Result<String, AwsError> {
        let made = self.writes.create_internet_gateway().send().await?;
        let gateway = made
            .internet_gateway()
            .and_then(|made| made.internet_gateway_id());
        let gateway = id(gateway)?;
        let attach = self.writes.attach_internet_gateway().vpc_id(vpc);
        done(attach.internet_gateway_id(&gateway).send().await)?;
        Ok(gateway)
    }

    async fn furnish_subnet(
        &self,
        (vpc, zone): (&str, &str),
        block: &str,
        purpose: &str,
    ) -> Result<String, AwsError> {
        let request = self.writes.create_subnet().vpc_id(vpc).availability_zone(zone);
        let tags = tags(ResourceType::Subnet, "tenantry:subnet", purpose);
        let made = request.cidr_block(block).tag_specifications(tags).send().await?;
        id(made.subnet().and_then(|subnet| subnet.subnet_id()))
    }

    async fn furnish_table(&self, vpc: &str, subnet: &str) -> Result<String, AwsError> {
        let made = self.writes.create_route_table().vpc_id(vpc).send().await?;
        let table = id(made.route_table().and_then(|table| table.route_table_id()))?;
        let associate = self.writes.associate_route_table().route_table_id(&table);
        done(associate.subnet_id(subnet).send().await)?;
        Ok(table)
    }

    /// A NAT gateway in the public subnet, and the private one's route to it.
    async fn furnish_way_out(&self, vpc: &str, (public, private): (&str, &str)) -> Result<(), AwsError> {
        let address = self
            .writes
            .allocate_address()
            .domain(DomainType::Vpc)
            .send()
            .await?;
        let address = id(address.allocation_id())?;
        let request = self.writes.create_nat_gateway().subnet_id(public);
        let made = request.allocation_id(address).send().await?;
        let nat = id(made.nat_gateway().and_then(|nat| nat.nat_gateway_id()))?;
        let table = self.furnish_table(vpc, private).await?;
        let route = self.writes.create_route().route_table_id(table);
        done(
            route
                .destination_cidr_block("0.0.0.0/0")
                .nat_gateway_id(nat)
                .send()
                .await,
        )
    }

    /// Takes the tag off by which a network is offered.
    ///
    /// # Errors
    /// Any failure of `DeleteTags`.
    pub async fn withdraw_network(&self, vpc: &str) -> Result<(), AwsError> {
        let tag = Tag::builder().key("tenantry:use").build();
        done(self.writes.delete_tags().resources(vpc).tags(tag).send().await)
    }

    /// Sets the key that new volumes of the region are encrypted with.
    ///
    /// # Errors
    /// Any failure of `ModifyEbsDefaultKmsKeyId`.
    pub async fn set_volume_key(&self, key: &str) -> Result<(), AwsError> {
        done(
            self.writes
                .modify_ebs_default_kms_key_id()
                .kms_key_id(key)
                .send()
                .await,
        )
    }
}

fn done<T, E>(reply: Result<T, SdkError<E>>) -> Result<(), AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    reply.map(drop).map_err(AwsError::from)
}

fn id(found: Option<&str>) -> Result<String, AwsError> {
    found.map(str::to_owned).ok_or_else(|| AwsError::incomplete("id"))
}

fn tags(kind: ResourceType, key: &str, value: &str) -> TagSpecification {
    let tag = Tag::builder().key(key).value(value).build();
    TagSpecification::builder().resource_type(kind).tags(tag).build()
}
