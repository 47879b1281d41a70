//! The command `opgate-codegen import`: reads published descriptions and the
//! folder `spec/`, lets the library plan the import, prints what the versions
//! change, and writes the files. Everything that is decided is decided in the
//! library; everything that touches a file is here.

use opgate_codegen::import::{self, Imported, Outcome, Plan, Settings, Unclassified, report};
use opgate_codegen::overlay::Overlay;
use opgate_codegen::{Errors, Source};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

const HELP: &str = "\
Takes published descriptions of the Engine API (Swagger 2.0) into spec/.

Usage: opgate-codegen import [OPTIONS] FILE...

Converts each FILE, such as v1.56.yaml, to OpenAPI 3.0 without its prose, writes
engine-v1.56.yaml and provenance.toml, and prints what the version adds, removes
and changes against the nearest lower version, and what of it is unclassified.

Options:
      --spec-dir DIR   the folder to write to [default: spec]
      --commit COMMIT  the commit of moby/moby that the files are from
      --replace        let a file take the place of another of the same version
      --check          write nothing; exit with 1 if something would be written
  -h, --help           print this

Exit codes: 0 fine, 1 findings, 2 usage or unreadable input.
";

/// The longest file that is read; the published ones have half a MiB.
const MOST_BYTES: u64 = 16 << 20;

/// What the command line says.
#[derive(Debug, Default)]
struct Arguments {
    files: Vec<PathBuf>,
    folder: PathBuf,
    settings: Settings,
    check: bool,
}

/// How it ends when not well.
enum Failure {
    /// A mistake on the command line, or a file that cannot be read or written.
    Usage(String),
    /// Something is wrong with what the files say.
    Findings(Errors),
}

impl From<Errors> for Failure {
    fn from(errors: Errors) -> Self {
        Self::Findings(errors)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if arguments.is_empty() {
        let _ = io::stderr().write_all(HELP.as_bytes());
        return ExitCode::from(2);
    }
    let wants_help = |argument: &OsString| argument == "--help" || argument == "-h";
    if arguments.iter().any(wants_help) {
        let _ = io::stdout().write_all(HELP.as_bytes());
        return ExitCode::SUCCESS;
    }
    match parse(arguments)
        .map_err(Failure::Usage)
        .and_then(|arguments| run(&arguments))
    {
        Ok(code) => code,
        Err(Failure::Usage(message)) => {
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Findings(errors)) => {
            let _ = writeln!(io::stderr(), "{errors}");
            ExitCode::from(1)
        }
    }
}

/// Reads the command line.
fn parse(arguments: Vec<OsString>) -> Result<Arguments, String> {
    let mut words = arguments.into_iter();
    match words.next() {
        Some(word) if word == "import" => {}
        other => {
            let other = other.unwrap_or_default();
            return Err(format!(
                "there is no command `{}`; try --help",
                other.display()
            ));
        }
    }
    let mut parsed = Arguments {
        folder: PathBuf::from("spec"),
        ..Arguments::default()
    };
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("`{}` needs a value", word.display()))
        };
        match word.to_str() {
            Some("--check") => parsed.check = true,
            Some("--replace") => parsed.settings.replace = true,
            Some("--spec-dir") => parsed.folder = PathBuf::from(value()?),
            Some("--commit") => {
                let commit = value()?.into_string();
                parsed.settings.commit = Some(commit.unwrap_or_default());
            }
            Some(option) if option.starts_with('-') => {
                return Err(format!("there is no option `{option}`; try --help"));
            }
            _ => parsed.files.push(PathBuf::from(word)),
        }
    }
    if parsed.files.is_empty() {
        return Err("name the descriptions to import; try --help".to_owned());
    }
    Ok(parsed)
}

/// Imports.
fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let inputs = read_all(&arguments.files).map_err(Failure::Usage)?;
    let folder = read_folder(&arguments.folder).map_err(Failure::Usage)?;
    let plan = import::plan(&sources(&inputs), &sources(&folder), &arguments.settings)?;
    let overlay = folder
        .iter()
        .find(|(path, _)| Path::new(path).ends_with("overlay.yaml"));
    let said = describe(&plan, overlay.map(|(file, text)| Source { file, text }))?;
    let _ = io::stdout().write_all(said.as_bytes());
    let mut words = String::new();
    for (name, text) in &plan.files {
        if arguments.check {
            let _ = writeln!(words, "would write {name}");
        } else {
            write_file(&arguments.folder.join(name), text).map_err(Failure::Usage)?;
            let _ = writeln!(words, "wrote {name}");
        }
    }
    let _ = io::stdout().write_all(words.as_bytes());
    let findings = arguments.check && !plan.files.is_empty();
    Ok(ExitCode::from(u8::from(findings)))
}

/// What the import means, in words.
fn describe(plan: &Plan, overlay: Option<Source<'_>>) -> Result<String, Errors> {
    let overlay = match overlay {
        Some(source) => Overlay::parse(source.text, source.file)?,
        None => Overlay::empty(),
    };
    let mut said = String::new();
    for imported in &plan.imported {
        let minor = imported.minor;
        let outcome = match imported.outcome {
            Outcome::New => "new",
            Outcome::Unchanged => "unchanged",
            Outcome::Rewritten => "the same input, converted differently",
            Outcome::Replaced => "replaced",
        };
        let _ = writeln!(said, "1.{minor}: {outcome}");
        let unclassified = match unclassified(imported, &overlay) {
            Ok(unclassified) => Some(unclassified),
            Err(errors) => {
                let _ = writeln!(
                    said,
                    "the overlay does not fit 1.{minor} yet, so nothing counts as classified:\n{errors}"
                );
                None
            }
        };
        let is_classified = |operation: &str, place: &str| {
            let known = unclassified.as_ref();
            known.is_some_and(|unclassified| !unclassified.contains(operation, place))
        };
        let compared = [&imported.replaced, &imported.previous];
        for previous in compared.into_iter().flatten() {
            let report = report(previous, &imported.document, &is_classified)?;
            let _ = write!(said, "{report}");
        }
        if imported.previous.is_none() {
            let _ = writeln!(said, "no lower version to compare with");
        }
    }
    Ok(said)
}

/// What the overlay leaves unclassified in an imported version, seen beside the
/// version before it: a place can be new though all that is there is known.
fn unclassified(imported: &Imported, overlay: &Overlay) -> Result<Unclassified, Errors> {
    let mut files = Vec::new();
    let file = import::file_name(imported.minor);
    let documents = imported.previous.iter().chain([&imported.document]);
    for document in documents {
        files.push((file.clone(), opgate_codegen::swagger::render(document)?));
    }
    let api = opgate_codegen::build_with(&sources(&files), overlay)?;
    Ok(Unclassified::of(&api))
}

fn sources(files: &[(String, String)]) -> Vec<Source<'_>> {
    files
        .iter()
        .map(|(file, text)| Source { file, text })
        .collect()
}

/// The documents, the overlay and the list of a folder.
fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let ours = name.to_str().is_some_and(|name| {
            import::file_minor(name).is_some()
                || name == "overlay.yaml"
                || name == import::PROVENANCE
        });
        if ours {
            paths.push(folder.join(name));
        }
    }
    paths.sort();
    read_all(&paths)
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<(String, String)>, String> {
    let named = |path: &PathBuf| Ok((path.display().to_string(), read(path)?));
    paths.iter().map(named).collect()
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let file = fs::File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(failed(&format!("is longer than {} MiB", MOST_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| failed(&"is not UTF-8"))
}

/// Writes a file beside and moves it into place, so that a build never reads
/// half of one.
fn write_file(path: &Path, text: &str) -> Result<(), String> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| format!("{}: {error}", path.display()))
}
