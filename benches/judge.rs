//! The whole of the gate for one request, without any connection: route, decode,
//! decide, encode. What `translate` measures is in it; the difference is the
//! decision. `decide` is the decision alone.
//!
//! `cargo bench --bench judge`

use opgate::api::definition::ApiVersion;
use opgate::gate::{EngineVersion, Gate, ListenerId, Permit, RequestHead};
use opgate::policy::Policies;
use opgate::request::DecodedHead;

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
fn policies(rules: &[String]) -> Policies {
    let rules = rules.join("\n      - ");
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /nowhere/gate.sock, client: me }}]\n\
         upstream: unix:///nowhere/engine.sock\nclients: {{ me: {{ policies: [mine] }} }}\n\
         policies:\n  mine:\n    allow:\n      - {rules}\n"
    );
    let configuration = opgate::policy::resolve("bench", &text).expect("the policy is right");
    configuration.policies
}

fn gate(rules: &[String]) -> Gate {
    Gate::new(policies(rules))
}

#[expect(
    clippy::expect_used,
    reason = "a bench of a request that is refused says nothing"
)]
fn judge(gate: &Gate, method: &str, target: &str, body: &[u8]) -> Permit {
    let head = RequestHead {
        method,
        target,
        headers: HEADERS,
    };
    gate.head(&head, ListenerId(0))
        .and_then(|matched| gate.judge(matched, body, ENGINE))
        .expect("the request is allowed")
}

const HEADERS: &[(&str, &[u8])] = &[
    ("Host", b"api.moby.localhost"),
    ("User-Agent", b"Docker-Client/28.5.2 (linux)"),
    ("Content-Type", b"application/json"),
];

const ENGINE: EngineVersion = EngineVersion {
    min: ApiVersion(24),
    max: ApiVersion(51),
};

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

/// The decision alone, about a request that is decoded already.
mod decide {
    use super::{CAREFUL, CREATE, DecodedHead, ENGINE, HEADERS, LIST, RUN, RequestHead, policies};

    #[expect(
        clippy::expect_used,
        reason = "a bench of a request that is refused says nothing"
    )]
    fn decide(
        bencher: divan::Bencher<'_, '_>,
        rule: &str,
        method: &str,
        target: &str,
        body: &[u8],
    ) {
        let policies = policies(&[rule.to_owned()]);
        let client = policies.client_named("me").expect("the client is there");
        let head = RequestHead {
            method,
            target,
            headers: HEADERS,
        };
        let served = ENGINE.common().expect("there is a common version");
        let request = DecodedHead::decode(&head)
            .and_then(|head| head.body(body, served))
            .expect("the request is understood");
        bencher.bench(|| {
            policies
                .allowing(client, &request)
                .expect("the request is allowed");
        });
    }

    #[divan::bench(sample_size = 100)]
    fn list(bencher: divan::Bencher<'_, '_>) {
        decide(bencher, "ContainerList", "GET", LIST, b"");
    }

    #[divan::bench(sample_size = 100)]
    fn create_by_a_bare_rule(bencher: divan::Bencher<'_, '_>) {
        decide(bencher, "ContainerCreate", "POST", CREATE, RUN);
    }

    #[divan::bench(sample_size = 100)]
    fn create_by_a_careful_rule(bencher: divan::Bencher<'_, '_>) {
        decide(bencher, CAREFUL, "POST", CREATE, RUN);
    }

    #[divan::bench(sample_size = 100)]
    fn create_by_a_rule_that_rewrites(bencher: divan::Bencher<'_, '_>) {
        let rule = "ContainerCreate: { body: { HostConfig: { \
            Memory: { default: 512MiB, max: 2GiB }, CapDrop: { set: [ALL] } }, \
            Labels: { set: { com.example.owner: ci } } } }";
        decide(bencher, rule, "POST", CREATE, RUN);
    }
}
