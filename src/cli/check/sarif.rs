//! Diagnostics as SARIF 2.1.0, which code hosts show beside the lines of a change.

use std::fmt::Write as _;

use opgate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use serde_json::{Value, json};

/// A run over some files.
pub(super) fn log(found: &[Diagnostics]) -> Value {
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.name(),
                "shortDescription": { "text": code.description() },
            })
        })
        .collect();
    let results: Vec<Value> = found
        .iter()
        .flat_map(|found| found.found().iter().map(|one| result(found, one)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "opgate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(found: &Diagnostics, one: &Diagnostic) -> Value {
    let span = one.span;
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = one.message.clone();
    for more in [&one.note, &one.help].into_iter().flatten() {
        let _ = write!(text, "; {more}");
    }
    json!({
        "ruleId": one.code.name(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == one.code),
        "level": level,
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(found.file(span)) },
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endColumn": span.column.saturating_add(span.length),
            },
        } }],
    })
}

/// A path as a reference to it.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("policies/a.yaml"), "policies/a.yaml");
        assert_eq!(uri("/etc/opgate/a b.yaml"), "file:///etc/opgate/a%20b.yaml");
        assert_eq!(uri("a:b/é#?.yaml"), "a%3Ab/%C3%A9%23%3F.yaml");
    }
}
