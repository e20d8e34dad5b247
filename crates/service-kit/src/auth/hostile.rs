//! The hostile tokens of ASVS 5 (V9.1.1 to V9.2.4): none may be accepted.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use tenant_model::{Principal, TenantId, TenantRole, UserId};
use uuid::Uuid;

use super::{Authority, AuthoritySettings, TokenError};
use crate::{Clock, Ids};

const NOW: i64 = 1_800_000_000;

struct Forge {
    authority: Authority,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).expect("in range")
}

fn person() -> Principal {
    Principal::Tenant {
        tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
        user_id: UserId::from_uuid(Uuid::from_u128(2)),
        role: TenantRole::Admin,
    }
}

fn encode(json: &str) -> String {
    BASE64URL_NOPAD.encode(json.as_bytes())
}

impl Forge {
    fn new() -> Self {
        Self {
            authority: Authority::generate(AuthoritySettings::default()).expect("randomness"),
        }
    }

    fn good(&self) -> String {
        let ids = Ids::seeded(Clock::manual(now()), 1);
        self.authority
            .issue(&person(), None, now(), &ids)
            .expect("a person")
            .token
    }

    fn head(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": self.authority.signing_key().0 })
    }

    fn claims() -> Value {
        json!({
            "iss": "https://tenantry.local", "aud": "tenantry-api",
            "sub": UserId::from_uuid(Uuid::from_u128(2)), "tenant": TenantId::from_uuid(Uuid::from_u128(1)),
            "iat": NOW, "nbf": NOW, "exp": NOW + 600, "jti": Uuid::from_u128(3), "role": "admin",
        })
    }

    fn signed(&self, head: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(head), encode(claims));
        let (_, key, _) = self.authority.signing_key();
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, jsonwebtoken::Algorithm::EdDSA);
        format!("{message}.{}", signature.expect("an Ed25519 key signs anything"))
    }

    fn with_head(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut head = self.head();
        change(&mut head);
        self.signed(&head.to_string(), &Self::claims().to_string())
    }

    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = Self::claims();
        claims[name] = value;
        self.signed(&self.head().to_string(), &claims.to_string())
    }

    fn without_claim(&self, name: &str) -> String {
        let mut claims = Self::claims();
        claims.as_object_mut().expect("an object").remove(name);
        self.signed(&self.head().to_string(), &claims.to_string())
    }

    fn keyed_with(&self, secret: &[u8]) -> String {
        let mut head = self.head();
        head["alg"] = json!("HS256");
        let message = format!(
            "{}.{}",
            encode(&head.to_string()),
            encode(&Self::claims().to_string())
        );
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    }

    fn refuses(&self, tokens: &[(&str, String)]) {
        for (name, token) in tokens {
            assert!(self.authority.verify(token, now()).is_err(), "accepted: {name}");
        }
    }
}

#[test]
fn the_forge_makes_good_tokens_too() {
    let forge = Forge::new();
    let forged = forge.signed(&forge.head().to_string(), &Forge::claims().to_string());
    for token in [forge.good(), forged] {
        let claims = forge.authority.verify(&token, now()).expect("a good token");
        assert_eq!(claims.principal, person());
    }
}

#[test]
fn asvs_v9_1_1_a_token_without_our_signature_is_refused() {
    let forge = Forge::new();
    let good = forge.good();
    let (message, signature) = good.rsplit_once('.').expect("three segments");
    let none = |alg: &str| forge.with_head(|head| head["alg"] = json!(alg));
    let bare = |token: String| format!("{}.", token.rsplit_once('.').expect("three segments").0);
    forge.refuses(&[
        ("none", bare(none("none"))),
        ("None", bare(none("None"))),
        ("NONE", bare(none("NONE"))),
        ("nOnE", none("nOnE")),
        ("truncated", format!("{message}.{}", &signature[..40])),
        ("empty", format!("{message}.")),
        ("no third segment", message.to_owned()),
        ("padded", format!("{good}=")),
        ("four segments", format!("{good}.AAAA")),
        ("leading space", format!(" {good}")),
        ("trailing newline", format!("{good}\n")),
        ("another authority's", Forge::new().good()),
    ]);
}

#[test]
fn asvs_v9_1_1_every_changed_byte_is_refused() {
    let forge = Forge::new();
    let good = forge.good();
    for place in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert!(
            forge.authority.verify(&changed, now()).is_err(),
            "accepted with another byte at {place}"
        );
    }
}

#[test]
fn asvs_v9_1_2_another_algorithm_is_refused() {
    let forge = Forge::new();
    let public = forge.authority.signing_key().2.to_vec();
    let base64 = BASE64URL_NOPAD.encode(&public);
    forge.refuses(&[
        ("HS256 with the public key", forge.keyed_with(&public)),
        ("HS256 with its base64", forge.keyed_with(base64.as_bytes())),
        (
            "ES256 by name",
            forge.with_head(|head| head["alg"] = json!("ES256")),
        ),
    ]);
}

#[test]
fn asvs_v9_1_3_a_header_that_brings_its_own_key_is_refused() {
    let forge = Forge::new();
    forge.refuses(&[
        (
            "unknown kid",
            forge.with_head(|head| head["kid"] = json!("AAAAAAAAAAAAAAAA")),
        ),
        (
            "no kid",
            forge.with_head(|head| drop(head.as_object_mut().and_then(|head| head.remove("kid")))),
        ),
        (
            "path as kid",
            forge.with_head(|head| head["kid"] = json!("../../dev/null")),
        ),
        (
            "jku",
            forge.with_head(|head| head["jku"] = json!("https://evil.example/keys")),
        ),
        (
            "jwk",
            forge.with_head(|head| head["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" })),
        ),
        (
            "x5u",
            forge.with_head(|head| head["x5u"] = json!("https://evil.example/cert")),
        ),
        ("x5c", forge.with_head(|head| head["x5c"] = json!(["AA=="]))),
        ("crit", forge.with_head(|head| head["crit"] = json!(["exp"]))),
        ("b64", forge.with_head(|head| head["b64"] = json!(false))),
    ]);
}

#[test]
fn asvs_v9_2_1_a_token_outside_its_time_is_refused() {
    let forge = Forge::new();
    forge.refuses(&[
        ("no exp", forge.without_claim("exp")),
        ("exp 30 s ago", forge.with_claim("exp", json!(NOW - 30))),
        ("exp 120 s ago", forge.with_claim("exp", json!(NOW - 120))),
        ("exp as text", forge.with_claim("exp", json!("1800000600"))),
        ("exp 1e300", forge.with_claim("exp", json!(1e300))),
        ("exp negative", forge.with_claim("exp", json!(-1))),
        ("exp largest", forge.with_claim("exp", json!(i64::MAX))),
        ("nbf tomorrow", forge.with_claim("nbf", json!(NOW + 86_400))),
        ("nbf as text", forge.with_claim("nbf", json!("now"))),
        ("no nbf", forge.without_claim("nbf")),
        ("iat tomorrow", forge.with_claim("iat", json!(NOW + 86_400))),
        ("iat smallest", forge.with_claim("iat", json!(i64::MIN))),
        ("ten years", forge.with_claim("exp", json!(NOW + 315_360_000))),
        ("16 minutes", forge.with_claim("exp", json!(NOW + 960))),
    ]);
    let late = DateTime::from_timestamp(NOW + 606, 0).expect("in range");
    assert_eq!(
        forge.authority.verify(&forge.good(), late),
        Err(TokenError::Expired)
    );
}

#[test]
fn asvs_v9_2_2_another_kind_of_token_is_refused() {
    let forge = Forge::new();
    forge.refuses(&[
        ("ID token", forge.with_head(|head| head["typ"] = json!("JWT"))),
        (
            "no typ",
            forge.with_head(|head| drop(head.as_object_mut().and_then(|head| head.remove("typ")))),
        ),
        (
            "logout token",
            forge.with_head(|head| head["typ"] = json!("logout+jwt")),
        ),
        (
            "operator of a tenant",
            forge.with_claim("role", json!("operator")),
        ),
        ("admin of nothing", forge.without_claim("tenant")),
        ("unknown role", forge.with_claim("role", json!("root"))),
    ]);
}

#[test]
fn asvs_v9_2_3_a_token_for_somebody_else_is_refused() {
    let forge = Forge::new();
    forge.refuses(&[
        ("no aud", forge.without_claim("aud")),
        ("other aud", forge.with_claim("aud", json!("billing"))),
        ("number as aud", forge.with_claim("aud", json!(7))),
        ("empty aud", forge.with_claim("aud", json!(""))),
        (
            "list of aud",
            forge.with_claim("aud", json!(["tenantry-api", "billing"])),
        ),
    ]);
}

#[test]
fn asvs_v9_2_4_a_token_of_another_issuer_or_nobody_is_refused() {
    let forge = Forge::new();
    let claims = Forge::claims().to_string();
    let twice = claims.replacen('{', "{\"role\":\"member\",", 1);
    let huge = claims.replacen('{', &format!("{{\"x\":\"{}\",", "a".repeat(1 << 20)), 1);
    forge.refuses(&[
        ("no iss", forge.without_claim("iss")),
        (
            "other iss",
            forge.with_claim("iss", json!("https://evil.example")),
        ),
        (
            "iss with a slash",
            forge.with_claim("iss", json!("https://tenantry.local/")),
        ),
        ("no sub", forge.without_claim("sub")),
        (
            "sub of another kind",
            forge.with_claim("sub", json!("key_00000000000000000000000002")),
        ),
        (
            "duplicate claims",
            forge.signed(&forge.head().to_string(), &twice),
        ),
        ("1 MiB", forge.signed(&forge.head().to_string(), &huge)),
        ("not JSON", forge.signed(&forge.head().to_string(), "exp")),
    ]);
}

#[test]
fn a_key_file_keeps_tokens_over_a_restart() {
    let folder = std::env::temp_dir().join(format!("tenantry-keys-{}", Uuid::now_v7()));
    std::fs::create_dir(&folder).expect("a temporary folder");
    let path = folder.join("signing-keys");
    let load = || Authority::load_or_create(AuthoritySettings::default(), &path).expect("a key file");
    let ids = Ids::seeded(Clock::manual(now()), 1);
    let token = load()
        .issue(&person(), None, now(), &ids)
        .expect("a person")
        .token;
    assert!(load().verify(&token, now()).is_ok());
    assert_eq!(load().jwks()["keys"].as_array().map(Vec::len), Some(2));
    std::fs::remove_dir_all(&folder).expect("removable");
}
