//! Requests for a version that is older than what opgate and the Engine serve.
//!
//! Such a request is refused, or pinned: read, judged and forwarded as one for the
//! oldest version that both serve. Its answer is then the newer version's. Where that
//! is another than a client of the older one can understand the operation is refused;
//! [`changes`] says where. What only repeated another value, was always empty, or is
//! left out when it is empty, does not count, nor does what an answer has in addition.

use super::{Body, EngineVersion, VersionError};
use crate::api::Operation;
use crate::api::decode::Parameters;
use crate::api::definition::ApiVersion;
use crate::api::value::Value;
use crate::route::Version;

/// What becomes of a request for a version that is older than what is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Older {
    /// It is refused.
    #[default]
    Refused,
    /// It is one for the oldest version that is served.
    Pinned,
}

/// The oldest version that can be asked for: the one that the Engine's own
/// compatibility ends with.
const OLDEST_PINNED: ApiVersion = ApiVersion(24);

/// The newest version whose answers somebody has compared with those before.
const COMPARED: ApiVersion = ApiVersion(55);

impl Older {
    /// The version in which a request is forwarded, and the one that was asked for if
    /// that is an older one. `served` is what is served.
    pub(super) fn choose(
        self,
        served: EngineVersion,
        asked: Option<Version>,
        operation: Operation,
    ) -> Result<(ApiVersion, Option<Version>), VersionError> {
        let chosen = served.choose(asked);
        let (Self::Pinned, Err(VersionError::TooOld { asked, .. })) = (self, chosen) else {
            return Ok((chosen?, None));
        };
        let minimum = OLDEST_PINNED;
        let Some(version) = asked.api().filter(|version| *version >= minimum) else {
            return Err(VersionError::TooOld { asked, minimum });
        };
        // Nobody knows what its answers are to such a client.
        if served.min > COMPARED {
            return Ok((chosen?, None));
        }
        let changed = changes(operation)
            .iter()
            .find(|(since, _)| (version < *since) && (*since <= served.min));
        if let Some((since, why)) = changed {
            return Err(VersionError::Answer {
                asked,
                operation,
                since: *since,
                why,
            });
        }
        Ok((served.min, Some(asked)))
    }
}

/// What is given that the version in which the request is forwarded does not look at
/// any more, although it is in its description: a parameter, or a field of the body.
/// `asked` is the older version that was asked for.
pub(super) fn gone(
    operation: Operation,
    asked: ApiVersion,
    version: ApiVersion,
    query: &Parameters<'_>,
    body: &Body<'_>,
) -> Option<&'static str> {
    let (place, until) = match operation {
        // The images of a name. No version that is served looks at it.
        Operation::ImageList => ("query.filter", ApiVersion(40)),
        // The networks of a service whose template of tasks names none.
        Operation::ServiceCreate | Operation::ServiceUpdate => ("body.Networks", ApiVersion(43)),
        _ => return None,
    };
    let value = match (place.split_once('.')?, body) {
        (("query", name), _) => query.get(name),
        ((_, name), Body::Json(Value::Object(object))) => object.get(name),
        _ => None,
    };
    let given = value.is_some_and(|value| !value.is_zero());
    (given && asked <= until && until < version).then_some(place)
}

/// The versions since which the answers of an operation are others, and how.
fn changes(operation: Operation) -> &'static [(ApiVersion, &'static str)] {
    match operation {
        Operation::SystemInfo => &[(ApiVersion(25), "security options are written as `name=…`")],
        Operation::ServiceList => &[(ApiVersion(25), "services are described in another way")],
        Operation::NetworkList => &[(ApiVersion(28), "the containers of networks are left out")],
        Operation::ContainerAttachWebsocket => &[
            (ApiVersion(28), "the frames are binary"),
            (
                ApiVersion(42),
                "only streams that are asked for are attached",
            ),
        ],
        Operation::SystemDataUsage => &[
            (
                ApiVersion(42),
                "`BuilderSize` and the `Parent` of build cache are left out",
            ),
            (ApiVersion(52), "sizes are in other fields"),
        ],
        Operation::ImageList => &[(
            ApiVersion(43),
            "untagged images are no longer `<none>:<none>`",
        )],
        Operation::ImageInspect => &[
            (
                ApiVersion(45),
                "`Container` and `ContainerConfig` are left out",
            ),
            (ApiVersion(52), "fields of `Config` are left out"),
        ],
        Operation::ContainerInspect => &[
            (ApiVersion(45), "aliases no longer have the short ID"),
            (
                ApiVersion(52),
                "addresses are left out of `NetworkSettings`",
            ),
        ],
        Operation::SystemEvents => &[(ApiVersion(52), "`status`, `id` and `from` are left out")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn version(minor: u16) -> Version {
        Version { major: 1, minor }
    }

    fn served(min: u16, max: u16) -> EngineVersion {
        EngineVersion {
            min: ApiVersion(min),
            max: ApiVersion(max),
        }
    }

    #[test]
    fn what_is_served_is_as_ever_and_what_is_older_is_the_oldest() {
        let served = served(44, 52);
        let choose = |older: Older, asked| older.choose(served, asked, Operation::ContainerCreate);
        for older in [Older::Refused, Older::Pinned] {
            assert_eq!(choose(older, None), Ok((ApiVersion(52), None)));
            assert_eq!(choose(older, Some(version(44))), Ok((ApiVersion(44), None)));
            assert_eq!(choose(older, Some(version(50))), Ok((ApiVersion(50), None)));
            for asked in [Some(version(53)), Some(Version { major: 2, minor: 0 })] {
                let too_new = choose(older, asked);
                assert!(matches!(too_new, Err(VersionError::TooNew { .. })));
            }
        }
        for minor in [24, 32, 43] {
            let pinned = choose(Older::Pinned, Some(version(minor)));
            assert_eq!(pinned, Ok((ApiVersion(44), Some(version(minor)))));
            let refused = choose(Older::Refused, Some(version(minor))).unwrap_err();
            assert!(
                refused.to_string().contains("API version is 1.44"),
                "{refused}"
            );
        }
        for asked in [
            Some(version(23)),
            Some(version(0)),
            Some(Version {
                major: 0,
                minor: 30,
            }),
        ] {
            let refused = choose(Older::Pinned, asked).unwrap_err();
            assert!(
                refused.to_string().contains("API version is 1.24"),
                "{refused}"
            );
        }
    }

    #[test]
    fn an_answer_counts_from_what_was_asked_for_to_what_is_forwarded() {
        let choose = |asked, min, operation| {
            let chosen = Older::Pinned.choose(served(min, 55), Some(version(asked)), operation);
            match chosen {
                Ok((version, _)) => Ok(version.0),
                Err(VersionError::Answer { since, .. }) => Err(since.0),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(choose(27, 41, Operation::NetworkList), Err(28));
        assert_eq!(choose(28, 41, Operation::NetworkList), Ok(41));
        assert_eq!(choose(40, 41, Operation::ContainerAttachWebsocket), Ok(41));
        assert_eq!(choose(41, 44, Operation::ContainerAttachWebsocket), Err(42));
        assert_eq!(choose(27, 44, Operation::ContainerAttachWebsocket), Err(28));
        assert_eq!(choose(32, 44, Operation::ContainerInspect), Ok(44));
        assert_eq!(choose(32, 45, Operation::ContainerInspect), Err(45));
        assert_eq!(choose(50, 52, Operation::SystemEvents), Err(52));
        // Asked for as it is: the answer is what it is.
        assert_eq!(choose(52, 52, Operation::SystemEvents), Ok(52));
    }

    #[test]
    fn changes_are_in_order_and_none_is_out_of_reach() {
        let mut count = 0;
        for operation in Operation::ALL {
            let changes = changes(operation);
            assert!(
                changes.is_sorted_by(|one, next| one.0 < next.0),
                "{operation}"
            );
            for (since, why) in changes {
                assert!(*since > OLDEST_PINNED && !why.is_empty(), "{operation}");
                count += 1;
            }
        }
        assert!(count > 10);
    }

    #[test]
    fn the_documentation_has_the_same_table() {
        let text = include_str!("../../docs/clients.md");
        let (_, section) = text.split_once("## Old clients").unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| 1."));
        let mut documented: Vec<String> = rows.map(str::to_owned).collect();
        let mut known: Vec<String> = Vec::new();
        for operation in Operation::ALL {
            let rows = changes(operation).iter();
            known.extend(rows.map(|(since, why)| format!("| {since} | `{operation}` | {why} |")));
        }
        documented.sort();
        known.sort();
        assert_eq!(documented, known);
    }

    #[test]
    fn the_answers_of_every_version_were_compared() {
        // A new version: read what it changes in answers, add it to `changes` and to
        // docs/upstreams.md, and then set this.
        assert_eq!(COMPARED, crate::api::NEWEST);
    }
}
