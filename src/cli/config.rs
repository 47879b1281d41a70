//! Reading policy files.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use opgate::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use opgate::identity::process;
use opgate::policy::{self, Configuration, ReadFile, SourceFile};
use opgate::shortage::is_shortage;

use super::Failure;

/// The largest policy file.
const FILE_LIMIT: u64 = 1 << 20;

/// Reads and checks a file, against the schema, too; gives what it configures, or
/// what is wrong with it.
pub(super) fn check(path: &Path) -> Result<Result<Configuration, Diagnostics>, Failure> {
    Ok(first(path, &read)?.and_then(|(name, file)| policy::check_with(&name, file, &read)))
}

/// Reads a file; gives what it configures, or what is wrong with it.
pub(super) fn resolve(path: &Path) -> Result<Result<Configuration, Diagnostics>, Failure> {
    resolve_seen(path, false).resolved
}

/// What reading a file has given.
pub(super) struct Looked {
    pub(super) resolved: Result<Result<Configuration, Diagnostics>, Failure>,
    /// What it and the files that it includes looked like.
    pub(super) seen: Seen,
    /// Whether one of them was not read for want of descriptors.
    pub(super) short: bool,
}

/// Reads a file like [`resolve`]. With `only_files`, what is no file cannot be read.
pub(super) fn resolve_seen(path: &Path, only_files: bool) -> Looked {
    let seen = RefCell::new(Seen::default());
    let short = Cell::new(false);
    let read = |path: &Path| {
        // Before it is read: what is written meanwhile is then a change.
        seen.borrow_mut().look(path);
        if only_files && !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        read(path).inspect_err(|error| short.set(short.get() || is_shortage(error)))
    };
    let resolved = first(path, &read)
        .map(|first| first.and_then(|(name, file)| policy::resolve_with(&name, file, &read)));
    Looked {
        resolved,
        seen: seen.into_inner(),
        short: short.get(),
    }
}

/// What files looked like. What is not a file looks like nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(Vec<(PathBuf, Option<Stamp>)>);

/// What changes when a file is written or replaced: device, inode, size, and the
/// times of the last change of its text and of itself.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

impl Seen {
    fn look(&mut self, path: &Path) {
        let found = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let stamp = found.map(|found| {
            let text = (found.mtime(), found.mtime_nsec());
            let itself = (found.ctime(), found.ctime_nsec());
            (found.dev(), found.ino(), found.size(), text, itself)
        });
        self.0.push((path.to_owned(), stamp));
    }

    /// Looks at these, too.
    pub(super) fn look_at<'f>(&mut self, files: impl Iterator<Item = &'f Path>) {
        files.for_each(|file| self.look(file));
    }

    /// What the same files look like now.
    pub(super) fn again(&self) -> Self {
        let mut now = Self::default();
        for (path, _) in &self.0 {
            now.look(path);
        }
        now
    }
}

/// Reads the file that was named. One that is not text is a file with a mistake.
fn first(
    path: &Path,
    read: &ReadFile<'_>,
) -> Result<Result<(String, SourceFile), Diagnostics>, Failure> {
    let shown = path.display().to_string();
    match read(path) {
        Ok(file) => Ok(Ok((shown, file))),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let message = "the file is not text in UTF-8";
            let found = Diagnostic::error(Code::Yaml, Span::START, message);
            Ok(Err(Diagnostics::new(&shown, "", vec![found])))
        }
        Err(error) => Err(Failure::Usage(format!("cannot read `{shown}`: {error}"))),
    }
}

/// Reads a policy file, or one that another includes.
fn read(path: &Path) -> io::Result<SourceFile> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(FILE_LIMIT.saturating_add(1));
    file.read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > FILE_LIMIT {
        let message = format!("it is larger than {FILE_LIMIT} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    // What has no path, such as a pipe, is included by nobody.
    let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    Ok(SourceFile { identity, text })
}

/// Whether a configuration can be served here: what only this machine can tell.
pub(super) fn runs_here(configuration: &Configuration) -> Result<(), Failure> {
    let unknown = |one: &&Diagnostic| one.code == Code::UnknownUser;
    if let Some(one) = configuration.warnings.found().iter().find(unknown) {
        return Err(Failure::Findings(format!(
            "{}:{}: {}: write a number, or make it known here",
            configuration.warnings.file(one.span),
            one.span.line,
            one.message
        )));
    }
    if configuration.policies.ask_for_processes() {
        process::available().map_err(Failure::Findings)?;
    }
    Ok(())
}

/// Reads a file that must be right. Warnings go to standard error.
pub(super) fn load(path: &Path) -> Result<Configuration, Failure> {
    load_seen(path).map(|(configuration, _)| configuration)
}

/// The same, with what the files looked like.
pub(super) fn load_seen(path: &Path) -> Result<(Configuration, Seen), Failure> {
    let Looked { resolved, seen, .. } = resolve_seen(path, false);
    let configuration = resolved?.map_err(|found| Failure::Findings(found.to_string()))?;
    if !configuration.warnings.found().is_empty() {
        super::say(&configuration.warnings);
    }
    Ok((configuration, seen))
}
