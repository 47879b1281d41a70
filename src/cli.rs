//! The command line: what each subcommand takes, and the exit codes.
//!
//! Results go to standard output, diagnostics to standard error. Exit codes: 0
//! fine, 1 findings, 2 usage or input that cannot be read.

mod check;
mod config;
mod demo;
mod descriptors;
mod diff;
mod engines;
mod explain;
mod health;
mod init;
mod log;
mod ops;
mod run;
mod schema;
mod spec;
mod test;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A declarative, schema-aware gate for the Docker Engine API.
#[derive(Debug, Parser)]
#[command(name = "opgate", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gate.
    Run {
        #[command(flatten)]
        file: ConfigFile,
        /// What requests under way get to end in when the gate is told to stop. Told
        /// again, it stops at once.
        #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=86_400))]
        grace: u64,
    },
    /// Show everything that is wrong with policy files.
    Check(check::Arguments),
    /// Run the tests of policy files.
    Test(test::Arguments),
    /// Put the gate in front of an Engine and show what it allows and refuses.
    Demo {
        /// The Engine, as for the docker client. Where none answers, a stand-in does.
        #[arg(long, env = "DOCKER_HOST", value_name = "HOST")]
        docker_host: Option<String>,
    },
    /// Show what would become of one request, step by step.
    Explain(Box<explain::Arguments>),
    /// Ask a running gate whether it and the Engine serve: exit code 0 if they do, 1 if not.
    Health(health::Whom),
    /// Write a ready policy for a well-known client, or list those that there are.
    Init(init::Arguments),
    /// Show what one policy file allows or refuses that another does not, with requests.
    Diff(diff::Arguments),
    /// Compare versions of the Engine API.
    #[command(subcommand)]
    Spec(spec::Command),
    /// Show the operations of the Engine API, or one of them with its fields.
    Ops {
        /// An operation, such as `ContainerCreate`.
        name: Option<String>,
        /// The form of the output.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Write the JSON Schema of a policy file, with which editors complete and check one.
    Schema,
}

/// The policy file of a gate.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The policy file.
    #[arg(
        long,
        value_name = "FILE",
        env = "OPGATE_CONFIG",
        default_value = "/etc/opgate/opgate.yaml"
    )]
    config: PathBuf,
}

/// The form of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Why a command ends without a result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// What the user wrote is wrong: exit code 1.
    #[error("{0}")]
    Findings(String),
    /// What was asked about is refused, as was said: exit code 1.
    #[error("refused")]
    Refused,
    /// Usage or unreadable input: exit code 2.
    #[error("opgate: {0}")]
    Usage(String),
    /// Standard output is gone, as behind a closed pipe.
    #[error("opgate: standard output: {0}")]
    Output(#[from] io::Error),
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run { file, grace } => run::run(&file.config, Duration::from_secs(grace)),
        Command::Check(arguments) => check::check(&arguments, &mut io::stdout()),
        Command::Test(arguments) => test::test(&arguments, &mut io::stdout()),
        Command::Demo { docker_host } => demo::demo(docker_host.as_deref(), &mut io::stdout()),
        Command::Explain(arguments) => explain::explain(&arguments, &mut io::stdout()),
        Command::Health(whom) => health::health(whom, &mut io::stdout()),
        Command::Init(arguments) => init::init(&arguments, &mut io::stdout()),
        Command::Spec(command) => spec::spec(&command, &mut io::stdout()),
        Command::Ops { name, output } => ops::ops(name.as_deref(), output, &mut io::stdout()),
        Command::Diff(arguments) => diff::diff(&arguments, &mut io::stdout()),
        Command::Schema => schema::schema(&mut io::BufWriter::new(io::stdout().lock())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever closed the pipe has read enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Refused) => ExitCode::from(1),
        Err(failure) => {
            say(&failure);
            match failure {
                Failure::Findings(_) | Failure::Refused => ExitCode::from(1),
                Failure::Usage(_) | Failure::Output(_) => ExitCode::from(2),
            }
        }
    }
}

/// Writes to standard error. Nothing can be done if that is gone.
fn say(what: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{}", what.to_string().trim_end());
}

/// A rule for programs.
fn rule_json(rule: &opgate::policy::RuleName) -> serde_json::Value {
    serde_json::json!({
        "policy": *rule.policy,
        "file": *rule.place.file,
        "line": rule.place.line,
    })
}

/// Whether standard error is a person's terminal.
fn on_terminal() -> bool {
    io::stderr().is_terminal()
}
