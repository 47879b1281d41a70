//! What may have been meant by a name that is none: Docker's command line, HTTP and
//! other tools have words of their own.

mod commands;
mod fields;
mod matchers;

pub(super) use fields::{in_body, in_operation};
pub(super) use matchers::{matcher, value};

use crate::api::Operation;
use crate::api::definition::OperationDef;
use crate::diagnostic::nearest;
use crate::route::{Target, route};

/// How many names are proposed.
const MOST: usize = 6;

/// Advice on an operation that there is not.
pub(super) fn operation(text: &str) -> String {
    let names = || Operation::ALL.iter().map(|operation| operation.name());
    whole(text)
        .or_else(|| by_request(text))
        .or_else(|| commands::operations(text))
        .or_else(|| nearest(text, names()))
        .or_else(|| by_ending(text))
        .unwrap_or_else(|| "`opgate ops` lists the operations and the groups".to_owned())
}

/// Advice on a group that there is not, of those that there are.
pub(super) fn group(text: &str, groups: &[String]) -> String {
    let joined = text.replace('.', "");
    let same = |operation: &&Operation| operation.name().eq_ignore_ascii_case(&joined);
    let tag = text.split_once('.').map_or(text, |(tag, _)| tag);
    let of_tag = groups.iter().filter(|group| {
        let own = group.split_once('.').map_or("", |(tag, _)| tag);
        own.eq_ignore_ascii_case(tag)
    });
    let of_tag: Vec<&str> = of_tag.map(String::as_str).collect();
    if text.contains('*') && !of_tag.is_empty() {
        return format!(
            "`*` stands for nothing here: name operations, or groups, of which there are {}",
            of_tag.join(", ")
        );
    }
    whole(text)
        .or_else(|| {
            Operation::ALL
                .iter()
                .find(same)
                .map(|one| mean(&[one.name()]))
        })
        .or_else(|| nearest(text, groups.iter().map(String::as_str)))
        .or_else(|| commands::operations(text))
        .or_else(|| (!of_tag.is_empty()).then(|| format!("there can be {}", of_tag.join(", "))))
        .unwrap_or_else(|| "`opgate ops` lists the groups".to_owned())
}

/// A question that names some names.
fn mean(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("did you mean {} or {last}?", rest.join(", "))
        }
        _ => format!("did you mean {}?", shown.concat()),
    }
}

/// Advice on words for everything.
pub(super) fn whole(text: &str) -> Option<String> {
    let words = ["all", "any", "everything", "ALL"];
    (text.contains('*') || words.contains(&text)).then(|| {
        "nothing stands for several operations but groups, such as `Container.list`: \
         `opgate ops` lists both"
            .to_owned()
    })
}

/// `GET /containers/json`, or a path alone.
fn by_request(text: &str) -> Option<String> {
    let (method, path) = match text.split_once(' ') {
        Some((method, path)) => (Some(method.to_ascii_uppercase()), path.trim()),
        None => (None, text),
    };
    if !path.starts_with('/') {
        return None;
    }
    // What stands for a name is one.
    let path = path.replace(['{', '}', '*', '<', '>'], "x");
    let target = Target::parse(&path).ok()?;
    let methods = ["GET", "POST", "PUT", "DELETE", "HEAD"];
    let found = methods
        .into_iter()
        .filter(|one| method.as_ref().is_none_or(|method| method == one))
        .filter_map(|method| route(method, &target).ok());
    let names: Vec<&str> = found.map(|found| found.definition().name).collect();
    (!names.is_empty()).then(|| mean(&names))
}

/// Operations that end with a word, without regard to case.
fn by_ending(text: &str) -> Option<String> {
    let word: String = text.to_ascii_lowercase();
    let ends = |operation: &&OperationDef| {
        word.len() > 2 && operation.name.to_ascii_lowercase().ends_with(&word)
    };
    let all = Operation::ALL
        .iter()
        .map(|operation| operation.definition());
    let names: Vec<&str> = all.filter(|one| ends(one)).map(|one| one.name).collect();
    (!names.is_empty() && names.len() <= MOST).then(|| mean(&names))
}

#[cfg(test)]
mod tests {
    use super::{group, operation};

    #[test]
    fn words_of_other_tools_lead_to_operations() {
        for (text, names) in [
            ("ps", "`ContainerList`"),
            ("docker ps", "`ContainerList`"),
            ("docker container ls", "`ContainerList`"),
            ("container list", "`ContainerList`"),
            ("containers", "`ContainerList`"),
            ("list_containers", "`ContainerList`"),
            ("docker volume rm", "`VolumeDelete`"),
            ("network ls", "`NetworkList`"),
            ("restart", "`ContainerRestart`"),
            ("GET /containers/json", "`ContainerList`"),
            ("POST /containers/{id}/start", "`ContainerStart`"),
            ("/v1.44/info", "`SystemInfo`"),
            ("run", "`ContainerCreate` or `ContainerStart`"),
            ("rm", "`ContainerDelete`"),
            ("pull", "`ImagePull`"),
            ("system df", "`SystemDataUsage`"),
            ("unlockkey", "`SwarmUnlockkey`"),
        ] {
            let help = operation(text);
            assert_eq!(help, format!("did you mean {names}?"), "{text}");
        }
        for text in ["*", "*List", "all"] {
            let help = operation(text);
            assert!(help.starts_with("nothing stands for several"), "{text}");
        }
        let help = operation("compose up");
        assert!(help.contains("opgate init compose"), "{help}");
        assert!(operation("Xyzzy").contains("opgate ops"));
        assert!(operation(&"é/ ".repeat(5000)).contains("opgate ops"));
    }

    #[test]
    fn what_looks_like_a_group_leads_to_groups_or_operations() {
        let groups = ["Container.list", "Container.content", "Image.list"].map(str::to_owned);
        assert_eq!(
            group("Container.Logs", &groups),
            "did you mean `ContainerLogs`?"
        );
        assert_eq!(
            group("Containers.list", &groups),
            "did you mean `Container.list`?"
        );
        assert_eq!(group("docker.ps", &groups), "did you mean `ContainerList`?");
        let help = group("Container.*", &groups);
        assert!(
            help.ends_with("Container.list, Container.content"),
            "{help}"
        );
        let help = group("Image.everything", &groups);
        assert_eq!(help, "there can be Image.list");
        assert_eq!(group("a.b", &groups), "`opgate ops` lists the groups");
    }
}
