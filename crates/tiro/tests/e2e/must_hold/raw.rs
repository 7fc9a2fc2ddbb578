//! Connections held by hand, to do what a well-behaved client never does.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A connection on which these bytes were sent.
pub(super) async fn send(server: &str, bytes: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(server).await.unwrap();
    connection.set_nodelay(true).unwrap();
    connection.write_all(bytes).await.unwrap();
    connection
}

/// The bytes of a POST.
pub(super) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
