//! Using keys: encryption, decryption, data keys.

use serde_json::{Value, json};

use super::Kms;
use super::permit::require_usable;
use super::request::{Use, invalid};
use super::{cipher, key::Key};
use crate::core::Core;
use crate::error::AwsError;
use crate::service::Call;

const PLAINTEXT_BYTES_MAX: usize = 4_096;
const CIPHERTEXT_BYTES_MAX: usize = 6_144;
const DATA_KEY_BYTES_MAX: usize = 1_024;

impl Kms {
    pub(super) fn encrypt(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Use = call.json()?;
        let plaintext = blob(wanted.plaintext.as_deref(), "Plaintext", PLAINTEXT_BYTES_MAX)?;
        let context = wanted.context(call);
        self.permitted_with(core, (call, key_id(&wanted)?), &context, |key| {
            require_usable(key)?;
            Ok(json!({
                "CiphertextBlob": seal(core, key, &wanted, &plaintext),
                "KeyId": key.arn(),
                "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            }))
        })
    }

    pub(super) fn decrypt(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Use = call.json()?;
        let sealed = blob(
            wanted.ciphertext_blob.as_deref(),
            "CiphertextBlob",
            CIPHERTEXT_BYTES_MAX,
        )?;
        let invalid = || AwsError::bad("InvalidCiphertextException", "The ciphertext is not valid");
        let inside = cipher::key_id(&sealed).ok_or_else(invalid)?.to_owned();
        let owner = self.owner_of(&inside, &call.region).ok_or_else(invalid)?;
        let arn = format!("arn:aws:kms:{}:{owner}:key/{inside}", call.region);
        let (name, context) = (wanted.key_id.as_deref().unwrap_or(&arn), wanted.context(call));
        self.permitted_with(core, (call, name), &context, |key| {
            require_usable(key)?;
            if key.id != inside {
                let why =
                    "The key ID in the request does not identify a CMK that can perform this operation.";
                return Err(AwsError::bad("IncorrectKeyException", why));
            }
            let plaintext =
                cipher::open(&key.secret, &wanted.encryption_context, &sealed).ok_or_else(invalid)?;
            Ok(json!({
                "Plaintext": data_encoding::BASE64.encode(&plaintext),
                "KeyId": key.arn(),
                "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            }))
        })
    }

    pub(super) fn generate_data_key(&self, core: &Core, call: &Call, open: bool) -> Result<Value, AwsError> {
        let wanted: Use = call.json()?;
        let length = data_key_bytes(&wanted)?;
        let context = wanted.context(call);
        self.permitted_with(core, (call, key_id(&wanted)?), &context, |key| {
            require_usable(key)?;
            let plaintext: Vec<u8> = std::iter::repeat_with(|| core.ids.bytes::<16>())
                .flatten()
                .take(length)
                .collect();
            let mut answer = json!({
                "CiphertextBlob": seal(core, key, &wanted, &plaintext),
                "KeyId": key.arn(),
            });
            if open {
                answer["Plaintext"] = json!(data_encoding::BASE64.encode(&plaintext));
            }
            Ok(answer)
        })
    }

    /// The account that has a key of this id in a region.
    fn owner_of(&self, id: &str, wanted: &str) -> Option<String> {
        let mut owner = None;
        self.places.for_each(|account, region, keys| {
            if region == wanted && keys.keys.contains_key(id) {
                owner = Some(account.to_owned());
            }
        });
        owner
    }
}

fn seal(core: &Core, key: &Key, wanted: &Use, plaintext: &[u8]) -> String {
    let sealed = cipher::seal(
        (&key.id, &key.secret),
        core.ids.bytes(),
        &wanted.encryption_context,
        plaintext,
    );
    data_encoding::BASE64.encode(&sealed)
}

fn key_id(wanted: &Use) -> Result<&str, AwsError> {
    wanted
        .key_id
        .as_deref()
        .ok_or_else(|| invalid("KeyId is missing"))
}

fn blob(text: Option<&str>, name: &str, bytes_max: usize) -> Result<Vec<u8>, AwsError> {
    let text = text.ok_or_else(|| invalid(format!("{name} is missing")))?;
    let bytes = data_encoding::BASE64
        .decode(text.as_bytes())
        .map_err(|_| AwsError::bad("SerializationException", format!("{name} is not base64")))?;
    if bytes.is_empty() || bytes.len() > bytes_max {
        return Err(invalid(format!(
            "{name} must have between 1 and {bytes_max} bytes"
        )));
    }
    Ok(bytes)
}

fn data_key_bytes(wanted: &Use) -> Result<usize, AwsError> {
    match (wanted.key_spec.as_deref(), wanted.number_of_bytes) {
        (Some("AES_256"), None) => Ok(32),
        (Some("AES_128"), None) => Ok(16),
        (None, Some(bytes)) if (1..=DATA_KEY_BYTES_MAX).contains(&bytes) => Ok(bytes),
        _ => Err(invalid(
            "Give either KeySpec, AES_128 or AES_256, or NumberOfBytes up to 1024",
        )),
    }
}
