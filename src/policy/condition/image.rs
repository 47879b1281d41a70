//! Images by name.
//!
//! References are normalised before they are compared: `alpine` is
//! `docker.io/library/alpine`. A name that can be an id is an id. A tag beside a
//! digest means nothing to the Engine, so a form with a tag never takes one.

use super::Glob;
use crate::format::{ImageReference, NamedImage};
use crate::policy::verdict::Verdict;
use Untagged::Latest;

/// What a rule says of an image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImageMatcher {
    /// Forms of names; one of them must fit.
    pub(crate) names: Vec<ImagePattern>,
    /// Forms of tags; one of them must fit. None: whatever the tag.
    pub(crate) tags: Vec<Glob>,
    /// Whether there must be a digest.
    pub(crate) digest: bool,
    /// Whether an image may be given by its id.
    pub(crate) id: bool,
    /// Whether all tags may be meant at once.
    pub(crate) all_tags: bool,
    /// What the operation makes of a name without tag and digest.
    pub(crate) untagged: Untagged,
}

/// What a name without tag and digest means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untagged {
    /// The tag `latest`.
    Latest,
    /// All tags of the repository.
    AllTags,
}

/// A form of image names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImagePattern {
    text: String,
    name: Glob,
    tag: Option<Glob>,
    digest: Option<String>,
}

impl ImagePattern {
    /// Reads a form, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let after_slash = rest.rfind('/').map_or(0, |at| at.saturating_add(1));
        let (folder, last) = rest.split_at_checked(after_slash).unwrap_or(("", rest));
        let (last, tag) = match last.split_once(':') {
            Some((last, tag)) => (last, Some(tag)),
            None => (last, None),
        };
        let name = full_name(&format!("{folder}{last}"))
            .ok_or_else(|| format!("`{text}` does not say which registry"))?;
        // With a letter for every star it must be the name of an image.
        let plain = |form: &str| form.replace("**", "x").replace(['*', '?'], "x");
        let mut sample = plain(&name);
        if let Some(tag) = tag {
            sample = format!("{sample}:{}", plain(tag));
        }
        if let Some(digest) = digest {
            sample = format!("{sample}@{digest}");
        }
        if let Err(error) = NamedImage::parse(&sample) {
            return Err(format!("`{text}` is not the name of an image: {error}"));
        }
        Ok(Self {
            text: text.to_owned(),
            name: Glob::new(&name),
            tag: tag.map(Glob::new),
            digest: digest.map(str::to_owned),
        })
    }

    /// As it is written.
    pub(crate) fn written(&self) -> &str {
        &self.text
    }

    /// Whether every image that fits the other form fits this one, for certain.
    fn covers(&self, other: &Self) -> bool {
        let version = self.tag.is_none() && self.digest.is_none();
        let same = self.tag == other.tag && self.digest == other.digest;
        self.name.covers(&other.name) && (version || same)
    }

    /// Whether it fits, given the full name and the tag that counts.
    fn matches(&self, name: &str, tag: Option<&str>, digest: Option<&str>) -> Verdict {
        if !self.name.matches(name) {
            return Verdict::No;
        }
        match (&self.digest, &self.tag) {
            (Some(own), _) => digest.map_or(Verdict::Partly, |digest| Verdict::of(digest == own)),
            (None, Some(own)) => tag.map_or(Verdict::Partly, |tag| Verdict::of(own.matches(tag))),
            (None, None) => Verdict::Yes,
        }
    }
}

/// The form with its registry, and with `library/` for Docker's own images;
/// nothing if it does not say which registry.
fn full_name(name: &str) -> Option<String> {
    let (registry, path) = match name.split_once('/') {
        None if name.contains("**") || name == "*" => return None,
        Some(("**", _)) => return None,
        Some(("index.docker.io", path)) => ("docker.io", path),
        Some((first, path))
            if first == "localhost" || first == "*" || first.contains(['.', ':']) =>
        {
            (first, path)
        }
        None | Some(_) => ("docker.io", name),
    };
    Some(
        if registry == "docker.io" && !path.contains('/') && !path.contains("**") {
            format!("docker.io/library/{path}")
        } else {
            format!("{registry}/{path}")
        },
    )
}

impl ImageMatcher {
    /// Whether every image that fits the other matcher fits this one, for certain.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let named = self.names.is_empty()
            || (!other.names.is_empty()
                && (other.names.iter()).all(|name| self.names.iter().any(|own| own.covers(name))));
        named
            && (self.tags.is_empty() || self.tags == other.tags)
            && (!self.digest || other.digest)
            && (self.id || !other.id)
            && (self.all_tags || !other.all_tags)
            && self.untagged == other.untagged
    }

    /// Whether no image fits both, for certain.
    pub(crate) fn disjoint(&self, other: &Self) -> bool {
        let apart = |own: &ImagePattern, other: &ImagePattern| own.name.disjoint(&other.name);
        // An id stands for any name.
        let any = (self.id && other.id) || self.names.is_empty() || other.names.is_empty();
        !any && (self.names.iter()).all(|own| other.names.iter().all(|other| apart(own, other)))
    }

    /// Whether a reference is such an image.
    ///
    /// What an id stands for nobody can say here. A name whose version cannot be
    /// compared (all tags, a digest beside a tag) fits in part.
    pub(crate) fn matches(&self, text: &str) -> Verdict {
        let image = match ImageReference::parse(text) {
            Ok(ImageReference::Named(image)) => image,
            Ok(ImageReference::Id(_)) if self.id => return Verdict::Yes,
            // Whatever the rule speaks of, it may be the one of this id.
            Ok(ImageReference::Id(_)) => return Verdict::Partly,
            Err(_) => return Verdict::No,
        };
        // A tag beside a digest means nothing to the Engine.
        let tag = match (image.digest, image.tag, self.untagged) {
            (Some(_), ..) => None,
            (None, None, Latest) => Some("latest"),
            (None, tag, _) => tag,
        };
        let name = image.name();
        let named = if self.names.is_empty() {
            Verdict::Yes
        } else {
            let forms = self.names.iter();
            Verdict::any(forms.map(|form| form.matches(&name, tag, image.digest)))
        };
        let tagged = match tag {
            _ if self.tags.is_empty() => Verdict::Yes,
            Some(tag) => Verdict::of(self.tags.iter().any(|form| form.matches(tag))),
            None => Verdict::Partly,
        };
        let all_tags = tag.is_none() && image.digest.is_none();
        let whole = if all_tags && !self.all_tags {
            Verdict::Partly
        } else {
            Verdict::Yes
        };
        let digest = Verdict::of(!self.digest || image.digest.is_some());
        Verdict::all([named, tagged, whole, digest])
    }
}

/// Whether two references name the same image, each with the tag that it has.
pub(super) fn same(mine: &str, value: &str) -> Verdict {
    let parsed = (ImageReference::parse(mine), ImageReference::parse(value));
    let (mine, value) = match parsed {
        (Ok(ImageReference::Named(mine)), Ok(ImageReference::Named(value))) => (mine, value),
        // An id and a name, or the beginnings of two ids, may be of one image.
        (Ok(_), Ok(_)) => return Verdict::Partly,
        _ => return Verdict::No,
    };
    if mine.name() != value.name() {
        return Verdict::No;
    }
    match (mine.digest, value.digest) {
        (Some(mine), Some(value)) => Verdict::of(mine == value),
        (None, None) if mine.tag == value.tag => Verdict::Yes,
        (None, None) if mine.tag.is_some() && value.tag.is_some() => Verdict::No,
        // Without a tag it is one of them, or all.
        _ => Verdict::Partly,
    }
}

#[cfg(test)]
mod tests {
    use super::Untagged::AllTags;
    use super::*;

    fn matcher(forms: &[&str]) -> ImageMatcher {
        ImageMatcher {
            names: forms
                .iter()
                .map(|form| ImagePattern::parse(form).unwrap())
                .collect(),
            tags: Vec::new(),
            digest: false,
            id: false,
            all_tags: false,
            untagged: Latest,
        }
    }

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn names_are_normalised_before_they_are_compared() {
        for (form, image) in [
            ("alpine", "docker.io/library/alpine:3.20"),
            ("docker.io/alpine", "alpine"),
            ("docker.io/library/*", "index.docker.io/library/alpine"),
            ("docker.io/*", "alpine"),
            ("docker.io/**", "acme/app/x"),
            ("acme/*", "docker.io/acme/app"),
            ("ghcr.io/acme/**", "ghcr.io/acme/a/b:1"),
            ("*/**", "registry.example.net:5000/x"),
            ("*.example.net/app", "eu.example.net/app"),
            ("localhost:5000/app", "localhost:5000/app:x"),
        ] {
            assert!(matcher(&[form]).matches(image).allows(), "{form} {image}");
        }
        for (form, image) in [
            ("alpine", "evil.example.net/library/alpine"),
            ("alpine", "alpine-evil"),
            ("docker.io/library/*", "docker.io/acme/app"),
            ("docker.io/*", "acme/app"),
            ("ghcr.io/acme/**", "ghcr.io/acme-evil/a"),
            ("ghcr.io/acme/**", "ghcr.io/acme"),
            ("ghcr.io/acme/*", "ghcr.io/acme/a/b"),
            ("alpine", "abc"),
            ("abc", "abc"), // could be an id
        ] {
            assert!(!matcher(&[form]).matches(image).allows(), "{form} {image}");
        }
    }

    #[test]
    fn tags_and_digests_are_what_the_engine_uses() {
        let with_digest = format!("alpine:3.20@{DIGEST}");
        assert!(matcher(&["alpine:3.*"]).matches("alpine:3.20").allows());
        assert!(matcher(&["alpine:latest"]).matches("alpine").allows());
        assert!(!matcher(&["alpine:3.*"]).matches("alpine").allows());
        // The digest counts, whatever the tag beside it says.
        assert!(!matcher(&["alpine:3.20"]).matches(&with_digest).allows());
        assert!(matcher(&["alpine"]).matches(&with_digest).allows());
        assert!(
            matcher(&[&format!("alpine@{DIGEST}")])
                .matches(&with_digest)
                .allows()
        );
        assert!(
            !matcher(&[&format!("alpine@{DIGEST}")])
                .matches("alpine:3.20")
                .allows()
        );
        let mut digest = matcher(&["alpine"]);
        digest.digest = true;
        assert!(digest.matches(&with_digest).allows() && !digest.matches("alpine:3.20").allows());
        let mut tags = matcher(&["alpine"]);
        tags.tags = vec![Glob::new("3.*")];
        assert!(tags.matches("alpine:3.20").allows() && !tags.matches("alpine").allows());
        assert!(!tags.matches(&with_digest).allows());
    }

    #[test]
    fn ids_and_all_tags_are_asked_for() {
        let mut ids = matcher(&["alpine"]);
        assert!(!ids.matches(DIGEST).allows() && !ids.matches("0123456789ab").allows());
        ids.id = true;
        assert!(ids.matches(DIGEST).allows() && ids.matches("0123456789ab").allows());
        let mut pull = matcher(&["alpine"]);
        pull.untagged = AllTags;
        assert!(!pull.matches("alpine").allows() && pull.matches("alpine:3").allows());
        pull.all_tags = true;
        assert!(pull.matches("alpine").allows());
        pull.names = vec![ImagePattern::parse("alpine:3").unwrap()];
        assert!(
            !pull.matches("alpine").allows(),
            "all tags are more than one"
        );
    }

    #[test]
    fn forms_that_are_no_names_are_refused() {
        for form in [
            "**",
            "*",
            "**/x",
            "Alpine",
            "a//b",
            "a:b:c",
            "a@sha256:1",
            "",
        ] {
            assert!(ImagePattern::parse(form).is_err(), "{form}");
        }
    }
}
