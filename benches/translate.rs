//! Decode and encode of what real clients send: the docker CLI's `run`, a list
//! with filters, the creation of a service with every option.
//!
//! `cargo bench --bench translate`

use opgate::api::definition::ApiVersion;
use opgate::request::{DecodedHead, Encoded, EngineVersion, RequestHead};

fn main() {
    divan::main();
}

/// The bodies as recorded from the docker CLI 28.5.2.
const RUN: &[u8] = include_bytes!("requests/run.json");
const SERVICE: &[u8] = include_bytes!("requests/service.json");

#[expect(
    clippy::expect_used,
    reason = "a bench of a request that fails says nothing"
)]
fn translate(method: &str, target: &str, body: &[u8]) -> Encoded {
    let headers: &[(&str, &[u8])] = &[
        ("Host", b"api.moby.localhost"),
        ("User-Agent", b"Docker-Client/28.5.2 (linux)"),
        ("Content-Type", b"application/json"),
    ];
    let head = RequestHead {
        method,
        target,
        headers,
    };
    let served = EngineVersion {
        min: ApiVersion(41),
        max: ApiVersion(51),
    };
    DecodedHead::decode(&head)
        .and_then(|head| head.body(body, served))
        .expect("a recorded request is understood")
        .encode()
}

#[divan::bench(sample_size = 100)]
fn container_create() -> Encoded {
    translate("POST", "/v1.51/containers/create", RUN)
}

#[divan::bench(sample_size = 100)]
fn container_list() -> Encoded {
    translate(
        "GET",
        "/v1.51/containers/json?all=1&filters=%7B%22label%22%3A%7B%22com.docker.compose.project%3Dx%22%3Atrue%7D%7D",
        b"",
    )
}

#[divan::bench(sample_size = 100)]
fn service_create() -> Encoded {
    translate("POST", "/v1.51/services/create", SERVICE)
}
