"""Route 53."""

from suite import check, equal, refused

API = "https://docs.aws.amazon.com/Route53/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"


def zone(world, name="acme.example", reference="one"):
    dns = world.client("route53")
    return dns, dns.create_hosted_zone(Name=name, CallerReference=reference)["HostedZone"]["Id"]


def change(dns, zone_id, action, name="www.acme.example", value="192.0.2.1", kind="A"):
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    return dns.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)


@check("a zone comes with its NS and SOA records", f"{GUIDE}/SOA-NSrecords.html")
def new_zone(world):
    dns, zone_id = zone(world)
    records = dns.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    equal(sorted(record["Type"] for record in records), ["NS", "SOA"])


@check("a caller reference makes one zone", f"{API}/API_CreateHostedZone.html")
def same_reference(world):
    zone(world)
    with refused("HostedZoneAlreadyExists"):
        zone(world)


@check("a record that is there is not created again", f"{API}/API_ChangeResourceRecordSets.html")
def duplicate_record(world):
    dns, zone_id = zone(world)
    change(dns, zone_id, "CREATE")
    with refused("InvalidChangeBatch"):
        change(dns, zone_id, "CREATE")


@check("an upsert may be repeated", f"{API}/API_ChangeResourceRecordSets.html")
def upsert(world):
    dns, zone_id = zone(world)
    for value in ("192.0.2.1", "192.0.2.2"):
        change(dns, zone_id, "UPSERT", value=value)
    records = dns.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    found = [record["ResourceRecords"] for record in records if record["Type"] == "A"]
    equal(found, [[{"Value": "192.0.2.2"}]])


@check("a record goes only as it is", f"{API}/API_ChangeResourceRecordSets.html")
def delete_as_it_is(world):
    dns, zone_id = zone(world)
    change(dns, zone_id, "CREATE")
    with refused("InvalidChangeBatch"):
        change(dns, zone_id, "DELETE", value="192.0.2.9")
    change(dns, zone_id, "DELETE")


@check("a zone with records is not deleted", f"{API}/API_DeleteHostedZone.html")
def zone_with_records(world):
    dns, zone_id = zone(world)
    change(dns, zone_id, "CREATE")
    with refused("HostedZoneNotEmpty"):
        dns.delete_hosted_zone(Id=zone_id)


@check("a record belongs into its own zone", f"{API}/API_ChangeResourceRecordSets.html")
def foreign_name(world):
    dns, zone_id = zone(world)
    with refused("InvalidChangeBatch"):
        change(dns, zone_id, "CREATE", name="www.bolt.example")


@check("another account's zone is not there", f"{API}/API_GetHostedZone.html")
def foreign_zone(world):
    _, zone_id = zone(world)
    with refused("NoSuchHostedZone", "AccessDenied", "AccessDeniedException"):
        world.client("route53", world.customer).get_hosted_zone(Id=zone_id)
