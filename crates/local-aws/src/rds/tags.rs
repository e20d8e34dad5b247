//! Tags of every resource of RDS.

use super::Rds;
use super::request::{Request, cluster_missing, global_missing, instance_missing, invalid, snapshot_missing};
use super::state::{Databases, Meta, Tags};
use super::view;
use crate::error::AwsError;
use crate::protocol::Xml;

const TAGS_MAX: usize = 50;

pub(super) fn add(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let new = request.tags()?;
    if new.is_empty() {
        return Err(super::request::missing("Tags"));
    }
    change(rds, request, &new, |tags| {
        tags.extend(new.clone());
        if tags.len() > TAGS_MAX {
            return Err(invalid("A resource has at most 50 tags"));
        }
        Ok(())
    })
}

pub(super) fn remove(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let going = request.strings("TagKeys", "member");
    if going.is_empty() {
        return Err(super::request::missing("TagKeys"));
    }
    change(rds, request, &Tags::new(), |tags| {
        tags.retain(|key, _| !going.contains(key));
        Ok(())
    })
}

fn change(
    rds: &Rds,
    request: &Request<'_>,
    gives: &Tags,
    work: impl FnOnce(&mut Tags) -> Result<(), AwsError>,
) -> Result<Xml, AwsError> {
    let arn = request.required("ResourceName")?;
    let has = read(rds, request, arn)?;
    request.permit(arn, &has, gives)?;
    rds.with(|state| {
        let mut tags = has.clone();
        work(&mut tags)?;
        meta(state, request, arn)?.tags = tags;
        Ok(Xml::new())
    })
}

pub(super) fn list(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let arn = request.required("ResourceName")?;
    request.filters(&[])?;
    let has = read(rds, request, arn)?;
    request.permit(arn, &has, &Tags::new())?;
    let mut xml = Xml::new();
    view::tags(&mut xml, &has);
    Ok(xml)
}

fn read(rds: &Rds, request: &Request<'_>, arn: &str) -> Result<Tags, AwsError> {
    rds.with(|state| meta(state, request, arn).map(|meta| meta.tags.clone()))
}

fn meta<'s>(state: &'s mut Databases, request: &Request<'_>, arn: &str) -> Result<&'s mut Meta, AwsError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "rds", region, account, kind, _] = parts[..] else {
        return Err(invalid(format!("Invalid resource name: {arn}")));
    };
    let (here, own) = (request.place().region, request.place().account);
    if account != own || (region != here && kind != "global-cluster") {
        return Err(invalid(format!(
            "The specified resource name does not match an RDS resource in this region: {arn}"
        )));
    }
    match kind {
        "db" => Ok(&mut state
            .instances
            .get_mut(arn)
            .ok_or_else(|| instance_missing(arn))?
            .meta),
        "cluster" => Ok(&mut state
            .clusters
            .get_mut(arn)
            .ok_or_else(|| cluster_missing(arn))?
            .meta),
        "global-cluster" => Ok(&mut state
            .globals
            .get_mut(arn)
            .ok_or_else(|| global_missing(arn))?
            .meta),
        "snapshot" => Ok(&mut state
            .snapshots
            .get_mut(arn)
            .ok_or_else(|| snapshot_missing(arn))?
            .meta),
        "subgrp" => {
            let missing = || {
                let why = format!(
                    "DB subnet group '{}' does not exist.",
                    super::request::name_of(arn)
                );
                AwsError::not_found("DBSubnetGroupNotFoundFault", why)
            };
            Ok(&mut state.subnet_groups.get_mut(arn).ok_or_else(missing)?.meta)
        }
        _ => Err(invalid(format!("Invalid resource name: {arn}"))),
    }
}
