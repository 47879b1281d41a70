//! No text of a request in the records of the proxy, and none in the log that
//! the program writes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream as StdStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use opgate::api::definition::Kind;
use serde_json::{Value, json};

use crate::canaries::{CANARY, sings, with_headers};
use crate::gate::gate;
use crate::guarded::rule_of;
use crate::places::{Request, guarded, places};
use crate::secrets::secrets;
use crate::support::{Call, Engine};
use crate::wire::{VERSION, WITHIN, bare_rules, bytes, start};

/// The program, for as long as it is needed.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Requests with a canary in each text that may not be shown, and beside them
/// what cannot be understood.
fn requests() -> Vec<Request> {
    let mut requests: Vec<Request> = secrets()
        .iter()
        .map(|(place, canary)| with_headers(&place.request(&canary.value)))
        .collect();
    // Where no text can be, a canary has no meaning.
    for place in places() {
        let kind = &place.schema.kind;
        if matches!(
            kind,
            Kind::Bool | Kind::Int { .. } | Kind::Float | Kind::Enum(_)
        ) {
            requests.push(place.request(&json!(CANARY)));
        }
    }
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_request_is_in_a_record() {
    let test = async {
        let requests = requests();
        let (mut wire, engine) = start(gate(&bare_rules())).await;
        let mut statuses = BTreeSet::new();
        for request in &requests {
            statuses.insert(wire.ask(request, false).await.status);
        }
        // Now with everything named that is guarded.
        let named = guarded().into_iter();
        let named = named.map(|place| rule_of(&place, &place.rule()));
        let rules: Vec<Value> = bare_rules().into_iter().chain(named).collect();
        wire.setup.reload(gate(&rules));
        for request in &requests {
            statuses.insert(wire.ask(request, true).await.status);
        }
        // And without an Engine.
        engine.stop().await;
        fs::remove_file(wire.setup.engine_path()).unwrap();
        for request in requests.iter().step_by(10) {
            statuses.insert(wire.ask(request, false).await.status);
        }
        let count = requests.len() * 2 + requests.len().div_ceil(10);
        let records = wire.setup.records.take(count).await;
        for record in &records {
            assert!(!sings(&format!("{record:?}")), "{record:#?}");
        }
        (count, statuses)
    };
    let (count, statuses) = tokio::time::timeout(WITHIN, test).await.unwrap();
    println!("{count} records without a text of a request, of status {statuses:?}");
    assert_eq!(Vec::from_iter(statuses), [200, 400, 403, 502]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_request_is_in_the_log_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("gate.sock");
    let upstream = folder.path().join("engine.sock");
    let _engine = Engine::start_with_version(&upstream, VERSION, |mut call: Call| async {
        call.body().await?;
        call.io.answer("200 OK", "{}").await;
        Some(call.io)
    });
    let file = folder.path().join("opgate.yaml");
    let policy = json!({
        "api": opgate::api::NEWEST.to_string(),
        "listen": [{ "unix": socket, "client": "me" }],
        "upstream": format!("unix://{}", upstream.display()),
        "clients": { "me": { "policies": ["p"] } },
        "policies": { "p": { "allow": bare_rules() } },
    });
    fs::write(&file, policy.to_string()).unwrap();
    let mut program = Program(
        Command::new(env!("CARGO_BIN_EXE_opgate"))
            .args(["run", "--config"])
            .arg(&file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let stderr = program.0.stderr.take().unwrap();
    let (send, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines() {
            let _ = send.send(line.unwrap());
        }
    });
    let test = tokio::task::spawn_blocking(move || {
        while !lines.recv().unwrap().starts_with("opgate: Engine at") {}
        let requests: Vec<Request> = requests().into_iter().step_by(4).collect();
        for request in &requests {
            let mut stream = StdStream::connect(&socket).unwrap();
            let request = bytes(request, false).replacen("\r\n", "\r\nConnection: close\r\n", 1);
            std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
            std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
        }
        let log: Vec<String> = lines.iter().take(requests.len()).collect();
        for line in &log {
            assert!(!sings(line), "{line}");
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["decision"].is_string(), "{line}");
        }
        log.len()
    });
    let count = tokio::time::timeout(WITHIN, test).await.unwrap();
    drop(program);
    reader.join().unwrap();
    println!(
        "{} lines of the log without a text of a request",
        count.unwrap()
    );
}
