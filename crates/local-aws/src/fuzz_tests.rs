//! Fuzzing of everything that reads what a client sends: whole calls of every service, signatures, policy documents
//! and templates.
//!
//! The seeds are in `fuzz-corpus/`; each is mutated by a seeded generator, so that a failure repeats and prints its
//! input. In the tests every seed gets two thousand rounds; `FUZZ_ROUNDS=1000000` makes a night of it. What must
//! hold: no panic, no 500, and what is read twice is read alike.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use futures_util::FutureExt as _;
use http::Request;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use crate::auth::{Caller, Signature};
use crate::endpoint::Endpoint;
use crate::iam::policy::Document;
use crate::protocol::{Params, Protocol};
use crate::service::Call;
use crate::{Clock, Options};

const ROUNDS: usize = 2_000;
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// Pieces that mean something to one parser or another.
const WORDS: &[&[u8]] = &[
    b"%",
    b"%00",
    b"&",
    b"=",
    b".1",
    ".\u{ff}".as_bytes(),
    b"\"",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"<",
    b">",
    b"</",
    b"<![CDATA[",
    b"&#x0;",
    b"<!DOCTYPE a>",
    b"*",
    b"?",
    b"${",
    b"!Ref ",
    b"!Sub ",
    b"&a *a",
    b": ",
    b"- ",
    b"\n",
    b"\0",
    b"\xff",
    b"arn:aws:",
    b"/",
    b"\r\n",
    b";",
    b",",
    b"member.",
    b"true",
];

fn rounds() -> usize {
    let asked = std::env::var("FUZZ_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

/// The seeds of a kind, sorted by name.
fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz-corpus")
        .join(kind);
    let entries = std::fs::read_dir(folder).expect("the corpus is in the tree");
    let mut seeds: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a readable entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(path).expect("a readable seed"))
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds of {kind}");
    seeds
}

/// The seed itself and its mutations.
fn mutations(name: &str, seed: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let number = crate::ids::stable_hash(0, name);
    let mut random = StdRng::seed_from_u64(number);
    let seed = seed.to_vec();
    std::iter::once(seed.clone()).chain((0..rounds()).map(move |_| {
        let mut input = seed.clone();
        for _ in 0..random.random_range(1..6_u32) {
            mutate(&mut random, &mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }))
}

fn mutate(random: &mut StdRng, input: &mut Vec<u8>) {
    let at = |random: &mut StdRng, length: usize| random.random_range(0..=length);
    let (one, two) = (at(random, input.len()), at(random, input.len()));
    let (from, to) = (one.min(two), one.max(two));
    match random.next_u32() % 6 {
        0 => {
            input.drain(from..to);
        }
        1 => {
            let piece = input[from..to].to_vec();
            input.splice(one..one, piece);
        }
        2 if one < input.len() => input[one] = (random.next_u32() & 0xff) as u8,
        3 => input.truncate(one),
        4 => {
            let word = WORDS[random.random_range(0..WORDS.len())];
            let many = random.random_range(1..200_usize);
            input.splice(one..one, word.repeat(many));
        }
        _ => {
            let word = WORDS[random.random_range(0..WORDS.len())];
            input.splice(from..to, word.iter().copied());
        }
    }
}

#[tokio::test]
async fn no_call_panics_and_none_is_answered_with_a_500() {
    let now = chrono::DateTime::from_timestamp(1_767_225_600, 0).expect("a day in 2026");
    let options = Options {
        clock: Clock::manual(now),
        ..Options::default()
    };
    let endpoint = Endpoint::open(&options).await.expect("an endpoint in memory");
    for (name, seed) in corpus("calls") {
        let text = String::from_utf8(seed).expect("seeds are text");
        let (head, body) = text.split_once('\n').expect("a seed has a head");
        let head: Vec<&str> = head.split(' ').collect();
        for input in mutations(&name, body.as_bytes()) {
            answer(&endpoint, &head, input).await;
        }
    }
}

/// Lets a service answer, and judges how.
async fn answer(endpoint: &Endpoint, head: &[&str], input: Vec<u8>) {
    let [service, operation, ..] = head[..] else {
        panic!("a head names service and operation")
    };
    let service = endpoint.service(service).expect("the seed's service is there");
    let call = Call {
        caller: Caller::root("111111111111"),
        region: "eu-central-1".to_owned(),
        operation: operation.to_owned(),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        now: endpoint.core.clock.now(),
        protocol: service.protocol(),
        failing_per_million: 0,
        fault: None,
        path: head.get(2).copied().unwrap_or("/").to_owned(),
        query: String::new(),
        body: input.clone().into(),
    };
    let answering = std::panic::AssertUnwindSafe(service.call(&endpoint.core, &call)).catch_unwind();
    let shown = String::from_utf8_lossy(&input).into_owned();
    let Ok(outcome) = answering.await else {
        panic!("{operation} panicked on {shown:?}");
    };
    let error = outcome.err().filter(|error| error.status.is_server_error());
    let unbuilt = error.as_ref().is_some_and(|error| error.code == "NotImplemented");
    assert!(
        error.is_none() || unbuilt,
        "{operation} answered {error:?} to {shown:?}"
    );
}

#[test]
fn a_form_that_is_read_is_read_alike_when_it_is_written_again() {
    for (name, seed) in corpus("calls")
        .into_iter()
        .filter(|(_, seed)| seed.contains(&b'&'))
    {
        for input in mutations(&name, &seed) {
            let Ok(params) = Params::parse(&input, Protocol::Ec2) else {
                continue;
            };
            let pairs: Vec<(String, String)> = params
                .iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
            let written = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&pairs)
                .finish();
            let again = Params::parse(written.as_bytes(), Protocol::Ec2).expect("what was read can be read");
            let again: Vec<(String, String)> = again
                .iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(again, pairs);
        }
    }
}

#[test]
fn no_authorization_header_panics() {
    for (name, seed) in corpus("authorization") {
        for input in mutations(&name, &seed) {
            let Ok(value) = http::HeaderValue::from_bytes(&input) else {
                continue;
            };
            let request = Request::builder()
                .header("authorization", value)
                .body(())
                .expect("a request");
            let (parts, ()) = request.into_parts();
            if let Ok(signature) = Signature::presented(&parts) {
                assert!(!signature.access_key_id.contains('/'));
            }
        }
    }
}

#[test]
fn no_policy_document_panics_and_each_is_read_alike_twice() {
    for (name, seed) in corpus("policy") {
        for input in mutations(&name, &seed) {
            let text = String::from_utf8_lossy(&input);
            for read in [Document::identity, Document::trust, Document::resource] {
                let (one, two) = (read(&text), read(&text));
                assert_eq!(one.is_ok(), two.is_ok(), "{text:?}");
            }
        }
    }
}

#[test]
fn no_template_panics() {
    for (name, seed) in corpus("template") {
        for input in mutations(&name, &seed) {
            crate::cloudformation::read_template(&String::from_utf8_lossy(&input));
        }
    }
}
