//! An Engine whose answers take as long as the test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// An Engine, for as long as the test runs.
pub(crate) struct Engine {
    /// The paths of requests that came and are not `/version`.
    pub(crate) asked: Receiver<String>,
    /// Lets an answer to `SystemInfo` go.
    pub(crate) release: Sender<()>,
}

impl Engine {
    pub(crate) fn start(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let (came, asked) = channel();
        let (release, released) = channel();
        let released = Arc::new(Mutex::new(released));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (came, released) = (came.clone(), Arc::clone(&released));
                thread::spawn(move || serve(stream.unwrap(), &came, &released));
            }
        });
        Self { asked, release }
    }
}

/// Answers the requests of a connection, which have no bodies.
fn serve(mut stream: UnixStream, came: &Sender<String>, released: &Mutex<Receiver<()>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(reader.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap().to_owned();
        if path.ends_with("/version") {
            answer(
                &mut stream,
                r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#,
            );
            continue;
        }
        let _ = came.send(path.clone());
        if path.contains("/info") {
            let _ = released.lock().unwrap().recv();
            answer(&mut stream, "{}");
        } else if path.contains("/events") {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                        Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n";
            stream.write_all(head.as_bytes()).unwrap();
        } else if path.contains("/attach") {
            let head = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello ";
            stream.write_all(head.as_bytes()).unwrap();
            let mut input = String::new();
            reader.read_to_string(&mut input).unwrap();
            let _ = write!(stream, "bye after {input}");
            return;
        } else {
            answer(&mut stream, "OK");
        }
    }
}

fn answer(stream: &mut UnixStream, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}
