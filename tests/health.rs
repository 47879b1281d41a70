//! `opgate health`, with a real gate and a stand-in for the Engine.

#[cfg(test)]
#[expect(dead_code, reason = "other tests ask the gate themselves")]
#[path = "engine/gate.rs"]
mod gate;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use gate::Gate;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Answers `GET /version` and `/_ping` on one connection, with what an Engine says.
#[cfg(test)]
fn answer(stream: impl Read + Write, versions: &str) {
    let mut stream = BufReader::new(stream);
    while let Some(head) = head(&mut stream) {
        let body = if head.contains("/version ") {
            versions
        } else {
            "OK"
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        let written = stream.get_mut().write_all(answer.as_bytes());
        if written.is_err() || head.contains("Connection: close") {
            return;
        }
    }
}

/// The head of the next request; none when the client has left.
#[cfg(test)]
fn head(stream: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

const VERSIONS: &str = r#"{"ApiVersion":"1.51","MinAPIVersion":"1.24"}"#;

/// A folder with an Engine's socket in it, served to the end of the test process.
#[cfg(test)]
fn engine(versions: &'static str) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let socket = UnixListener::bind(folder.path().join("engine.sock"))?;
    std::thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            std::thread::spawn(move || answer(stream, versions));
        }
    });
    Ok(folder)
}

#[cfg(test)]
fn health(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opgate"))
        .arg("health")
        .args(arguments)
        .env_remove("OPGATE_CONFIG")
        .output()
        .unwrap()
}

/// What is said on both outputs, and the exit code.
#[cfg(test)]
fn said(output: &Output) -> (Option<i32>, String) {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

/// Asks the gate by its policy file.
#[cfg(test)]
fn health_of(gate: &Gate) -> (Option<i32>, String) {
    let file = gate.socket().with_file_name("opgate.yaml");
    said(&health(&["--config", file.to_str().unwrap()]))
}

#[test]
fn a_gate_that_serves_is_healthy() -> Result {
    let folder = engine(VERSIONS)?;
    let gate = Gate::start(&folder.path().join("engine.sock"), &["SystemPing"], &[])?;
    let socket = gate.socket().display();
    let healthy = format!("the gate at unix://{socket} answers\n");
    assert_eq!(health_of(&gate), (Some(0), healthy.clone()));
    let by_path = health(&["--unix", gate.socket().to_str().unwrap()]);
    assert_eq!(said(&by_path), (Some(0), healthy.clone()));
    // As in a container, where the variable says where the policy is.
    let by_variable = Command::new(env!("CARGO_BIN_EXE_opgate"))
        .arg("health")
        .env("OPGATE_CONFIG", gate.socket().with_file_name("opgate.yaml"))
        .output()?;
    assert_eq!(said(&by_variable), (Some(0), healthy));
    Ok(())
}

#[test]
fn a_gate_whose_client_may_not_ping_is_as_healthy_as_its_engine() -> Result {
    let folder = engine(VERSIONS)?;
    let socket = folder.path().join("engine.sock");
    let gate = Gate::start(&socket, &["ContainerList"], &[])?;
    let (gate_socket, engine_socket) = (gate.socket().display(), socket.display());
    let healthy = format!(
        "the gate at unix://{gate_socket} answers, and so does the Engine at unix://{engine_socket}\n"
    );
    assert_eq!(health_of(&gate), (Some(0), healthy));

    std::fs::remove_file(&socket)?;
    let (code, text) = health_of(&gate);
    assert_eq!(code, Some(1), "{text}");
    let reason = format!("opgate: no Engine answers at unix://{engine_socket}: ");
    assert!(text.starts_with(&reason), "{text}");
    // Without a policy file nobody knows where the Engine is.
    let (code, text) = said(&health(&["--unix", gate.socket().to_str().unwrap()]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.ends_with("and refuses to ask the Engine\n"), "{text}");
    Ok(())
}

#[test]
fn a_gate_whose_engine_is_away_is_unhealthy_until_it_is_back() -> Result {
    let folder = engine(VERSIONS)?;
    let away = folder.path().join("away.sock");
    let gate = Gate::start(&away, &["SystemPing"], &[])?;
    let (socket, engine_socket) = (gate.socket().display(), away.display());
    let unhealthy = format!(
        "opgate: the gate at unix://{socket} answers with status 502: opgate: the Engine does not \
         answer at `unix://{engine_socket}`: there is no such socket\n"
    );
    assert_eq!(health_of(&gate), (Some(1), unhealthy));
    std::os::unix::fs::symlink(folder.path().join("engine.sock"), &away)?;
    let (code, text) = health_of(&gate);
    assert_eq!(code, Some(0), "{text}");
    Ok(())
}

#[test]
fn a_gate_with_an_engine_that_is_too_old_is_unhealthy() -> Result {
    let folder = engine(r#"{"ApiVersion":"1.40","MinAPIVersion":"1.12"}"#)?;
    let gate = Gate::start(&folder.path().join("engine.sock"), &["SystemPing"], &[])?;
    let (code, text) = health_of(&gate);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains(
            "answers with status 502: opgate: the Engine serves API versions 1.12 to 1.40"
        ),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_gate_that_is_not_there_is_unhealthy_with_the_reason() -> Result {
    let folder = tempfile::tempdir()?;
    let stale = folder.path().join("stale.sock");
    drop(UnixListener::bind(&stale)?);
    let (code, text) = said(&health(&["--unix", stale.to_str().unwrap()]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Connection refused"), "{text}");
    // Docker keeps exit code 2 of a health check for itself.
    let (code, text) = said(&health(&["--config", "/nonexistent/opgate.yaml"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.starts_with("opgate: cannot read `/nonexistent/opgate.yaml`: "),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_gate_that_says_nothing_is_unhealthy_in_bounded_time() -> Result {
    // Connections wait in the kernel, and nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let start = Instant::now();
    let (code, text) = said(&health(&["--tcp", &silent.local_addr()?.to_string()]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.ends_with("nothing came within 4 s\n"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(10));
    Ok(())
}

#[test]
fn a_gate_on_tcp_is_asked_too_and_must_speak_http() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let server = std::thread::spawn(move || -> std::io::Result<()> {
        answer(listener.accept()?.0, VERSIONS);
        let mut stream = BufReader::new(listener.accept()?.0);
        head(&mut stream);
        stream.get_mut().write_all(b"500 what is that?\r\n")
    });
    let (code, text) = said(&health(&["--tcp", &address]));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = said(&health(&["--tcp", &address]));
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(
        text,
        format!("opgate: what answers at tcp://{address} is no gate\n")
    );
    server.join().unwrap()?;
    Ok(())
}
