//! Whether two clients' conditions can fit one caller.
//!
//! A process has one user and a connection one source, so that different ones keep
//! clients apart. A certificate may have any number of names and a container any
//! number of labels: whether some caller has both cannot be seen here, and is
//! looked at when it calls.

use super::conditions::{Conditions, ContainerConditions, TlsConditions};

/// How two alternatives compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// No caller fits both.
    Always,
    /// A caller may fit both; only the caller can show it.
    Unseen,
    /// There are callers that fit both.
    Never,
}

/// How two conditions of the same kind compare, where both are there.
#[derive(Default)]
struct Comparison {
    /// What only one of them asks for.
    only_left: bool,
    only_right: bool,
    /// Something of which a caller has one value, and they ask for different ones.
    apart: bool,
    /// How often they ask for different ones of something of which a caller may have
    /// several.
    unseen: usize,
}

impl Comparison {
    /// Something of which a caller has one value.
    fn single<T: PartialEq>(&mut self, left: Option<&Vec<T>>, right: Option<&Vec<T>>) {
        self.apart |= self.differ(left, right);
    }

    /// Something of which a caller may have several.
    fn several<T: PartialEq>(&mut self, left: Option<&Vec<T>>, right: Option<&Vec<T>>) {
        self.unseen += usize::from(self.differ(left, right));
    }

    fn differ<T: PartialEq>(&mut self, left: Option<&Vec<T>>, right: Option<&Vec<T>>) -> bool {
        self.only_left |= left.is_some() && right.is_none();
        self.only_right |= left.is_none() && right.is_some();
        match (left, right) {
            (Some(left), Some(right)) => !left.iter().any(|one| right.contains(one)),
            _ => false,
        }
    }

    fn result(&self) -> Apart {
        if self.apart {
            Apart::Always
        } else if self.unseen > 0 || (self.only_left && self.only_right) {
            Apart::Unseen
        } else {
            Apart::Never
        }
    }
}

impl Conditions {
    /// How it compares with another's, where both are looked at.
    pub(crate) fn apart(&self, other: &Self) -> Apart {
        let differ = |left: Option<&Vec<u32>>, right| {
            let mut comparison = Comparison::default();
            comparison.single(left, right);
            comparison.apart
        };
        if differ(self.uids.as_ref(), other.uids.as_ref())
            || differ(self.gids.as_ref(), other.gids.as_ref())
        {
            return Apart::Always;
        }
        if let (Some(left), Some(right)) = (&self.sources, &other.sources)
            && !left
                .iter()
                .any(|one| right.iter().any(|two| one.meets(*two)))
        {
            return Apart::Always;
        }
        let tls = match (&self.tls, &other.tls) {
            (Some(left), Some(right)) => left.apart(right),
            _ => Apart::Never,
        };
        let container = match (&self.container, &other.container) {
            (Some(left), Some(right)) => left.apart(right),
            _ => Apart::Never,
        };
        match (tls, container) {
            (Apart::Always, _) | (_, Apart::Always) => Apart::Always,
            (Apart::Unseen, _) | (_, Apart::Unseen) => Apart::Unseen,
            (Apart::Never, Apart::Never) => Apart::Never,
        }
    }
}

impl TlsConditions {
    fn apart(&self, other: &Self) -> Apart {
        let mut comparison = Comparison::default();
        comparison.single(self.cn.as_ref(), other.cn.as_ref());
        comparison.single(self.key.as_ref(), other.key.as_ref());
        comparison.several(self.dns.as_ref(), other.dns.as_ref());
        comparison.several(self.ip.as_ref(), other.ip.as_ref());
        comparison.several(self.uri.as_ref(), other.uri.as_ref());
        comparison.result()
    }
}

impl ContainerConditions {
    fn apart(&self, other: &Self) -> Apart {
        let mut comparison = Comparison::default();
        comparison.single(self.name.as_ref(), other.name.as_ref());
        comparison.single(self.id.as_ref(), other.id.as_ref());
        comparison.single(self.image.as_ref(), other.image.as_ref());
        for (key, value) in &self.labels {
            match other.labels.get(key) {
                Some(same) => comparison.apart |= same != value,
                None => comparison.only_left = true,
            }
        }
        let mut keys = other.labels.keys();
        comparison.only_right |= keys.any(|key| !self.labels.contains_key(key));
        comparison.result()
    }
}
