//! What all describe operations share: ids, filters and pages.
//!
//! Source: EC2 API reference, "Filter" and "Pagination".

use std::collections::BTreeMap;

use super::request::{Request, invalid_value};
use super::state::{Meta, Resource};
use crate::error::AwsError;
use crate::iam::policy::pattern::glob;
use crate::protocol::{Params, Xml};

const FILTERS_MAX: usize = 200;

/// A resource that filters can look at.
pub(super) trait Filtered: Resource {
    /// The filters this kind has, beside those on tags.
    const FILTERS: &[&str];

    /// The values of a filter's field; `None` for a filter this kind does not have.
    fn field(&self, name: &str) -> Option<Vec<String>>;
}

/// One page of a describe call.
pub(super) struct Page<'r, T> {
    pub(super) items: Vec<&'r T>,
    pub(super) next_token: Option<String>,
}

/// Answers a whole describe call: permission, ids, filters, page, XML.
pub(super) fn describe<T: Filtered>(
    request: &Request<'_>,
    map: &BTreeMap<String, T>,
    names: (&str, &str),
    each: impl FnMut(&mut Xml, &T),
) -> Result<Xml, AwsError> {
    let (ids, set) = names;
    let page = select(request, map, ids)?;
    let mut xml = Xml::new();
    let mut each = each;
    xml.items(set, page.items, |xml, item| each(xml, item))
        .optional("nextToken", page.next_token);
    Ok(xml)
}

/// The page of a call that can also ask for owners: `self`, `amazon`, account ids.
pub(super) fn select_owned<'r, T: Filtered>(
    request: &Request<'_>,
    map: &'r BTreeMap<String, T>,
    names: (&str, &str),
) -> Result<Page<'r, T>, AwsError> {
    let owners = request.params.strings(names.1);
    let mut page = select(request, map, names.0)?;
    let own = &request.call.caller.account;
    page.items.retain(|item| {
        let field = |name: &str| item.field(name).unwrap_or_default();
        let (owner, alias) = (field("owner-id"), field("owner-alias"));
        owners.is_empty()
            || owners.iter().any(|wanted| match wanted.as_str() {
                "self" => owner.contains(own),
                name => owner.iter().chain(&alias).any(|given| given == name),
            })
    });
    Ok(page)
}

/// The page a describe call asks for.
pub(super) fn select<'r, T: Filtered>(
    request: &Request<'_>,
    map: &'r BTreeMap<String, T>,
    ids: &str,
) -> Result<Page<'r, T>, AwsError> {
    request.authorize_all()?;
    request.end_dry_run()?;
    let wanted = request.params.strings(ids);
    let visible = |resource: &&T| request.sees(resource.meta());
    let mut found: Vec<&T> = if wanted.is_empty() {
        map.values().filter(visible).collect()
    } else {
        let by_id = wanted
            .iter()
            .map(|id| map.get(id).filter(visible).ok_or_else(|| T::KIND.not_found(id)));
        by_id.collect::<Result<_, _>>()?
    };
    for filter in read_filters(&request.params)? {
        filter.refuse_unless_known(T::FILTERS)?;
        let mut matching = Vec::new();
        for resource in found {
            if filter.matches(resource)? {
                matching.push(resource);
            }
        }
        found = matching;
    }
    paginate(request, found, !wanted.is_empty())
}

fn paginate<'r, T: Resource>(
    request: &Request<'_>,
    found: Vec<&'r T>,
    by_id: bool,
) -> Result<Page<'r, T>, AwsError> {
    let size = request.params.number("MaxResults")?;
    if size.is_some_and(|size| !(5..=1_000).contains(&size)) {
        return Err(invalid_value(
            "Value for parameter maxResults is invalid. Expecting a value between 5 and 1000.",
        ));
    }
    if size.is_some() && by_id {
        let why = "The parameter ids and the parameter MaxResults cannot be used together";
        return Err(AwsError::bad("InvalidParameterCombination", why));
    }
    let after = request.params.get("NextToken").map(decode_token).transpose()?;
    let mut items: Vec<&T> = found;
    if let Some(after) = after {
        items.retain(|item| item.meta().id > after);
    }
    let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(1_000);
    let more = items.len() > size;
    items.truncate(size);
    let last = items
        .last()
        .filter(|_| more)
        .map(|item| data_encoding::BASE64URL_NOPAD.encode(item.meta().id.as_bytes()));
    Ok(Page {
        items,
        next_token: last,
    })
}

fn decode_token(token: &str) -> Result<String, AwsError> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| AwsError::bad("InvalidNextToken", "The token in the request is invalid"))
}

/// One `Filter.n`: any of the values, which may hold `*` and `?`.
pub(super) struct Filter {
    pub(super) name: String,
    values: Vec<String>,
}

/// The filters of a call.
pub(super) fn read_filters(params: &Params) -> Result<Vec<Filter>, AwsError> {
    let filters = params.list("Filter").into_iter().map(|filter| {
        let name = filter.required("Name")?.to_owned();
        let values = filter.strings("Value");
        if values.is_empty() || values.len() > FILTERS_MAX {
            return Err(invalid_value(format!(
                "The filter '{name}' needs between 1 and 200 values"
            )));
        }
        Ok(Filter { name, values })
    });
    filters.collect()
}

impl Filter {
    fn matches<T: Filtered>(&self, resource: &T) -> Result<bool, AwsError> {
        if let Some(hit) = self.matches_tags(resource.meta()) {
            return Ok(hit);
        }
        self.hits(resource.field(&self.name))
    }

    /// A filter is refused whether there is something to filter or not.
    pub(super) fn refuse_unless_known(&self, known: &[&str]) -> Result<(), AwsError> {
        let of_tags = self.name == "tag-key" || self.name.starts_with("tag:");
        if of_tags || known.contains(&self.name.as_str()) {
            return Ok(());
        }
        Err(invalid_value(format!("The filter '{}' is invalid", self.name)))
    }

    /// Whether any value of the field matches; the refusal of a filter that the kind does not have.
    pub(super) fn hits(&self, field: Option<Vec<String>>) -> Result<bool, AwsError> {
        let given = field.ok_or_else(|| invalid_value(format!("The filter '{}' is invalid", self.name)))?;
        Ok(given.iter().any(|given| self.accepts(given)))
    }

    fn accepts(&self, given: &str) -> bool {
        self.values.iter().any(|wanted| glob(wanted, given))
    }

    fn matches_tags(&self, meta: &Meta) -> Option<bool> {
        if self.name == "tag-key" {
            return Some(meta.tags.keys().any(|key| self.accepts(key)));
        }
        let key = self.name.strip_prefix("tag:")?;
        Some(meta.tags.get(key).is_some_and(|value| self.accepts(value)))
    }
}
