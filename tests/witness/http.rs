//! The plainest HTTP there is: one request a connection, over the socket.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// POSTs a body to `path` of `url`, which is `http://host:port`.
pub async fn post(url: &str, path: &str, body: &[u8]) -> Reply {
    ask(url, &format!("POST {path}"), body).await
}

/// GETs `path` of `url`.
pub async fn get(url: &str, path: &str) -> Reply {
    ask(url, &format!("GET {path}"), b"").await
}

async fn ask(url: &str, what: &str, body: &[u8]) -> Reply {
    let address = url.strip_prefix("http://").unwrap();
    let length = body.len();
    let head = format!("{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    let (head, body) = answer.split_once("\r\n\r\n").expect("the headers end");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.into())).collect();
    Reply { status, headers, body: body.to_owned() }
}
