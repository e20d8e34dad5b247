"""Service Quotas, KMS, ACM and the tagging API."""

from suite import REGION, allow, check, equal, policy, refused, root

QUOTAS = "https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference"
KMS = "https://docs.aws.amazon.com/kms/latest/APIReference"
KEYS = "https://docs.aws.amazon.com/kms/latest/developerguide"
ACM = "https://docs.aws.amazon.com/acm/latest/APIReference"
TAGS = "https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference"
VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


@check("five networks fit into a region by default", "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html")
def vpc_quota(world):
    quota = world.client("service-quotas").get_service_quota(**VPCS)["Quota"]
    equal((quota["Value"], quota["Adjustable"], quota["QuotaName"]), (5.0, True, "VPCs per Region"))


@check("a quota that is not there is no such resource", f"{QUOTAS}/API_GetServiceQuota.html")
def missing_quota(world):
    with refused("NoSuchResourceException"):
        world.client("service-quotas").get_service_quota(ServiceCode="vpc", QuotaCode="L-00000000")


@check("an increase is above the present value", f"{QUOTAS}/API_RequestServiceQuotaIncrease.html")
def small_increase(world):
    with refused("IllegalArgumentException"):
        world.client("service-quotas").request_service_quota_increase(**VPCS, DesiredValue=5.0)


@check("a ciphertext opens under its context only", f"{KEYS}/encrypt_context.html")
def encryption_context(world):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    context = {"tenant": "acme"}
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    assert b"secret" not in sealed
    equal(kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"], b"secret")
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"tenant": "bolt"})


@check("a disabled key is not used", f"{KEYS}/key-state.html")
def disabled_key(world):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


@check("a key that waits for its deletion is not used", f"{KEYS}/key-state.html")
def pending_key(world):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.cancel_key_deletion(KeyId=key)
    equal(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Disabled")


@check("a key waits 7 to 30 days for its deletion", f"{KMS}/API_ScheduleKeyDeletion.html")
def waiting_days(world):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    for days in (6, 31):
        with refused("ValidationException"):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)


@check("another account uses a key only where its policy lets it", f"{KEYS}/key-policy-modifying-external-accounts.html")
def foreign_key(world):
    kms = world.client("kms")
    own = {"Effect": "Allow", "Principal": {"AWS": root(world.vendor)}, "Action": "kms:*", "Resource": "*"}
    key = kms.create_key(Policy=policy(own))["KeyMetadata"]["Arn"]
    stranger = world.client("kms", world.customer)
    with refused("AccessDeniedException"):
        stranger.encrypt(KeyId=key, Plaintext=b"x")
    more = {**own, "Principal": {"AWS": root(world.customer)}, "Action": "kms:Encrypt"}
    kms.put_key_policy(KeyId=key, Policy=policy(own, more))
    stranger.encrypt(KeyId=key, Plaintext=b"x")


@check("a key policy that locks its author out is refused", f"{KEYS}/key-policy-overview.html")
def lock_out(world):
    other = {"Effect": "Allow", "Principal": {"AWS": root(world.customer)}, "Action": "kms:*", "Resource": "*"}
    with refused("MalformedPolicyDocumentException"):
        world.client("kms").create_key(Policy=policy(other))


@check("an alias is there once", f"{KMS}/API_CreateAlias.html")
def alias(world):
    kms = world.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/data", TargetKeyId=key)
    equal(kms.describe_key(KeyId="alias/data")["KeyMetadata"]["KeyId"], key)
    with refused("AlreadyExistsException"):
        kms.create_alias(AliasName="alias/data", TargetKeyId=key)


@check("a certificate waits for the record that it names", "https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html")
def pending_certificate(world):
    acm = world.client("acm")
    arn = acm.request_certificate(DomainName="www.acme.example", ValidationMethod="DNS")["CertificateArn"]
    shown = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    equal(shown["Status"], "PENDING_VALIDATION")
    equal(shown["DomainValidationOptions"][0]["ResourceRecord"]["Type"], "CNAME")


@check("a certificate is issued once its record is in DNS", "https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html")
def issued_certificate(world):
    acm, dns = world.client("acm"), world.client("route53")
    arn = acm.request_certificate(DomainName="www.acme.example", ValidationMethod="DNS")["CertificateArn"]
    record = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"][0]["ResourceRecord"]
    zone = dns.create_hosted_zone(Name="acme.example", CallerReference="acm")["HostedZone"]["Id"]
    wish = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": wish}]}
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    equal(acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"], "ISSUED")


@check("an idempotency token makes one certificate", f"{ACM}/API_RequestCertificate.html")
def certificate_token(world):
    acm = world.client("acm")
    wish = {"DomainName": "www.acme.example", "IdempotencyToken": "token1"}
    first = acm.request_certificate(**wish)["CertificateArn"]
    equal(acm.request_certificate(**wish)["CertificateArn"], first)


@check("a certificate that is not there is not found", f"{ACM}/API_DescribeCertificate.html")
def missing_certificate(world):
    arn = f"arn:aws:acm:{REGION}:{world.vendor}:certificate/11111111-2222-3333-4444-555555555555"
    with refused("ResourceNotFoundException"):
        world.client("acm").describe_certificate(CertificateArn=arn)


@check("resources of all services are found by one tag", f"{TAGS}/API_GetResources.html")
def found_by_tag(world):
    ec2, kms, tagging = (world.client(name) for name in ("ec2", "kms", "resourcegroupstaggingapi"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "tenant", "Value": "acme"}])
    key = kms.create_key(Tags=[{"TagKey": "tenant", "TagValue": "acme"}])["KeyMetadata"]["Arn"]
    wanted = [{"Key": "tenant", "Values": ["acme"]}]
    found = tagging.get_resources(TagFilters=wanted)["ResourceTagMappingList"]
    network = f"arn:aws:ec2:{REGION}:{world.vendor}:vpc/{vpc}"
    equal(sorted(one["ResourceARN"] for one in found), sorted([network, key]))
    only = tagging.get_resources(TagFilters=wanted, ResourceTypeFilters=["kms"])["ResourceTagMappingList"]
    equal([one["ResourceARN"] for one in only], [key])


@check("one call tags resources, and names those that it could not", f"{TAGS}/API_TagResources.html")
def tagged_at_once(world):
    kms, tagging = world.client("kms"), world.client("resourcegroupstaggingapi")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    missing = f"arn:aws:kms:{REGION}:{world.vendor}:key/11111111-2222-3333-4444-555555555555"
    failed = tagging.tag_resources(ResourceARNList=[key, missing], Tags={"tenant": "acme"})["FailedResourcesMap"]
    equal(list(failed), [missing])
    equal(kms.list_resource_tags(KeyId=key)["Tags"], [{"TagKey": "tenant", "TagValue": "acme"}])


@check("a caller without the permission uses no key", f"{KEYS}/key-policy-default.html")
def key_without_permission(world):
    key = world.client("kms").create_key()["KeyMetadata"]["Arn"]
    nobody = world.client("kms", keys=world.user(world.vendor, name="nobody"))
    somebody = world.client("kms", keys=world.user(world.vendor, allow("kms:Encrypt"), name="somebody"))
    with refused("AccessDeniedException"):
        nobody.encrypt(KeyId=key, Plaintext=b"x")
    somebody.encrypt(KeyId=key, Plaintext=b"x")
