//! A server that stands before a real one and changes its answers as an attacker would.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http::get;

/// What is made of an answer: its path, and the honest body.
type Lie = dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync;

/// Serves until it is dropped.
pub struct Liar {
    pub url: String,
    task: JoinHandle<()>,
}

impl Liar {
    /// Stands before the server at `address`.
    pub async fn before(address: &str, lie: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Liar {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (address, lie): (String, Arc<Lie>) = (address.to_owned(), Arc::new(lie));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, address.clone(), Arc::clone(&lie)));
            }
        });
        Liar { url, task }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request, and ends the connection.
async fn answer(stream: TcpStream, address: String, lie: Arc<Lie>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).await.unwrap_or(0) > 2 {}
    let path = head.split(' ').nth(1).expect("a request line").to_owned();
    let honest = get(&address, &path, &[]).await;
    let kind = honest.headers.get("content-type").cloned().unwrap_or_default();
    let body = lie(&path, honest.body);
    let head = format!(
        "HTTP/1.1 {} it\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        honest.status,
        body.len()
    );
    // Whoever has seen enough may be gone.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    let _ = stream.shutdown().await;
}
