//! An Engine that says what a test wants to hear of containers.

use std::collections::HashMap;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::peer::Connection;

/// What an Engine says, and what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Engine {
    answers: Arc<Mutex<HashMap<String, Value>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Engine {
    pub(crate) fn says(&self, target: &str, answer: Value) {
        self.answers
            .lock()
            .unwrap()
            .insert(target.to_owned(), answer);
    }

    pub(crate) fn said(&self, target: &str) -> Value {
        self.answers.lock().unwrap()[target].clone()
    }

    /// A container that runs, with its first process and its address.
    pub(crate) fn has(&self, id: &str, name: &str, pid: u32, address: &str) {
        let networks =
            json!({ "Networks": { "bridge": { "IPAddress": address, "GlobalIPv6Address": "" } } });
        self.says(
            &format!("/containers/{id}/json"),
            json!({
                "Id": id,
                "Name": format!("/{name}"),
                "State": { "Running": true, "Pid": pid },
                "Config": { "Image": "alpine", "Labels": { "role": name } },
                "NetworkSettings": networks,
            }),
        );
        let mut answers = self.answers.lock().unwrap();
        let all = answers
            .entry("/containers/json".to_owned())
            .or_insert_with(|| json!([]));
        all.as_array_mut()
            .unwrap()
            .push(json!({ "Id": id, "NetworkSettings": networks }));
    }

    pub(crate) fn listen(&self, path: &Path) {
        let listener = UnixListener::bind(path).unwrap();
        let engine = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let engine = engine.clone();
                std::thread::spawn(move || engine.serve(Connection::over(stream)));
            }
        });
    }

    pub(crate) fn serve(&self, mut connection: Connection) {
        while let Some((head, _)) = connection.message() {
            let target = head.split(' ').nth(1).unwrap();
            // By any version of the API.
            let versioned = target.strip_prefix("/v1.");
            let target = match versioned.and_then(|rest| rest.split_once('/')) {
                Some((_, rest)) => format!("/{rest}"),
                None => target.to_owned(),
            };
            self.asked.lock().unwrap().push(target.clone());
            let answer = match target.as_str() {
                "/version" => Some(json!({ "ApiVersion": "1.51", "MinAPIVersion": "1.24" })),
                target => self.answers.lock().unwrap().get(target).cloned(),
            };
            let (status, body) = match answer {
                Some(answer) => ("200 OK", answer.to_string()),
                None => ("404 Not Found", "{}".to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = if head.starts_with("HEAD ") {
                answer.strip_suffix(&body).unwrap()
            } else {
                &answer
            };
            if connection.send(answer).is_err() {
                return;
            }
        }
    }

    /// Has nothing to say of it any more.
    pub(crate) fn forgets(&self, target: &str) {
        self.answers.lock().unwrap().remove(target);
    }

    /// How often it was asked for this.
    pub(crate) fn asked_for(&self, target: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|one| *one == target).count()
    }

    /// How often it was asked about containers.
    pub(crate) fn questions(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|one| one.starts_with("/containers"))
            .count()
    }
}
