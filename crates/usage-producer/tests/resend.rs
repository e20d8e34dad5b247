//! What the server does not acknowledge is sent again, byte for byte, and nothing else is.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::sync::{Arc, Mutex};

use chrono::DateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use usage_producer::{Endpoint, FlushError, Producer, Usage};

type Bodies = Arc<Mutex<Vec<String>>>;

/// A server that plays these answers, one for each request; an empty one hangs up.
async fn server(answers: &'static [&'static str]) -> (String, Bodies) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let bodies = Bodies::default();
    let seen = bodies.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.unwrap();
            let body = read_request(&mut connection).await;
            seen.lock().unwrap().push(body);
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, bodies)
}

async fn read_request(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = connection.read(&mut piece).await.unwrap();
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.to_lowercase();
        let length = length
            .split("content-length: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        if body.len() >= length.trim().parse::<usize>().unwrap() {
            return body.to_owned();
        }
    }
}

fn usage(value: &str) -> Usage {
    Usage {
        event_type: "rows_scanned".to_owned(),
        at: DateTime::UNIX_EPOCH,
        value: Some(value.to_owned()),
        dimensions: vec![("warehouse".to_owned(), "main".to_owned())],
    }
}

const ACCEPTED: &str =
    "HTTP/1.1 202 Accepted\r\ncontent-length: 14\r\nconnection: close\r\n\r\n{\"results\":[]}";

#[tokio::test]
async fn a_lost_answer_and_a_busy_server_only_delay() {
    const BUSY: &str =
        "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, bodies) = server(&["", BUSY, ACCEPTED]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mut producer = Producer::open("/cell/1", &path, 10_000, Endpoint::new(&address, "key")).unwrap();
    producer.record(&usage("1")).unwrap();
    producer.record(&usage("2.5")).unwrap();

    let flushed = producer.flush().await.unwrap();

    assert_eq!((flushed.sent, producer.waiting_bytes()), (2, 0));
    let bodies = bodies.lock().unwrap().clone();
    assert_eq!(bodies.len(), 3);
    assert!(
        bodies
            .iter()
            .all(|body| *body == bodies[0] && body.lines().count() == 2)
    );
    assert!(bodies[0].contains("\"value\":\"2.5\""), "{}", bodies[0]);
}

#[tokio::test]
async fn a_refused_credential_keeps_the_events_for_the_next_process() {
    const UNAUTHORISED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, bodies) = server(&[UNAUTHORISED, ACCEPTED]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let mut producer = Producer::open("/cell/1", &path, 10_000, Endpoint::new(&address, "old")).unwrap();
    producer.record(&usage("1")).unwrap();
    assert!(matches!(producer.flush().await, Err(FlushError::Refused(401))));
    drop(producer);

    let mut producer = Producer::open("/cell/1", &path, 10_000, Endpoint::new(&address, "new")).unwrap();
    assert_eq!(producer.flush().await.unwrap().sent, 1);
    let bodies = bodies.lock().unwrap().clone();
    assert_eq!(bodies[0], bodies[1]);
}
