use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::*;
use BrowserError::{Host, Origin, SecFetchSite};

fn refusal(lines: &str) -> Option<BrowserError> {
    let head = format!("GET /_ping HTTP/1.1\r\n{lines}\r\n");
    refuse(&Head::parse(head.as_bytes()).unwrap(), false).err()
}

#[test]
fn origins_are_addresses_or_localhost() {
    for origin in [
        "http://127.0.0.1:2375",
        "http://localhost",
        "HTTPS://LOCALHOST:8080",
        "http://[::1]:2375",
        "ws://10.0.0.7",
    ] {
        assert_eq!(refusal(&format!("Origin: {origin}\r\n")), None, "{origin}");
    }
    for origin in [
        "null",
        "",
        "localhost",
        "file://",
        "http://",
        "http://evil.example",
        "http://localhost.evil.example",
        "http://evil.example:2375",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://evil.example/127.0.0.1",
        "http://localhost:2375, http://evil.example",
        "http://[::1]evil.example",
        "http://[::1]:evil",
        "chrome-extension://aaaabbbbccccdddd",
        "http://localhost\r\nOrigin: http://evil.example",
    ] {
        let refused = refusal(&format!("Origin: {origin}\r\n"));
        assert_eq!(refused, Some(Origin), "{origin}");
    }
}

#[test]
fn hosts_are_no_names_of_the_public_dns() {
    for host in [
        "",
        "127.0.0.1:2375",
        "[::1]:2375",
        "[::1]",
        "localhost:2375",
        "LocalHost.",
        "api.moby.localhost",
        "docker:2375",
        "docker",
        "1.28",
    ] {
        assert_eq!(refusal(&format!("Host: {host}\r\n")), None, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:2375",
        "EVIL.EXAMPLE.",
        "evil.example..",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.evil.example:2375",
        "docker.local",
        "a.b:c",
        "[::1",
        "[evil.example]",
        "localhost:2375:evil.example",
    ] {
        let refused = refusal(&format!("Host: {host}\r\n"));
        assert_eq!(refused, Some(Host), "{host}");
    }
    assert_eq!(refusal(""), None, "HTTP/1.0 needs no host");
}

#[test]
fn what_browsers_say_of_themselves_is_enough() {
    let host = "Host: 127.0.0.1:2375\r\n";
    for line in [
        "Sec-Fetch-Site: cross-site",
        "sec-fetch-site: same-origin",
        "SEC-FETCH-SITE: none",
        "Sec-Fetch-Site:",
    ] {
        assert_eq!(refusal(&format!("{host}{line}\r\n")), Some(SecFetchSite));
    }
    for line in ["Sec-Fetch-Mode: cors", "Sec-WebSocket-Version: 13"] {
        assert_eq!(refusal(&format!("{host}{line}\r\n")), None, "{line}");
    }
}

#[test]
fn no_recorded_client_would_be_taken_for_a_browser_but_by_the_name_of_its_socket() {
    let corpus = include_str!("../../../tests/corpus/requests.ndjson");
    let mut hosts = BTreeSet::new();
    let mut refused = BTreeMap::new();
    for line in corpus.lines() {
        let request: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut lines = String::new();
        for (name, value) in request["headers"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            match &**name {
                "host" => hosts.insert(value.to_owned()),
                "origin" | "sec-fetch-site" => true,
                _ => continue,
            };
            write!(lines, "{name}: {value}\r\n").unwrap();
        }
        if let Some(error) = refusal(&lines) {
            refused.insert(request["headers"]["host"].to_string(), error);
        }
    }
    assert!(hosts.len() > 5, "{hosts:?}");
    // A library that dials the socket `unix.sock` and names it: over TCP it names
    // the address that it connects to.
    assert_eq!(
        refused,
        BTreeMap::from([("\"unix.sock\"".to_owned(), Host)])
    );
}

#[test]
fn by_tls_the_host_is_the_certificates_to_say() {
    let refused = |lines: &str| {
        let head = format!("GET /_ping HTTP/1.1\r\n{lines}\r\n");
        refuse(&Head::parse(head.as_bytes()).unwrap(), true).err()
    };
    let host = "Host: gate.example.net:2376\r\n";
    assert_eq!(refused(host), None);
    let origin = |origin: &str| refused(&format!("{host}Origin: {origin}\r\n"));
    assert_eq!(origin("https://Gate.example.net:2376"), None);
    assert_eq!(origin("https://127.0.0.1:2376"), None);
    for other in [
        "http://gate.example.net:2376",
        "https://gate.example.net",
        "https://gate.example.net:2376.evil.example",
        "https://evil.example",
        "null",
    ] {
        assert_eq!(origin(other), Some(BrowserError::Origin), "{other}");
    }
    let page = refused(&format!("{host}Sec-Fetch-Site: same-origin\r\n"));
    assert_eq!(page, Some(BrowserError::SecFetchSite));
}
