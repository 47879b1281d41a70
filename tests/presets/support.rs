//! The files of `policies/`, and requests put to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use opgate::api::definition::ApiVersion;
use opgate::gate::{EngineVersion, Gate, Refusal, RequestHead};
use opgate::policy;

/// What is in the folder and no policy for a client of its own.
const NO_PRESETS: [&str; 2] = ["demo", "example"];

/// The Engine that requests are for: 28, with what it serves.
const ENGINE: EngineVersion = EngineVersion {
    min: ApiVersion(24),
    max: ApiVersion(51),
};

/// The texts of the policies, by name.
pub(crate) fn presets() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let found: BTreeMap<String, String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .filter(|(name, _)| !NO_PRESETS.contains(&name.as_str()))
        .collect();
    assert!(found.len() >= 30, "only {}", found.len());
    found
}

/// A policy with all the rules that it has as comments, for people to open.
pub(crate) fn opened(text: &str) -> String {
    text.lines()
        .map(|line| line.replacen("      # - ", "      - ", 1) + "\n")
        .collect()
}

/// The gate of a policy, and whoever asks.
pub(crate) struct Asker {
    gate: Gate,
    client: policy::Client,
}

impl Asker {
    pub(crate) fn new(file: &str, text: &str, client: &str) -> Self {
        let policies = policy::resolve(file, text).unwrap().policies;
        let client = policies.client_named(client).unwrap();
        Self {
            gate: Gate::new(policies),
            client,
        }
    }

    /// Why a request is refused, if it is.
    pub(crate) fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Result<(), Refusal> {
        let head = RequestHead {
            method,
            target,
            headers,
        };
        let matched = self.gate.head_of(&head, self.client)?;
        self.gate.judge(matched, body, ENGINE).map(drop)
    }
}

pub(crate) fn opgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opgate"))
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
