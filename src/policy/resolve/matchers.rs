//! Matchers by name: which fits what, and what it takes.

use std::borrow::Cow;

use super::Resolver;
use super::conditions::At;
use super::lists::is_list_name;
use super::values::Amount;
use crate::api::definition::{Kind as SchemaKind, Schema};
use crate::diagnostic::{Code, Span};
use crate::format::{Format, clean_path};
use crate::policy::condition::{
    Condition, Glob, ImageMatcher, ImagePattern, Network, Range, key_schema,
};
use crate::policy::yaml::{Entry, Kind, Node};

/// Whether a matcher fits what has this type.
pub(crate) fn fits(name: &str, schema: &Schema) -> bool {
    let kind = schema.kind;
    match name {
        "glob" => matches!(kind, SchemaKind::Text | SchemaKind::Enum(_)),
        "under" => {
            matches!(kind, SchemaKind::Text)
                && matches!(
                    schema.format,
                    None | Some(Format::HostPath | Format::MountSource | Format::ContainerPath)
                )
        }
        "cidr" => matches!(schema.format, Some(Format::IpAddress | Format::Cidr)),
        "image" => schema.format == Some(Format::ImageReference),
        "each" | "subset" | "starts_with" => matches!(kind, SchemaKind::List(_)),
        "contains" | "max_items" => matches!(kind, SchemaKind::List(_) | SchemaKind::Map(_)),
        "keys" | "values" => matches!(kind, SchemaKind::Map(_)),
        _ => true,
    }
}

impl Resolver {
    pub(super) fn range(
        &mut self,
        bounds: (Option<Amount>, Option<Amount>),
        span: Span,
    ) -> Option<Condition> {
        let range = Range {
            min: bounds.0.as_ref().map(|amount| amount.value),
            max: bounds.1.as_ref().map(|amount| amount.value),
        };
        if range.is_empty() {
            let message = "no number is within these bounds";
            let help = range.min.is_none().then(|| {
                "without `min` the range begins at 0: write `min`, if less than nothing is meant"
                    .to_owned()
            });
            let at = bounds.1.or(bounds.0).map_or(span, |amount| amount.span);
            self.report(Code::EmptyRange, at, message, help);
            return None;
        }
        Some(Condition::Range(range))
    }

    pub(super) fn keyword(&mut self, entry: &Entry, at: &At) -> Option<Condition> {
        let (name, node) = (entry.key.text.as_str(), &entry.value);
        let kind = at.schema.kind;
        if !fits(name, at.schema) {
            let message = format!(
                "`{name}` does not fit `{}`, which is {}",
                at.path,
                at.kind()
            );
            self.report(Code::WrongMatcher, entry.key.span, message, None);
            return None;
        }
        match (name, kind) {
            ("any", _) => {
                if !self.flag(node)? {
                    let message = "`any: false` does not say what it may be";
                    let help = "write `absent` if it must not be set, or leave it out".to_owned();
                    self.report(Code::WrongType, node.span, message, help);
                    return None;
                }
                self.any(node, at)
            }
            ("absent", _) => self.flag(node).map(|yes| {
                if yes {
                    Condition::Absent
                } else {
                    Condition::Required
                }
            }),
            ("required", _) => self.flag(node).map(|yes| {
                if yes {
                    Condition::Required
                } else {
                    Condition::Absent
                }
            }),
            ("equal", SchemaKind::List(element)) => self.begins(node, at, element, true),
            ("starts_with", SchemaKind::List(element)) => self.begins(node, at, element, false),
            ("equal", _) => self.one_of(node, at),
            ("list", _) => {
                let list = Node {
                    span: node.span,
                    kind: Kind::Map(vec![entry.clone()]),
                };
                self.one_of(&list, at)
            }
            ("not", _) => {
                let at = At {
                    negated: !at.negated,
                    ..at.fixed()
                };
                let inner = self.condition(node, &at)?;
                Some(Condition::Not(Box::new(inner)))
            }
            ("all_of", _) => self.several(node, at).map(Condition::AllOf),
            ("any_of", _) => self.several(node, at).map(Condition::AnyOf),
            ("glob", _) => self.globs(node, at).map(Condition::Glob),
            ("cidr", _) => self.networks(node).map(Condition::Within),
            ("under", _) => self.under(node),
            ("image", _) => self.image(node, at),
            ("each", SchemaKind::List(element)) => {
                let inner = self.condition(node, &at.inner(element, "[]"))?;
                Some(Condition::Each(Box::new(inner)))
            }
            ("subset", SchemaKind::List(element)) => {
                let inner = self.one_of(node, &at.inner(element, "[]"))?;
                Some(Condition::Each(Box::new(inner)))
            }
            ("contains", SchemaKind::List(element)) => {
                let inner = self.condition(node, &at.inner(element, "[]"))?;
                Some(Condition::Contains(Box::new(inner)))
            }
            ("contains", SchemaKind::Map(inner)) => self.contains_keys(node, at, inner),
            ("max_items", _) => self.count(node).map(Condition::MaxItems),
            ("keys", SchemaKind::Map(_)) => {
                let format = at.schema.format;
                let inner = self.condition(node, &at.inner(key_schema(format), "{}"))?;
                Some(Condition::Keys(format, Box::new(inner)))
            }
            ("values", SchemaKind::Map(element)) => {
                let inner = self.condition(node, &at.inner(element, "{}"))?;
                Some(Condition::Values(Box::new(inner)))
            }
            _ => None,
        }
    }

    fn flag(&mut self, node: &Node) -> Option<bool> {
        let Kind::Bool(value) = node.kind else {
            self.reader().expected(node, "true or false");
            return None;
        };
        Some(value)
    }

    fn count(&mut self, node: &Node) -> Option<usize> {
        let count = match node.kind {
            Kind::Int(count) => usize::try_from(count).ok(),
            _ => None,
        };
        if count.is_none() {
            self.reader().expected(node, "a number of elements");
        }
        count
    }

    fn several(&mut self, node: &Node, at: &At) -> Option<Vec<Condition>> {
        let nodes = self.reader().list(node);
        if nodes.is_empty() {
            self.reader().expected(node, "a list of conditions");
            return None;
        }
        let at = at.fixed();
        // Each is looked at, even when one before it is wrong.
        let conditions: Vec<Option<Condition>> =
            nodes.iter().map(|node| self.condition(node, &at)).collect();
        conditions.into_iter().collect()
    }

    /// A map must have these keys, with fitting values.
    fn contains_keys(&mut self, node: &Node, at: &At, inner: &'static Schema) -> Option<Condition> {
        let mut all = Vec::new();
        for entry in self.reader().entries(node) {
            let name = self.key(&entry.key, at)?;
            let condition = self.condition(&entry.value, &at.inner(inner, "{}"))?;
            all.push(Condition::Entry(name, Box::new(condition)));
        }
        if all.is_empty() {
            self.reader().expected(node, "a map of keys");
            return None;
        }
        Some(Condition::AllOf(all))
    }

    /// The texts of one text or a list of them.
    fn texts(&mut self, node: &Node) -> Option<Vec<(Span, String)>> {
        let nodes = self.values(node)?;
        let mut texts = Vec::with_capacity(nodes.len());
        for node in nodes.iter() {
            let text = self.reader().text(node)?;
            texts.push((text.span, text.text));
        }
        if texts.is_empty() {
            let message = "a choice of nothing fits nothing";
            self.report(Code::EmptyRange, node.span, message, None);
            return None;
        }
        Some(texts)
    }

    fn forms(&mut self, node: &Node) -> Option<Vec<Glob>> {
        let texts = self.texts(node)?;
        Some(texts.iter().map(|(_, text)| Glob::new(text)).collect())
    }

    fn globs(&mut self, node: &Node, at: &At) -> Option<Vec<Glob>> {
        if let Some(
            format @ (Format::ContainerReference
            | Format::NetworkReference
            | Format::NetworkMode
            | Format::VolumesFrom
            | Format::Link),
        ) = at.schema.format
        {
            let message = format!(
                "a {} can be given by an id, too, so that a form of its name says little",
                format.name()
            );
            let help = match format {
                Format::NetworkReference | Format::NetworkMode => {
                    "write the names in full: `[web, data]`"
                }
                _ => "leave it out: a rule without it is for every container",
            };
            self.report(Code::Reference, node.span, message, help.to_owned());
        }
        if self.keeps_out(at)
            && let Some(
                format @ (Format::Capability
                | Format::User
                | Format::Group
                | Format::Signal
                | Format::SecurityOpt
                | Format::SecurityOptValue
                | Format::DeviceCgroupRule
                | Format::DeviceNumber
                | Format::SysctlKey
                | Format::ImageReference
                | Format::IpAddress
                | Format::Cidr
                | Format::Bind
                | Format::Port
                | Format::HostPort),
            ) = at.schema.format
        {
            let message = format!(
                "the same {} can be written in another form, so that this can be passed by",
                format.name()
            );
            let help = "name the values themselves, or say which are allowed".to_owned();
            self.report(Code::WrongMatcher, node.span, message, help);
        }
        self.forms(node)
    }

    /// The elements of a list, in order.
    fn begins(
        &mut self,
        node: &Node,
        at: &At,
        element: &'static Schema,
        whole: bool,
    ) -> Option<Condition> {
        let nodes = match &node.kind {
            // An element that names a list is one of its values.
            Kind::List(nodes) => Cow::Borrowed(nodes.as_slice()),
            _ if is_list_name(node) => self.values(node)?,
            _ => {
                self.reader().expected(node, "a list");
                return None;
            }
        };
        let at = at.inner(element, "[]");
        let with: Vec<Option<Condition>> =
            nodes.iter().map(|node| self.condition(node, &at)).collect();
        let with = with.into_iter().collect::<Option<Vec<_>>>()?;
        if with.is_empty() && !whole {
            let message = "every list begins with nothing";
            self.report(Code::EmptyRange, node.span, message, None);
            return None;
        }
        Some(Condition::Begins { with, whole })
    }

    fn networks(&mut self, node: &Node) -> Option<Vec<Network>> {
        let mut networks = Vec::new();
        for (span, text) in self.texts(node)? {
            let Some(network) = Network::parse(&text) else {
                let message = format!("`{text}` is no network");
                let help = "write an address with the length of its prefix, such as 10.0.0.0/8";
                self.report(Code::BadValue, span, message, help.to_owned());
                return None;
            };
            networks.push(network);
        }
        Some(networks)
    }

    /// An absolute path, cleaned.
    pub(super) fn host_path(&mut self, span: Span, text: &str) -> Option<String> {
        if !text.starts_with('/') {
            let message = format!("`{text}` is not an absolute path");
            self.report(Code::BadValue, span, message, None);
            return None;
        }
        Some(clean_path(text).into_owned())
    }

    fn under(&mut self, node: &Node) -> Option<Condition> {
        let mut roots = Vec::new();
        for (span, root) in self.texts(node)? {
            let clean = self.host_path(span, &root)?;
            if root.contains(['*', '?']) {
                let message = format!("`{root}` is a path, and `*` and `?` stand for themselves");
                let help = "`under` fits all that is below; for a form write `glob`".to_owned();
                self.report(Code::BadValue, span, message, help);
                return None;
            }
            roots.push(clean);
        }
        Some(Condition::Under(roots))
    }

    fn image(&mut self, node: &Node, at: &At) -> Option<Condition> {
        let mut image = ImageMatcher {
            names: Vec::new(),
            tags: Vec::new(),
            digest: false,
            id: false,
            all_tags: false,
            untagged: at.untagged,
        };
        if !matches!(node.kind, Kind::Map(_)) || is_list_name(node) {
            image.names = self.image_names(node)?;
            return Some(Condition::Image(image));
        }
        let keys = ["name", "tag", "digest", "id", "all_tags"];
        for entry in self.reader().map(node, &keys) {
            let word = match &entry.value.kind {
                Kind::Text(text) => text.as_str(),
                _ => "",
            };
            match (entry.key.text.as_str(), word) {
                ("name", _) => image.names = self.image_names(&entry.value)?,
                ("tag", _) => image.tags = self.forms(&entry.value)?,
                ("digest", "required") => image.digest = true,
                ("id", "any") => image.id = true,
                ("all_tags", "any") => image.all_tags = true,
                ("digest", _) => self.reader().expected(&entry.value, "`required`"),
                _ => self.reader().expected(&entry.value, "`any`"),
            }
        }
        if image.names.is_empty() && image.tags.is_empty() && !image.digest {
            let message = "this does not say which images";
            let help = "write `name`, `tag` or `digest: required`; `name: \"*/**\"` is every image";
            self.report(Code::WrongType, node.span, message, help.to_owned());
            return None;
        }
        Some(Condition::Image(image))
    }

    fn image_names(&mut self, node: &Node) -> Option<Vec<ImagePattern>> {
        let mut names = Vec::new();
        for (span, text) in self.texts(node)? {
            match ImagePattern::parse(&text) {
                Ok(pattern) => names.push(pattern),
                Err(message) => {
                    let help = "write `alpine` or `docker.io/library/*` for Docker's own images, `ghcr.io/acme/**` for all of a user's, `*/**` for all there are";
                    self.report(Code::BadValue, span, message, help.to_owned());
                    return None;
                }
            }
        }
        Some(names)
    }
}
