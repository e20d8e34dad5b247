//! A downloaded part of a ledger, checked without anything of ours: each hash, and the part's beginning and end.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    audit::{BrokenChain, Content, Entry, Hash, verify_from},
    ids::TenantId,
};

/// Why a part is not what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPart {
    /// A field is missing or of another kind.
    #[error("the file has no readable {0}")]
    Unreadable(&'static str),
    /// An entry does not follow from the one before it.
    #[error(transparent)]
    Broken(#[from] BrokenChain),
    /// The entries do not end where the signed document says.
    #[error("the entries end at {found}, and what was signed ends at {signed}")]
    OtherEnd {
        /// Position of the last entry.
        found: i64,
        /// Position that was signed.
        signed: i64,
    },
    /// An entry is of another tenant than the document.
    #[error("entry {0} is another tenant's")]
    Foreign(i64),
}

/// A place in a chain: a position and the hash of the entry there.
pub type Place = (i64, Hash);

/// A part that holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Whose.
    pub tenant_id: TenantId,
    /// Behind which entry it begins.
    pub after: Place,
    /// Its last entry.
    pub end: Place,
}

/// Checks a part: `{document, jws, entries}` as it was downloaded. The signature is for who has the keys to check.
///
/// # Errors
/// [`BadPart`] with the first thing that is wrong.
pub fn verify_part(file: &Value) -> Result<Whole, BadPart> {
    let document = &file["document"];
    let tenant_id = text(document, "tenant")?
        .parse()
        .map_err(|_| BadPart::Unreadable("tenant"))?;
    let (after, signed) = (place(&document["after"])?, place(&document["end"])?);
    let entries = file["entries"].as_array().ok_or(BadPart::Unreadable("entries"))?;
    let entries: Vec<Entry> = entries.iter().map(entry).collect::<Result<_, _>>()?;
    if let Some(foreign) = entries
        .iter()
        .find(|entry| entry.content.tenant_id != Some(tenant_id))
    {
        return Err(BadPart::Foreign(foreign.content.sequence));
    }
    let head = verify_from(after.0, after.1, &entries)?;
    let found = entries.last().map_or(after.0, |last| last.content.sequence);
    if (found, head) != signed {
        return Err(BadPart::OtherEnd {
            found,
            signed: signed.0,
        });
    }
    Ok(Whole {
        tenant_id,
        after,
        end: signed,
    })
}

fn entry(value: &Value) -> Result<Entry, BadPart> {
    let tenant_id = text(value, "tenant_id")?.parse();
    let at: DateTime<Utc> = text(value, "at")?
        .parse()
        .map_err(|_| BadPart::Unreadable("at"))?;
    Ok(Entry {
        content: Content {
            tenant_id: Some(tenant_id.map_err(|_| BadPart::Unreadable("tenant_id"))?),
            sequence: value["sequence"]
                .as_i64()
                .ok_or(BadPart::Unreadable("sequence"))?,
            at,
            actor: text(value, "actor")?.to_owned(),
            action: text(value, "action")?.to_owned(),
            subject: text(value, "subject")?.to_owned(),
            detail: value["detail"].clone(),
        },
        hash: hash(text(value, "hash")?)?,
    })
}

fn place(value: &Value) -> Result<Place, BadPart> {
    let sequence = value["sequence"]
        .as_i64()
        .ok_or(BadPart::Unreadable("sequence"))?;
    Ok((sequence, hash(text(value, "head")?)?))
}

fn text<'a>(value: &'a Value, name: &'static str) -> Result<&'a str, BadPart> {
    value[name].as_str().ok_or(BadPart::Unreadable(name))
}

fn hash(hex: &str) -> Result<Hash, BadPart> {
    let unreadable = BadPart::Unreadable("hash");
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(unreadable);
    }
    let mut hash = [0; 32];
    for (byte, digits) in hash.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| BadPart::Unreadable("hash"))?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| BadPart::Unreadable("hash"))?;
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::audit::{GENESIS, chain};

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn part(length: i64) -> Value {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(5));
        let mut head = GENESIS;
        let entries: Vec<Value> = (1..=length)
            .map(|sequence| {
                let content = Content {
                    tenant_id: Some(tenant),
                    sequence,
                    at: DateTime::UNIX_EPOCH,
                    actor: "reconciler".to_owned(),
                    action: "round.opened".to_owned(),
                    subject: "dep_1".to_owned(),
                    detail: json!({"round": sequence}),
                };
                head = chain(&head, &content);
                json!({
                    "tenant_id": tenant, "sequence": sequence, "at": content.at, "actor": content.actor,
                    "action": content.action, "subject": content.subject, "detail": content.detail,
                    "hash": hex(&head),
                })
            })
            .collect();
        let document = json!({
            "tenant": tenant,
            "after": {"sequence": 0, "head": hex(&GENESIS)},
            "end": {"sequence": length, "head": hex(&head)},
        });
        json!({"document": document, "jws": "", "entries": entries})
    }

    #[test]
    fn a_whole_part_holds_and_a_shortened_one_does_not() {
        let whole = verify_part(&part(3)).expect("whole");
        assert_eq!((whole.after.0, whole.end.0), (0, 3));
        assert!(verify_part(&part(0)).is_ok());
        let mut cut = part(3);
        cut["entries"].as_array_mut().expect("entries").pop();
        assert_eq!(verify_part(&cut), Err(BadPart::OtherEnd { found: 2, signed: 3 }));
    }

    proptest! {
        #[test]
        fn a_change_of_any_field_of_any_entry_is_found(at in 0usize..5, field in 0usize..7) {
            let names = ["tenant_id", "sequence", "at", "actor", "action", "subject", "detail"];
            let mut file = part(5);
            file["entries"][at][names[field]] = json!("x");
            prop_assert!(verify_part(&file).is_err());
        }
    }
}
