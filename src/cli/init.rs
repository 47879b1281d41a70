//! `opgate init`: a ready policy for a well-known client.
//!
//! The files of `policies/` are part of the program; the first line of each says
//! in a comment what it is for.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use opgate::diagnostic::nearest;

use super::Failure;

/// What to write, and where.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy, such as `traefik`. Without a name, all of them are listed.
    name: Option<String>,
    /// The file to write; standard output if it is left out.
    #[arg(long, short, value_name = "FILE", requires = "name")]
    output: Option<PathBuf>,
    /// Replace the file if there is one.
    #[arg(long, requires = "output")]
    force: bool,
}

/// A policy that the program holds.
struct Preset {
    name: &'static str,
    text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// All of them, by name.
        const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            text: include_str!(concat!("../../policies/", $name, ".yaml")),
        }),*];
    };
}

presets![
    "act",
    "ai-agent",
    "autoheal",
    "beszel",
    "cadvisor",
    "compose",
    "devcontainers",
    "diun",
    "dockerspawner",
    "dozzle",
    "github-actions-runner",
    "gitlab-runner",
    "homarr",
    "homepage",
    "jenkins",
    "netdata",
    "nginx-proxy",
    "ofelia",
    "ping-only",
    "portainer",
    "portainer-read-only",
    "prometheus",
    "read-only",
    "telegraf",
    "testcontainers",
    "traefik",
    "traefik-swarm",
    "uptime-kuma",
    "watchtower",
    "woodpecker",
];

impl Preset {
    fn find(name: &str) -> Result<&'static Self, Failure> {
        PRESETS
            .iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| {
                let help = nearest(name, PRESETS.iter().map(|preset| preset.name))
                    .unwrap_or_else(|| "`opgate init` lists them".to_owned());
                Failure::Usage(format!("there is no policy `{name}`; {help}"))
            })
    }

    /// What it is for, in one line.
    fn description(&self) -> &'static str {
        let line = self.text.lines().next().unwrap_or_default();
        line.trim_start_matches(['#', ' '])
    }
}

/// Lists the policies, or writes one of them.
pub(super) fn init(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let Some(name) = &arguments.name else {
        return list(out);
    };
    let preset = Preset::find(name)?;
    match &arguments.output {
        None => out.write_all(preset.text.as_bytes())?,
        Some(path) => write(path, preset.text, arguments.force)?,
    }
    Ok(())
}

fn list(out: &mut impl Write) -> Result<(), Failure> {
    let width = PRESETS.iter().map(|preset| preset.name.len()).max();
    let width = width.unwrap_or_default();
    for preset in PRESETS {
        writeln!(out, "{:width$}  {}", preset.name, preset.description())?;
    }
    writeln!(
        out,
        "\nOne of them, to adapt: opgate init NAME --output opgate.yaml"
    )?;
    Ok(())
}

/// Writes a file, which replaces another only if that is wanted.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let written = if force {
        fs::write(path, text)
    } else {
        File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()))
    };
    written.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is there already; `--force` replaces it".to_owned(),
            _ => error.to_string(),
        };
        Failure::Usage(format!("cannot write {}: {why}", path.display()))
    })
}
