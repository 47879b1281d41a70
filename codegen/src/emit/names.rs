//! The only place that invents Rust identifiers.

use std::collections::BTreeSet;

/// Hands out identifiers, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A name for a static, made of an operation and a path in its body:
    /// `ContainerCreate` and `HostConfig.Mounts[]` give
    /// `CONTAINER_CREATE_HOST_CONFIG_MOUNTS`.
    pub(super) fn object(&mut self, place: &str) -> String {
        let mut name = String::new();
        let mut lower = false;
        for letter in place.chars() {
            if letter.is_ascii_alphanumeric() {
                if letter.is_ascii_uppercase() && lower && !name.ends_with('_') {
                    name.push('_');
                }
                lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
                name.push(letter.to_ascii_uppercase());
            } else if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
                lower = false;
            }
        }
        let base = name.trim_end_matches('_').to_owned();
        let mut name = base.clone();
        let mut number = 2_usize;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number = number.saturating_add(1);
        }
        name
    }
}

/// Turns `host-escape` into `HostEscape`.
pub(super) fn camel(kebab: &str) -> String {
    kebab
        .split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_place() {
        let mut names = Names::default();
        assert_eq!(
            names.object("ContainerCreate.HostConfig.Mounts[]"),
            "CONTAINER_CREATE_HOST_CONFIG_MOUNTS"
        );
    }

    #[test]
    fn places_that_would_share_a_name_get_numbers() {
        let mut names = Names::default();
        assert_eq!(names.object("A.b[]"), "A_B");
        assert_eq!(names.object("A.b{}"), "A_B_2");
        assert_eq!(names.object("A_B"), "A_B_3");
    }

    #[test]
    fn a_class_becomes_a_variant() {
        assert_eq!(camel("host-escape"), "HostEscape");
        assert_eq!(camel("bind"), "Bind");
    }
}
