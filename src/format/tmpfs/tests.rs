use super::TmpfsOptions;

#[test]
fn a_tmpfs_is_harmless_unless_told_otherwise() {
    assert_eq!(TmpfsOptions::parse(""), Ok(TmpfsOptions::default()));
    let options = TmpfsOptions::parse("exec,suid,dev,ro,size=64m,mode=1777,rshared").unwrap();
    assert!(options.exec && options.suid && options.dev && options.read_only);
    assert!(options.propagates);
    assert_eq!((options.size, options.mode), (Some("64m"), Some("1777")));
}

#[test]
fn the_last_option_of_a_kind_counts() {
    let options = TmpfsOptions::parse("exec,noexec,ro,rw,size=1m,size=2m,shared,private").unwrap();
    assert!(!options.exec && !options.read_only && !options.propagates);
    assert_eq!(options.size, Some("2m"));
    assert!(TmpfsOptions::parse("noexec,exec").unwrap().exec);
    // The Engine puts its defaults before what the client asks for.
    assert!(TmpfsOptions::parse("exec,defaults").unwrap().exec);
}

#[test]
fn unknown_options_are_refused() {
    for text in [
        ",",
        "rw,",
        ",rw",
        "RW",
        "bind",
        "rbind",
        "remount",
        "size",
        "size=",
        "size=x",
        "size=-1",
        "size=1mb",
        "size=1 m",
        "mode=9",
        "mode=",
        "uid=root",
        "uid=",
        "=x",
        "=",
        "a=b",
        " rw",
        "rw noexec",
        "nr_inodes=k",
        "mpol=",
        "mpol=a b",
        "lowerdir=/etc",
        "size=%",
        "size=1%k",
    ] {
        assert!(TmpfsOptions::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_number_of_pages_is_no_size_that_is_known() {
    let bytes = |text| TmpfsOptions::parse(text).unwrap().bytes();
    assert_eq!(bytes("size=1m"), Some(1 << 20));
    for undone in ["size=1m,nr_blocks=9g", "nr_blocks=0,size=1m", "nr_blocks=1"] {
        assert_eq!(bytes(undone), None, "{undone}");
    }
}
