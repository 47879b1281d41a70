//! Takes newly published descriptions into `spec/`: converts them, says which
//! files to write, and what each version changes against the one before it.
//!
//! Everything is decided here and nothing written: texts come in, texts go out,
//! and the command in `main` does the reading and writing. A version is imported
//! once; another input for the same version needs the caller's word, because
//! what policies mean hangs on it. Whatever of an earlier import must be known
//! (the input's checksum, the commit) is read from the documents' own headers.
//!
//! Read next: `report` for the comparison, `header` for what a file says of itself.

mod header;
mod outline;
mod report;
#[cfg(test)]
mod tests;
mod unclassified;

use crate::error::{Error, Errors};
use crate::{Source, swagger};
use header::Header;
pub use report::{Change, ChangedOperation, ChangedPlace, Report, report};
use serde_json::Value;
use std::collections::BTreeMap;
pub use unclassified::Unclassified;

/// The file that lists where every document came from.
pub const PROVENANCE: &str = "provenance.toml";

/// What the caller says about an import.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether an input may take the place of another one of the same version.
    pub replace: bool,
    /// The commit of the publisher's repository that the inputs are from.
    pub commit: Option<String>,
}

/// What an import comes to.
#[derive(Debug)]
pub struct Plan {
    /// The imported versions, the oldest first.
    pub imported: Vec<Imported>,
    /// Files whose text is new or another than before, with their names.
    pub files: Vec<(String, String)>,
}

/// One imported version.
#[derive(Debug)]
pub struct Imported {
    /// The minor version.
    pub minor: u16,
    /// What became of its file.
    pub outcome: Outcome,
    /// The document.
    pub document: Value,
    /// The document to compare it with: the nearest lower version.
    pub previous: Option<Value>,
    /// The document whose place it takes, where that was made from another input.
    pub replaced: Option<Value>,
}

/// What becomes of a version's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    New,
    /// It is what it was.
    Unchanged,
    /// The same input is now converted differently.
    Rewritten,
    /// It was made from another input.
    Replaced,
}

/// The name of a version's file.
pub fn file_name(minor: u16) -> String {
    format!("engine-v1.{minor}.yaml")
}

/// The minor version of a file's name.
pub fn file_minor(name: &str) -> Option<u16> {
    let version = name.strip_prefix("engine-v")?.strip_suffix(".yaml")?;
    swagger::parse_minor(version)
}

/// The SHA-256 of a text, in hexadecimal digits.
pub fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(64);
    for byte in sha2::Sha256::digest(text.as_bytes()) {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// A document of the folder.
struct Document {
    text: String,
    document: Value,
}

/// Plans an import of the descriptions `inputs` into a folder that holds the
/// files `present`, of which only documents and the list of them matter.
pub fn plan(
    inputs: &[Source<'_>],
    present: &[Source<'_>],
    settings: &Settings,
) -> Result<Plan, Errors> {
    let mut errors = Errors::default();
    if let Some(commit) = &settings.commit
        && !header::is_commit(commit)
    {
        let message = "expected the 40 hexadecimal digits of a commit";
        errors.push(Error::new("--commit", "", message));
    }
    let list = present
        .iter()
        .find(|source| base_name(source.file) == PROVENANCE);
    let mut documents = read_present(present, &mut errors);
    let mut plan = Plan {
        imported: Vec::new(),
        files: Vec::new(),
    };
    for (minor, (input, document)) in convert_all(inputs, &mut errors) {
        let before = documents.get(&minor);
        match import_one(input, document, minor, before, settings) {
            Ok((mut imported, text)) => {
                // The oldest come first, so that what is below is there by now.
                let lower = documents.range(..minor).next_back();
                imported.previous = lower.map(|(_, lower)| lower.document.clone());
                if imported.outcome != Outcome::Unchanged {
                    plan.files.push((file_name(minor), text.clone()));
                }
                let document = imported.document.clone();
                documents.insert(minor, Document { text, document });
                plan.imported.push(imported);
            }
            Err(error) => errors.push(error),
        }
    }
    let texts = documents
        .iter()
        .map(|(minor, there)| (*minor, there.text.as_str()));
    let provenance = header::provenance(texts);
    if list.is_none_or(|list| list.text != provenance) {
        plan.files.push((PROVENANCE.to_owned(), provenance));
    }
    errors.or(plan)
}

/// Converts all inputs, by version.
fn convert_all<'a>(
    inputs: &[Source<'a>],
    errors: &mut Errors,
) -> BTreeMap<u16, (Source<'a>, Value)> {
    let mut converted: BTreeMap<u16, (Source<'_>, Value)> = BTreeMap::new();
    for input in inputs {
        match swagger::convert(input.text, input.file) {
            Ok(document) => {
                // The conversion refuses a description without a version.
                let Some(minor) = swagger::minor_version(&document) else {
                    continue;
                };
                if let Some((other, _)) = converted.insert(minor, (*input, document)) {
                    let message = format!("is of version 1.{minor}, and so is `{}`", other.file);
                    errors.push(Error::new(input.file, "", message));
                }
            }
            Err(more) => errors.0.extend(more.0),
        }
    }
    converted
}

/// The last part of a path.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Reads the documents that are already there.
fn read_present(sources: &[Source<'_>], errors: &mut Errors) -> BTreeMap<u16, Document> {
    let mut present = BTreeMap::new();
    for source in sources {
        let Some(minor) = file_minor(base_name(source.file)) else {
            continue;
        };
        match serde_yaml::from_str::<Value>(source.text) {
            Ok(document) if swagger::minor_version(&document) == Some(minor) => {
                let text = source.text.to_owned();
                present.insert(minor, Document { text, document });
            }
            Ok(_) => errors.push(Error::new(
                source.file,
                "/info/version",
                format!("expected `1.{minor}`, as in the file's name"),
            )),
            Err(error) => errors.push(Error::new(source.file, "", error.to_string())),
        }
    }
    present
}

/// One version: its text, and what becomes of its file.
fn import_one(
    input: Source<'_>,
    document: Value,
    minor: u16,
    before: Option<&Document>,
    settings: &Settings,
) -> Result<(Imported, String), Error> {
    let sha256 = sha256(input.text);
    let known = before.and_then(|before| Header::read(&before.text));
    let known = known.as_ref();
    let same_input = known.is_some_and(|known| known.sha256 == sha256);
    if before.is_some() && !same_input && !settings.replace {
        let from = known.map_or("something else", |known| known.sha256.as_str());
        let message = format!(
            "is version 1.{minor} with sha256 {sha256}, but `{}` was made from {from}",
            file_name(minor),
        );
        return Err(Error::new(input.file, "", message)
            .help("give `--replace` if this input shall take the place of the other"));
    }
    let commit = settings
        .commit
        .clone()
        .or_else(|| known.filter(|_| same_input)?.commit.clone());
    let header = Header {
        minor,
        sha256,
        commit,
    };
    let text = header.to_string() + &swagger::render(&document)?;
    let outcome = match before {
        None => Outcome::New,
        Some(before) if before.text == text => Outcome::Unchanged,
        Some(_) if same_input => Outcome::Rewritten,
        Some(_) => Outcome::Replaced,
    };
    let imported = Imported {
        minor,
        outcome,
        document,
        previous: None,
        replaced: before
            .filter(|_| outcome == Outcome::Replaced)
            .map(|before| before.document.clone()),
    };
    Ok((imported, text))
}
