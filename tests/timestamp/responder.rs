//! An authority on HTTP, on a port of its own, which behaves as it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::authority::Authority;

/// How it answers a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Honest,
    /// It stamps another hash than it was sent.
    OtherHash,
    /// It answers some other query for the same hash.
    OtherNonce,
    /// It says no.
    Rejects,
    /// A bit of its signature is not as it was.
    Tampered,
    Garbage,
    /// More than any reply.
    Oversize,
    /// An HTTP status of its own.
    Unavailable,
    /// It takes the query and never answers.
    Hangs,
}

/// It runs until it is dropped.
pub struct Responder {
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    authority: Authority,
    manner: Mutex<Manner>,
    asked: AtomicUsize,
}

impl Responder {
    pub async fn start(authority: Authority, manner: Manner) -> Responder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { authority, manner: Mutex::new(manner), asked: AtomicUsize::new(0) });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, serving.clone()));
            }
        });
        Responder { url, shared, task }
    }

    pub fn authority(&self) -> &Authority {
        &self.shared.authority
    }

    pub fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(query) = read_query(&mut stream).await else { return };
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let manner = *shared.manner.lock().unwrap();
    let (status, body) = tokio::task::spawn_blocking(move || body(&shared.authority, manner, query)).await.unwrap();
    let Some(body) = body else {
        // Until the caller goes.
        let _ = stream.read(&mut [0]).await;
        return;
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/timestamp-reply\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    // A caller that has read enough goes before the end.
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let _ = stream.write_all(&body).await;
    }
}

fn body(authority: &Authority, manner: Manner, mut query: Vec<u8>) -> (&'static str, Option<Vec<u8>>) {
    const VERSION_AT: usize = 4;
    const HASH_AT: usize = 24;
    const NONCE_AT: usize = 58;
    let body = match manner {
        Manner::Honest => authority.reply(&query),
        Manner::OtherHash | Manner::OtherNonce | Manner::Rejects => {
            let at = match manner {
                Manner::OtherHash => HASH_AT,
                Manner::OtherNonce => NONCE_AT + 7,
                _ => VERSION_AT,
            };
            query[at] ^= 2;
            authority.reply(&query)
        }
        Manner::Tampered => {
            let mut reply = authority.reply(&query);
            *reply.last_mut().unwrap() ^= 1;
            reply
        }
        Manner::Garbage => b"<html>We have moved!</html>".to_vec(),
        Manner::Oversize => vec![0x30; 1_000_000],
        Manner::Unavailable => return ("503 Service Unavailable", Some(Vec::new())),
        Manner::Hangs => return ("", None),
    };
    ("200 OK", Some(body))
}

/// The body of one request, if it is a query as RFC 3161 wants it over HTTP.
async fn read_query(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            assert!(head.starts_with("post /tsa http/1.1"), "{head}");
            assert!(head.contains("content-type: application/timestamp-query"), "{head}");
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if bytes.len() == end + 4 + length.parse::<usize>().unwrap() {
                return Some(bytes.split_off(end + 4));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
