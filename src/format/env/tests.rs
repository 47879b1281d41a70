use super::EnvVar;

#[test]
fn the_first_equals_sign_divides() {
    let variable = EnvVar::parse("A=b=c").unwrap();
    assert_eq!((variable.name, variable.value), ("A", Some("b=c")));
    assert_eq!(EnvVar::parse("A=").unwrap().value, Some(""));
    assert_eq!(EnvVar::parse("A").unwrap().value, None);
}

#[test]
fn there_is_a_name_and_no_nul() {
    for text in ["", "=", "=b", "A=b\0", "A\0=b"] {
        assert!(EnvVar::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn the_value_is_not_printed() {
    let printed = format!("{:?}", EnvVar::parse("TOKEN=hunter2").unwrap());
    assert!(printed.contains("TOKEN") && !printed.contains("hunter2"));
}
