//! Recorded requests with some of what clients can do to them, read as the
//! Engine reads them: what is forwarded has the reading of what came.
//!
//! The reading is that of the corpus (`../corpus/reader.rs`), which knows
//! nothing of opgate's definitions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use opgate::api::definition::ApiVersion;
use proptest::prelude::*;
use serde_json::Value;

use crate::reader::{Reading, read};
use crate::samples::escape;
use crate::translate::translate_up_to;

/// The Engine that the reading is of.
const ENGINE: ApiVersion = ApiVersion(51);

/// Operations whose body passes through.
const STREAMS: [&str; 5] = [
    "ImageBuild",
    "ImageImport",
    "ImageLoad",
    "PluginCreate",
    "PutContainerArchive",
];

/// A request as a client sends it.
#[derive(Clone)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Recorded requests that opgate understands, of each operation a few.
static RECORDED: LazyLock<Vec<Request>> = LazyLock::new(|| {
    let mut kept: BTreeMap<_, usize> = BTreeMap::new();
    let mut recorded = Vec::new();
    for line in include_str!("../corpus/requests.ndjson").lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let headers = line["headers"].as_object().unwrap().iter();
        let request = Request {
            method: text("method"),
            target: text("target"),
            headers: headers
                .map(|(name, value)| {
                    let value = value.as_str().unwrap();
                    (name.clone(), value.split(", ").next().unwrap().into())
                })
                .collect(),
            body: text("body").into_bytes(),
        };
        let Ok((operation, _)) = request.forwarded() else {
            continue;
        };
        let kept = kept.entry(operation).or_default();
        *kept += 1;
        // Bodies are where the requests of one operation differ most.
        if *kept <= if request.body.is_empty() { 6 } else { 60 } {
            recorded.push(request);
        }
    }
    assert!(recorded.len() > 400, "{}", recorded.len());
    recorded
});

impl Request {
    fn read(&self) -> Result<Reading, String> {
        read(&self.method, &self.target, &self.headers, &self.body)
    }

    /// The operation, and the request that is forwarded for this one.
    fn forwarded(&self) -> Result<(&'static str, Self), String> {
        let lines: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let forwarded = translate_up_to(ENGINE, &self.method, &self.target, &lines, &self.body)?;
        let mut headers: Vec<(String, Vec<u8>)> = forwarded
            .headers
            .into_iter()
            .map(|(name, value)| (name, value.into_bytes()))
            .collect();
        let mut body = forwarded.body.into_bytes();
        if !body.is_empty() {
            headers.push(("Content-Type".to_owned(), b"application/json".to_vec()));
        } else if STREAMS.contains(&forwarded.operation) {
            headers.push(("Content-Type".to_owned(), b"application/x-tar".to_vec()));
            body.clone_from(&self.body);
        }
        // The proxy's own.
        for name in ["upgrade", "connection"] {
            headers.extend(
                self.headers
                    .iter()
                    .find(|(known, _)| known == name)
                    .cloned(),
            );
        }
        let request = Self {
            method: self.method.clone(),
            target: forwarded.target,
            headers,
            body,
        };
        Ok((forwarded.operation, request))
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")?;
        self.headers
            .iter()
            .try_for_each(|(name, value)| write!(f, "\n{name}: {}", String::from_utf8_lossy(value)))
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} {body}", self.method, self.target)
    }
}

/// One change. The numbers say where and which, modulo what there is.
#[derive(Clone, Copy, Debug)]
struct Change {
    part: Part,
    what: usize,
    at: usize,
    with: usize,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Path,
    Query,
    ContentType,
    Credentials,
    Body,
    Tail,
}

fn change() -> impl Strategy<Value = Change> {
    let part = prop_oneof![
        2 => Just(Part::Path),
        4 => Just(Part::Query),
        1 => Just(Part::ContentType),
        1 => Just(Part::Credentials),
        16 => Just(Part::Body),
        1 => Just(Part::Tail),
    ];
    let number = any::<usize>;
    (part, number(), number(), number()).prop_map(|(part, what, at, with)| Change {
        part,
        what,
        at,
        with,
    })
}

/// A recorded request with some changes.
fn request() -> impl Strategy<Value = Request> {
    let changes = proptest::collection::vec(change(), 1..4);
    (any::<usize>(), changes).prop_map(|(at, changes)| {
        let mut request = RECORDED[at % RECORDED.len()].clone();
        for change in changes {
            change.apply(&mut request);
        }
        request
    })
}

fn pick<'a>(list: &[&'a str], with: usize) -> &'a str {
    list[with % list.len()]
}

const CONTENT_TYPES: &[&str] = &[
    "application/json",
    "APPLICATION/JSON",
    " application/json ",
    "application/json;",
    "application/json; charset=utf-8",
    "application/json;charset=\"utf-16\"",
    "text/plain",
    "text/json",
    "application/x-tar",
    "",
];

const TAILS: &[&str] = &[
    " ", "\n\t\r ", "}", "]", "} x", "x", "{}", ",", "null", "\u{b}",
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "0.0",
    "1.5",
    "1.0",
    "1e3",
    "65536",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    r#""""#,
    r#""0""#,
    r#""x""#,
    r#""80""#,
    r#""80/tcp""#,
    r#""127.0.0.1""#,
    r#""\u0000""#,
    "[]",
    "{}",
    "[null]",
    "[[]]",
    r#"["x"]"#,
    r#"{"x":null}"#,
    r#"{"x":{}}"#,
    r#"{"x":"y"}"#,
    r#"{"":""}"#,
];

const KEYS: &[&str] = &[
    "Bogus",
    "",
    "Privileged",
    "HostConfig",
    "Image",
    "80",
    "80/TCP",
    "080/tcp",
    "Resources",
];

const QUERY_VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "f",
    "no",
    "NONE",
    "%20false",
    "+1",
    "%2B1",
    "-0",
    "-1",
    "007",
    "1e3",
    "null",
    "%7B%7D",
    "%5B%5D",
    "a%00b",
    "%ff",
    "%zz",
    "a;b",
    "a=b",
    "%7B%22label%22%3A%5B%5D%7D",
    "%7B%22label%22%3Anull%7D",
    "%7B%22label%22%3A%5B%22a%22%5D%2C%22label%22%3Anull%7D",
    "%7B%22label%22%3A%7B%22a%22%3Afalse%7D%7D",
    "%7B%22label%22%3A%7B%22a%22%3Atrue%7D%7D",
    "%7B%22label%22%3A%5B%22a%22%5D%7D%7D",
    "%7B%22os%22%3A%22linux%22%7D",
    "linux/amd64",
    "Linux/AMD64",
];

const QUERY_NAMES: &[&str] = &[
    "all",
    "ALL",
    "filters",
    "name",
    "platform",
    "tag",
    "t",
    "limit",
    "version",
    "signal",
    "bogus",
    "force",
    "fromImage",
    "fromSrc",
    "%61ll",
    "",
];

const PATH_PIECES: &[&str] = &[
    "/", "//", "%2F", "%2f", "%2e", ".", "..", "/..", "/./", "%00", "%0A", "%20", "%ff", "%C3%A9",
    ";", "#", "a", "/json", "/v1.44", "%25", "%252F", "+", ":", "@",
];

impl Change {
    fn apply(self, request: &mut Request) {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        match self.part {
            Part::Path => request.target = format!("{}?{query}", self.path(path)),
            Part::Query => request.target = format!("{path}?{}", self.query(query)),
            Part::ContentType => {
                // In front of what is there, behind it, instead of it, or nothing.
                if self.what.is_multiple_of(2) {
                    request.headers.retain(|(name, _)| name != "content-type");
                }
                if !self.what.is_multiple_of(5) {
                    let line = (
                        "content-type".to_owned(),
                        pick(CONTENT_TYPES, self.with).into(),
                    );
                    let at = self.at % (request.headers.len() + 1);
                    request.headers.insert(at, line);
                }
            }
            Part::Credentials => {
                for (name, value) in &mut request.headers {
                    if name == "x-registry-auth"
                        && let Ok(bytes) = URL_SAFE.decode(&*value)
                    {
                        *value = URL_SAFE.encode(self.json(&bytes)).into_bytes();
                    }
                }
            }
            Part::Body => request.body = self.json(&request.body),
            Part::Tail => {
                if !request.body.is_empty() {
                    request.body.extend(pick(TAILS, self.with).bytes());
                }
            }
        }
    }

    fn path(self, path: &str) -> String {
        let at = (0..=self.at % path.len())
            .rev()
            .find(|at| path.is_char_boundary(*at))
            .unwrap_or_default();
        let (before, after) = path.split_at(at);
        let (first, rest) = after.split_at(after.chars().next().map_or(0, char::len_utf8));
        match self.what % 4 {
            0 => format!("{before}{}{rest}", escape(first)),
            1 => format!("{before}{}{rest}", first.to_uppercase()),
            _ => format!("{before}{}{after}", pick(PATH_PIECES, self.with)),
        }
    }

    fn query(self, query: &str) -> String {
        let mut pairs: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(str::to_owned)
            .collect();
        let value = pick(QUERY_VALUES, self.with);
        let at = self.at % pairs.len().max(1);
        let (name, old) = match pairs.get(at) {
            Some(pair) => pair.split_once('=').unwrap_or((pair, "")),
            None => (pick(QUERY_NAMES, self.at), value),
        };
        match self.what % 5 {
            0 => pairs.push(format!("{name}={value}")),
            1 => pairs.push(format!("{}={value}", pick(QUERY_NAMES, self.what / 5))),
            other => {
                let name = match other {
                    2 => name.to_uppercase(),
                    3 => escape(name),
                    _ => name.to_owned(),
                };
                let value = if other == 4 { value } else { old };
                let changed = format!("{name}={value}");
                pairs.splice(at..(at + 1).min(pairs.len()), [changed]);
            }
        }
        pairs.join("&")
    }

    /// JSON with one change, as text: it may be no value any more.
    fn json(self, text: &[u8]) -> Vec<u8> {
        let Ok(value) = serde_json::from_slice::<Value>(text) else {
            return text.to_vec();
        };
        let mut writer = Writer {
            change: self,
            next: 0,
            at: self.at % count(&value),
            out: String::new(),
        };
        writer.value(&value);
        writer.out.into_bytes()
    }
}

/// How many places a value has: itself, its elements and its entries.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// Writes a value with a change at one of its places.
struct Writer {
    change: Change,
    next: usize,
    at: usize,
    out: String,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        let here = self.next == self.at;
        self.next += 1;
        let change = self.change;
        match value {
            Value::Array(_) | Value::Object(_) if here && change.what.is_multiple_of(4) => {
                self.out += pick(VALUES, change.with);
            }
            Value::Array(list) => self.list(list, here),
            Value::Object(entries) => self.object(entries, here),
            _ if here => self.scalar(value),
            _ => self.out += &value.to_string(),
        }
    }

    fn list(&mut self, list: &[Value], here: bool) {
        self.out.push('[');
        let mut comma = "";
        for element in list {
            self.out += comma;
            comma = ",";
            self.value(element);
        }
        if here {
            self.out += comma;
            self.out += pick(VALUES, self.change.with);
        }
        self.out.push(']');
    }

    fn object(&mut self, entries: &serde_json::Map<String, Value>, here: bool) {
        let change = self.change;
        let chosen = here.then_some(change.with / 64 % entries.len().max(1));
        self.out.push('{');
        let mut comma = "";
        for (index, (key, value)) in entries.iter().enumerate() {
            let plain = Value::from(key.as_str()).to_string();
            self.out += comma;
            comma = ",";
            if chosen != Some(index) {
                self.out += &plain;
                self.out.push(':');
                self.value(value);
                continue;
            }
            self.out += &self.spelled(key);
            self.out.push(':');
            self.value(value);
            if change.what % 4 == 1 {
                self.entry(",", &plain, pick(VALUES, change.with));
            }
        }
        if here && change.what % 4 == 2 {
            let key = Value::from(pick(KEYS, change.what / 4));
            self.entry(comma, &key.to_string(), pick(VALUES, change.with));
        }
        self.out.push('}');
    }

    fn entry(&mut self, comma: &str, key: &str, value: &str) {
        self.out.extend([comma, key, ":", value]);
    }

    /// A key in a spelling that may name the same field.
    fn spelled(&self, key: &str) -> String {
        let spelled = match self.change.what / 4 % 6 {
            0 => key.to_ascii_lowercase(),
            1 => key.to_ascii_uppercase(),
            2 => key
                .replace(['s', 'S'], "\u{17f}")
                .replace(['k', 'K'], "\u{212a}"),
            3 => key.replace(['i', 'I'], "\u{131}"),
            4 => return escaped(key),
            _ => key.to_owned(),
        };
        Value::from(spelled).to_string()
    }

    fn scalar(&mut self, value: &Value) {
        let with = self.change.with;
        let changed = match (self.change.what % 8, value.as_str()) {
            (0, Some(text)) => Value::from(text.to_uppercase()).to_string(),
            (1, Some(text)) => Value::from(text.to_lowercase()).to_string(),
            (2, Some(text)) => Value::from(text.to_owned() + " ").to_string(),
            (3, Some(text)) => Value::from(text.replace('s', "\u{17f}")).to_string(),
            (4, _) => format!("[{value}]"),
            (5, Some(text)) => escaped(text),
            _ => pick(VALUES, with).to_owned(),
        };
        self.out += &changed;
    }
}

/// A text with each of its characters escaped.
fn escaped(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
    format!("\"{}\"", units.collect::<Vec<_>>().concat())
}

/// Refused by the Engine, and forwarded in a form that has nothing left of what
/// the Engine refuses.
fn harmless(request: &Request, error: &str) -> bool {
    match error {
        // Operations without a body are sent none.
        "starting a container takes no body" => true,
        // No body has no type.
        "unsupported Content-Type header" => request.body.is_empty(),
        _ => false,
    }
}

/// Gives the names of kernel settings their dots: slashes do as well.
fn dotted(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(dotted),
        Value::Object(entries) => {
            if let Some(Value::Object(sysctls)) = entries.get_mut("Sysctls") {
                let dotted = std::mem::take(sysctls).into_iter();
                sysctls.extend(dotted.map(|(name, value)| {
                    let slashed = !name.contains('.');
                    let name = if slashed {
                        name.replace('/', ".")
                    } else {
                        name
                    };
                    (name, value)
                }));
            }
            entries.values_mut().for_each(dotted);
        }
        _ => {}
    }
}

/// Another spelling of what is the same to the Engine, though not to the reader.
fn same(difference: &str) -> bool {
    let Some((path, (before, after))) = difference
        .split_once(": ")
        .and_then(|(path, values)| Some((path, values.split_once(" became ")?)))
    else {
        return false;
    };
    let unquoted = |text: &str| text.trim_matches('"').to_owned();
    let (before, after) = (unquoted(before), unquoted(after));
    let ends = |end: &str| path.ends_with(end);
    if ends("StopSignal") || path == "query.signal" {
        let signal = |text: &str| {
            let text = text.to_ascii_uppercase();
            let text = text.strip_prefix("SIG").unwrap_or(&text);
            text.parse::<u8>()
                .map_or(text.to_owned(), |number| number.to_string())
        };
        return signal(&before) == signal(&after);
    }
    if ends(".Isolation") || ends("Ulimits[].Name") {
        return before.eq_ignore_ascii_case(&after);
    }
    // No credentials: what an update without them falls back to, its client can have by sending none.
    if path == "headers.X-Registry-Auth" && before == r#"{"credentials":null}"# {
        return after == "nothing";
    }
    // Newer Engines put an empty object there; older ones do not survive null.
    path.starts_with("body.NetworkingConfig.EndpointsConfig.")
        && (before.as_str(), after.as_str()) == ("null", "{}")
}

/// Whether the request is forwarded; if it is, it must have one reading, and
/// what is forwarded the same.
fn compare(request: &Request) -> Result<bool, String> {
    let Ok((operation, forwarded)) = request.forwarded() else {
        return Ok(false);
    };
    match (request.read(), forwarded.read()) {
        // The Engine refuses it all the same.
        (Err(_), Err(_)) => Ok(true),
        (Err(error), _) if harmless(request, &error) => Ok(true),
        // The credentials that `null` stands for are none.
        (Ok(_), Err(error)) if operation == "SystemAuth" && error == "no body" => Ok(true),
        (Err(error), Ok(_)) => Err(format!(
            "{operation} is forwarded, though the Engine refuses it: {error}: {request}"
        )),
        (Ok(_), Err(error)) => Err(format!(
            "{operation} is forwarded as what the Engine refuses: {error}: {forwarded}"
        )),
        (Ok(mut before), Ok(mut after)) => {
            dotted(&mut before.value);
            dotted(&mut after.value);
            let mut differences = before.differences(&after);
            differences.retain(|difference| !same(difference));
            if before.operation() != after.operation() {
                differences.push(format!("became {}", after.operation()));
            }
            if differences.is_empty() {
                return Ok(true);
            }
            let differences = differences.join("; ");
            Err(format!("{operation} {differences}: {request}"))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_is_forwarded_has_the_reading_of_what_came(request in request()) {
        if let Err(difference) = compare(&request) {
            prop_assert!(false, "{}", difference);
        }
    }
}

/// `cargo test --test properties -- --ignored --nocapture every_kind`: a longer
/// search, with an example of each kind of difference.
#[test]
#[ignore = "a search of minutes"]
fn every_kind_of_difference() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::default();
    let strategy = request();
    let mut kinds = BTreeMap::<String, (usize, String)>::new();
    let (mut same, mut refused) = (0, 0);
    for _ in 0..300_000 {
        match compare(&strategy.new_tree(&mut runner).unwrap().current()) {
            Ok(true) => same += 1,
            Ok(false) => refused += 1,
            Err(error) => {
                let kind = error.chars().take(80).collect();
                kinds.entry(kind).or_insert((0, error)).0 += 1;
            }
        }
    }
    println!("{same} forwarded with the same reading, {refused} refused");
    for (count, example) in kinds.values() {
        println!("{count} times {example}");
    }
    assert!(kinds.is_empty());
}
