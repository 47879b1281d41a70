//! A second evaluator for a part of the language, on JSON and on a handful of
//! fields whose meaning stands here once more.
//!
//! It works another way than the real one: a rule is written out as all its
//! choices, and accepts when one choice holds and opens whatever is guarded.

use serde_json::{Map, Value, json};

/// What a rule says, before it is written down.
#[derive(Clone, Debug)]
pub(crate) enum Cond {
    Any,
    Absent,
    Required,
    /// One literal is written as a plain value, several as a list.
    OneOf(Vec<Value>),
    Range(Option<i64>, Option<i64>),
    Subset(Vec<Value>),
    Contains(Value),
    Each(Box<Cond>),
    Under(&'static str),
    Not(Box<Cond>),
    AllOf(Vec<Cond>),
    AnyOf(Vec<Cond>),
    Fields(Vec<(&'static str, Cond)>),
}

/// What there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A number that is no limit when it is absent, zero or less.
    Limit,
    /// A number with a default for absent and zero.
    Number(i64),
    Flag,
    /// A text; the word is what absence and the empty text stand for, if that is
    /// known.
    Text(Option<&'static str>),
    User,
    Capability,
    Path,
    /// One that has what is in it, if it is a folder.
    HostPath,
    /// The mode of a network; another container's may be any.
    Mode,
    List(&'static Field),
    Object(&'static [Field]),
    /// `source:/target[:ro]`.
    Bind,
}

/// A field, part or element.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What a guarded one may be without a rule; nothing if it is open.
    pub(crate) benign: Option<&'static [&'static str]>,
    /// Whether nobody can say what absence means.
    pub(crate) unknown: bool,
    /// Values to try, as JSON.
    pub(crate) samples: &'static [&'static str],
}

const fn open(name: &'static str, kind: Kind, samples: &'static [&'static str]) -> Field {
    Field {
        name,
        kind,
        benign: None,
        unknown: false,
        samples,
    }
}

const fn guarded(
    name: &'static str,
    kind: Kind,
    benign: &'static [&'static str],
    samples: &'static [&'static str],
) -> Field {
    Field {
        benign: Some(benign),
        ..open(name, kind, samples)
    }
}

const PATHS: &[&str] = &[
    r#""/srv/a""#,
    r#""/srv//a/""#,
    r#""/srv""#,
    r#""/etc""#,
    r#""/srv/../etc""#,
];
const CAPABILITIES: &[&str] = &[
    r#""SYS_ADMIN""#,
    r#""cap_sys_admin""#,
    r#""KILL""#,
    r#""ALL""#,
];

static CAPABILITY: Field = open("", Kind::Capability, CAPABILITIES);
static MASKED: Field = open("", Kind::Path, PATHS);
static DEVICE: Field = open("", Kind::Object(&DEVICE_FIELDS), &[]);
static DEVICE_FIELDS: [Field; 2] = [
    guarded("PathOnHost", Kind::HostPath, &["null", r#""""#], PATHS),
    guarded("PathInContainer", Kind::Path, &["null", r#""""#], PATHS),
];
static BIND: Field = open(
    "",
    Kind::Bind,
    &[
        r#""/srv/a:/x""#,
        r#""/srv//a/:/x:rw""#,
        r#""/srv/../etc:/x""#,
        r#""/etc:/x:ro""#,
        r#""data:/x""#,
    ],
);
/// What a bind's text is made of.
pub(crate) static PARTS: [Field; 3] = [
    guarded("source", Kind::HostPath, &["null"], PATHS),
    guarded(
        "volume",
        Kind::Text(None),
        &["null"],
        &[r#""data""#, r#""other""#],
    ),
    open("read_only", Kind::Flag, &["true", "false"]),
];
static HOST_CONFIG: [Field; 10] = [
    open("Memory", Kind::Limit, &["0", "-1", "1000", "5000"]),
    open("PidsLimit", Kind::Limit, &["0", "-1", "1000", "5000"]),
    open(
        "CpuShares",
        Kind::Number(1024),
        &["0", "1024", "1000", "5000"],
    ),
    guarded(
        "Privileged",
        Kind::Flag,
        &["null", "false"],
        &["true", "false"],
    ),
    open("ReadonlyRootfs", Kind::Flag, &["true", "false"]),
    guarded("CapAdd", Kind::List(&CAPABILITY), &["null", "[]"], &[]),
    open("CapDrop", Kind::List(&CAPABILITY), &[]),
    guarded("Binds", Kind::List(&BIND), &["null", "[]"], &[]),
    guarded("Devices", Kind::List(&DEVICE), &["null", "[]"], &[]),
    guarded(
        "NetworkMode",
        Kind::Mode,
        &["null", r#""""#, r#""default""#, r#""bridge""#, r#""none""#],
        &[
            r#""""#,
            r#""default""#,
            r#""none""#,
            r#""host""#,
            r#""my-net""#,
            r#""container:x""#,
        ],
    ),
];
static HOST_PATHS: [Field; 1] = [Field {
    unknown: true,
    ..guarded("MaskedPaths", Kind::List(&MASKED), &["null"], &[])
}];
static BODY: [Field; 3] = [
    Field {
        unknown: true,
        ..open(
            "User",
            Kind::User,
            &[
                r#""""#,
                r#""0""#,
                r#""00""#,
                r#""root""#,
                r#""1000""#,
                r#""app""#,
            ],
        )
    },
    open("Tty", Kind::Flag, &["true", "false"]),
    open("HostConfig", Kind::Object(&HOST_CONFIG), &[]),
];

/// The fields of the body that are known here.
pub(crate) fn body() -> Field {
    open("", Kind::Object(&BODY), &[])
}

/// A host configuration with a list whose absence is not its emptiness.
pub(crate) fn masked() -> Field {
    static BODY: [Field; 1] = [open("HostConfig", Kind::Object(&HOST_PATHS), &[])];
    open("", Kind::Object(&BODY), &[])
}

impl Cond {
    /// As a policy has it.
    pub(crate) fn written(&self) -> Value {
        let all = |all: &[Self]| all.iter().map(Self::written).collect::<Vec<_>>();
        match self {
            Self::Any => json!("any"),
            Self::Absent => json!("absent"),
            Self::Required => json!({ "required": true }),
            Self::OneOf(values) => match values.as_slice() {
                [one] => one.clone(),
                several => json!(several),
            },
            Self::Range(min, max) => {
                let bounds = [("min", min), ("max", max)];
                let given = bounds
                    .iter()
                    .filter_map(|(name, bound)| Some(((*name).to_owned(), json!((**bound)?))));
                Value::Object(given.collect::<Map<_, _>>())
            }
            Self::Subset(values) => json!({ "subset": values }),
            Self::Contains(value) => json!({ "contains": value }),
            Self::Each(inner) => json!({ "each": inner.written() }),
            Self::Under(root) => json!({ "under": root }),
            Self::Not(inner) => json!({ "not": inner.written() }),
            Self::AllOf(inner) => json!({ "all_of": all(inner) }),
            Self::AnyOf(inner) => json!({ "any_of": all(inner) }),
            Self::Fields(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, inner)| ((*name).to_owned(), inner.written()));
                Value::Object(fields.collect())
            }
        }
    }
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Truth {
    Yes,
    No,
    /// Of some of what the value may be.
    Partly,
    /// Nobody can say.
    Unknown,
}

use Truth::{No, Partly, Unknown, Yes};

impl Truth {
    fn of(yes: bool) -> Self {
        if yes { Yes } else { No }
    }

    fn opposite(self) -> Self {
        match self {
            Yes => No,
            No => Yes,
            same => same,
        }
    }
}

/// Whether a condition holds.
pub(crate) fn truth(field: &Field, value: &Value, cond: &Cond) -> Truth {
    let set = is_set(field, value);
    let unknown = field.unknown && !set;
    match cond {
        Cond::Any => return Yes,
        Cond::Absent => return Truth::of(!set),
        Cond::Required => return Truth::of(set),
        Cond::Not(inner) => return truth(field, value, inner).opposite(),
        Cond::AllOf(all) => return first(all.iter().map(|one| truth(field, value, one)), ALL),
        Cond::AnyOf(any) => return first(any.iter().map(|one| truth(field, value, one)), ANY),
        Cond::Fields(conds) => {
            let (fields, value) = inside(field, value);
            let own = conds.iter().map(|(name, cond)| {
                let field = fields.iter().find(|field| field.name == *name).unwrap();
                truth(field, value.get(*name).unwrap_or(&Value::Null), cond)
            });
            return first(own, ALL);
        }
        _ if unknown => return Unknown,
        _ => {}
    }
    let empty = Vec::new();
    let elements = value.as_array().unwrap_or(&empty);
    match (cond, field.kind) {
        (Cond::OneOf(literals), _) => {
            first(literals.iter().map(|own| same(field, own, value)), ANY)
        }
        (Cond::Range(min, max), _) => Truth::of(match meaning(field, value) {
            Meaning::NoLimit => max.is_none(),
            Meaning::Number(number) => {
                number >= min.unwrap_or(0) && max.is_none_or(|max| number <= max)
            }
            _ => false,
        }),
        (Cond::Under(root), kind) => match meaning(field, value) {
            Meaning::Text(path) if is_below(&path, root) => Yes,
            Meaning::Text(path) if matches!(kind, Kind::HostPath) && is_below(root, &path) => {
                Partly
            }
            _ => No,
        },
        (Cond::Each(inner), Kind::List(element)) => first(
            elements.iter().map(|value| truth(element, value, inner)),
            ALL,
        ),
        (Cond::Subset(own), Kind::List(element)) => {
            let inner = Cond::OneOf(own.clone());
            let elements = elements.iter().map(|value| truth(element, value, &inner));
            first(elements, ALL)
        }
        (Cond::Contains(own), Kind::List(element)) => {
            first(elements.iter().map(|value| same(element, own, value)), ANY)
        }
        _ => unreachable!("the conditions fit their fields"),
    }
}

/// Whether a value is what a rule names.
fn same(field: &Field, own: &Value, value: &Value) -> Truth {
    let (own, value) = (meaning(field, own), meaning(field, value));
    if own == value {
        return Yes;
    }
    let (Meaning::Text(own), Meaning::Text(value)) = (own, value) else {
        return No;
    };
    let is_number = |user: &str| user == "root" || user.parse::<u32>().is_ok();
    match field.kind {
        Kind::Mode if value.starts_with("container:") => Partly,
        Kind::HostPath if is_below(&own, &value) => Partly,
        Kind::User if is_number(&own) && !is_number(&value) => Unknown,
        _ => No,
    }
}

fn is_below(path: &str, root: &str) -> bool {
    path == root || path.starts_with(&format!("{}/", root.trim_end_matches('/')))
}

/// Which fields may be set without being named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unnamed {
    /// Those that are open.
    Open,
    /// None: the rule admits listed fields only.
    None,
}

/// Whether a rule that says this lets a value through, guarded fields and all.
pub(crate) fn accepts(field: &Field, value: &Value, conds: &[Cond], unnamed: Unnamed) -> bool {
    choices(conds).iter().any(|choice| {
        choice.iter().all(|cond| truth(field, value, cond) == Yes)
            && opened(field, value, choice, unnamed)
    })
}

/// Whether all that is guarded here, and is not benign, is opened by one choice.
fn opened(field: &Field, value: &Value, choice: &[Cond], unnamed: Unnamed) -> bool {
    let opens = choice
        .iter()
        .any(|cond| !matches!(cond, Cond::Contains(_) | Cond::Fields(_)));
    let benign = field.benign.is_none_or(|benign| {
        let written = value.to_string();
        benign.contains(&written.as_str())
    });
    if !benign && !opens {
        return false;
    }
    // Elements have no names, and an object is what its fields are.
    let leaf = !field.name.is_empty() && !matches!(field.kind, Kind::Object(_));
    let zero = [json!(null), json!(false), json!(0), json!(""), json!([])].contains(value);
    if unnamed == Unnamed::None && leaf && !zero && choice.is_empty() {
        return false;
    }
    let below = |wanted: fn(&Cond) -> Option<&Cond>| -> Vec<Cond> {
        choice.iter().filter_map(wanted).cloned().collect()
    };
    match field.kind {
        Kind::List(element) => {
            let each = below(|cond| match cond {
                Cond::Each(inner) => Some(inner),
                Cond::Any => Some(cond),
                _ => None,
            });
            value.as_array().is_none_or(|values| {
                let mut values = values.iter();
                values.all(|value| accepts(element, value, &each, unnamed))
            })
        }
        // A text is one thing until a rule takes it apart.
        Kind::Bind if !choice.iter().any(|cond| matches!(cond, Cond::Fields(_))) => true,
        Kind::Bind | Kind::Object(_) => {
            // The parts of a text go with the text.
            let unnamed = match field.kind {
                Kind::Object(_) => unnamed,
                _ => Unnamed::Open,
            };
            let (fields, value) = inside(field, value);
            fields.iter().all(|field| {
                let own: Vec<Cond> = choice
                    .iter()
                    .flat_map(|cond| said_of(cond, field.name))
                    .collect();
                let value = value.get(field.name).unwrap_or(&Value::Null);
                accepts(field, value, &own, unnamed)
            })
        }
        _ => true,
    }
}

fn said_of(cond: &Cond, name: &str) -> Vec<Cond> {
    match cond {
        Cond::Fields(fields) => {
            let own = fields.iter().filter(|(own, _)| *own == name);
            own.map(|(_, cond)| cond.clone()).collect()
        }
        Cond::Any => vec![Cond::Any],
        _ => Vec::new(),
    }
}

/// All ways to choose a branch of every choice, each as a list of demands.
fn choices(conds: &[Cond]) -> Vec<Vec<Cond>> {
    let mut ways: Vec<Vec<Cond>> = vec![Vec::new()];
    for cond in conds {
        let own = match cond {
            Cond::AllOf(all) => choices(all),
            Cond::AnyOf(any) => any
                .iter()
                .flat_map(|one| choices(std::slice::from_ref(one)))
                .collect(),
            cond => vec![vec![cond.clone()]],
        };
        ways = ways
            .iter()
            .flat_map(|way| own.iter().map(|more| [way.as_slice(), more].concat()))
            .collect();
    }
    ways
}

/// What the Engine makes of a value.
#[derive(Debug, PartialEq)]
enum Meaning {
    Nothing,
    NoLimit,
    Number(i64),
    Text(String),
    Flag(bool),
}

fn meaning(field: &Field, value: &Value) -> Meaning {
    let text = value.as_str().unwrap_or_default();
    match field.kind {
        Kind::Limit => match value.as_i64() {
            Some(number @ 1..) => Meaning::Number(number),
            _ => Meaning::NoLimit,
        },
        Kind::Number(default) => Meaning::Number(
            value
                .as_i64()
                .filter(|number| *number != 0)
                .unwrap_or(default),
        ),
        Kind::Flag => Meaning::Flag(value == &Value::Bool(true)),
        Kind::Mode if text.is_empty() => Meaning::Text("default".to_owned()),
        Kind::Text(Some(default)) if text.is_empty() => Meaning::Text(default.to_owned()),
        _ if text.is_empty() => Meaning::Nothing,
        Kind::User if ["0", "00", "root"].contains(&text) => Meaning::Text("root".to_owned()),
        Kind::Capability => Meaning::Text(text.to_uppercase().replace("CAP_", "")),
        Kind::Path | Kind::HostPath => Meaning::Text(clean(text)),
        Kind::Bind => {
            let parts: Vec<&str> = text.split(':').collect();
            let source = if parts[0].starts_with('/') {
                clean(parts[0])
            } else {
                parts[0].to_owned()
            };
            let mode = if parts.get(2) == Some(&"ro") {
                "ro"
            } else {
                "rw"
            };
            Meaning::Text(format!("{source}:{}:{mode}", parts[1]))
        }
        _ => Meaning::Text(text.to_owned()),
    }
}

fn is_set(field: &Field, value: &Value) -> bool {
    match (field.kind, value) {
        (_, Value::Null) => false,
        (Kind::Limit, value) => value.as_i64() > Some(0),
        (_, Value::Bool(value)) => *value,
        (_, Value::Number(number)) => number.as_i64() != Some(0),
        (_, Value::String(text)) => !text.is_empty(),
        (_, Value::Array(list)) => !list.is_empty() || field.unknown,
        (_, Value::Object(_)) => true,
    }
}

/// What a value is made of.
fn inside(field: &Field, value: &Value) -> (&'static [Field], Value) {
    match field.kind {
        Kind::Object(fields) => (fields, value.clone()),
        Kind::Bind => {
            let text = value.as_str().unwrap_or_default();
            let parts: Vec<&str> = text.split(':').collect();
            let name = if parts[0].starts_with('/') {
                "source"
            } else {
                "volume"
            };
            let read_only = parts.get(2) == Some(&"ro");
            (&PARTS, json!({ name: parts[0], "read_only": read_only }))
        }
        _ => (&[], Value::Null),
    }
}

/// What decides about several that must all hold, and about one of several.
const ALL: [Truth; 4] = [No, Unknown, Partly, Yes];
const ANY: [Truth; 4] = [Yes, Partly, Unknown, No];

/// The first of these that there is; the last one if there are none.
fn first(truths: impl Iterator<Item = Truth>, order: [Truth; 4]) -> Truth {
    let truths: Vec<Truth> = truths.collect();
    let found = order.into_iter().find(|one| truths.contains(one));
    found.unwrap_or(order[3])
}

/// A path without what leads nowhere.
fn clean(path: &str) -> String {
    let mut kept = Vec::new();
    for part in path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        if part == ".." {
            kept.pop();
        } else {
            kept.push(part);
        }
    }
    format!("/{}", kept.join("/"))
}
