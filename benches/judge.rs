//! The whole of the gate for one request, without any connection: route, decode,
//! decide, encode. What `translate` measures is in it; the difference is the
//! decision.
//!
//! `cargo bench --bench judge`

use opgate::api::definition::ApiVersion;
use opgate::gate::{EngineVersion, Gate, ListenerId, Permit, RequestHead};

fn main() {
    divan::main();
}

/// The body as recorded from the docker CLI 28.5.2.
const RUN: &[u8] = include_bytes!("requests/run.json");

/// What a careful policy says of a container.
const CAREFUL: &str = "ContainerCreate: { body: { \
    Image: { image: [docker.io/library/*, ghcr.io/acme/**] }, \
    HostConfig: { CapAdd: { subset: [NET_ADMIN] }, PidsLimit: { any_of: [absent, { max: 100 }] } } }, \
    networks: { subset: [default, bridge, my-ci] }, \
    mounts: { each: { source: { under: [/srv/builds] } } } }";

#[expect(
    clippy::expect_used,
    reason = "a bench of a policy that is wrong says nothing"
)]
fn gate(rules: &[String]) -> Gate {
    let rules = rules.join("\n      - ");
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /nowhere/gate.sock, client: me }}]\n\
         upstream: unix:///nowhere/engine.sock\nclients: {{ me: {{ policies: [mine] }} }}\n\
         policies:\n  mine:\n    allow:\n      - {rules}\n"
    );
    let configuration = opgate::policy::resolve("bench", &text).expect("the policy is right");
    Gate::new(configuration.policies)
}

#[expect(
    clippy::expect_used,
    reason = "a bench of a request that is refused says nothing"
)]
fn judge(gate: &Gate, method: &str, target: &str, body: &[u8]) -> Permit {
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
    let engine = EngineVersion {
        min: ApiVersion(24),
        max: ApiVersion(51),
    };
    gate.head(&head, ListenerId(0))
        .and_then(|matched| gate.judge(matched, body, engine))
        .expect("the request is allowed")
}

const CREATE: &str = "/v1.51/containers/create";
const LIST: &str = "/v1.51/containers/json?all=1&filters=%7B%22label%22%3A%7B%22com.docker.compose.project%3Dx%22%3Atrue%7D%7D";

#[divan::bench(sample_size = 100)]
fn create_by_a_bare_rule(bencher: divan::Bencher<'_, '_>) {
    let gate = gate(&["ContainerCreate".to_owned()]);
    bencher.bench(|| judge(&gate, "POST", CREATE, RUN));
}

#[divan::bench(sample_size = 100)]
fn create_by_a_careful_rule(bencher: divan::Bencher<'_, '_>) {
    let gate = gate(&[CAREFUL.to_owned()]);
    bencher.bench(|| judge(&gate, "POST", CREATE, RUN));
}

#[divan::bench(sample_size = 100)]
fn list(bencher: divan::Bencher<'_, '_>) {
    let gate = gate(&["ContainerList".to_owned()]);
    bencher.bench(|| judge(&gate, "GET", LIST, b""));
}

/// Rules of other operations cost nothing.
#[divan::bench(sample_size = 100, args = [10, 1000])]
fn list_among_rules(bencher: divan::Bencher<'_, '_>, count: usize) {
    let mut rules: Vec<String> = (0..count)
        .map(|number| format!("ContainerCreate: {{ query: {{ name: name-{number} }} }}"))
        .collect();
    rules.push("ContainerList".to_owned());
    let gate = gate(&rules);
    bencher.bench(|| judge(&gate, "GET", LIST, b""));
}
