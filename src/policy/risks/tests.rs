use crate::api::definition::RiskClass;
use crate::policy::resolve;

/// What is named and not shown open, under rules on creating containers.
fn unproven(allow: &str, deny: &str) -> Vec<String> {
    let text = format!(
        "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
         upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [p] }} }}\n\
         policies: {{ p: {{ allow: [ContainerCreate: {allow}], deny: [{deny}] }} }}\n"
    );
    let policies = resolve("test.yaml", &text).unwrap().policies;
    let mut fields: Vec<String> = (policies.risks().into_iter())
        .flat_map(|risks| risks.unproven)
        .map(|unproven| unproven.field.unwrap_or_else(|| "itself".to_owned()))
        .collect();
    fields.dedup();
    fields
}

#[test]
fn what_a_rule_names_and_a_deny_takes_away_is_told() {
    let deny = "ContainerCreate: { body: { HostConfig: { Privileged: true } } }";
    let allow = "{ body: { HostConfig: { Privileged: any } } }";
    assert_eq!(unproven(allow, deny), ["body.HostConfig.Privileged"]);
    assert!(unproven(allow, "").is_empty());
    // One branch of a choice is enough.
    let allow =
        "{ body: { HostConfig: { any_of: [{ Privileged: true }, { Privileged: false }] } } }";
    assert_eq!(unproven(allow, deny), ["body.HostConfig.Privileged"]);
}

#[test]
fn the_worst_that_a_form_admits_is_tried() {
    let open = |allow: &str| {
        let text = format!(
            "api: '1.51'\nlisten: [{{ unix: /run/a.sock, client: me }}]\n\
             upstream: unix:///run/engine.sock\nclients: {{ me: {{ policies: [p] }} }}\n\
             policies: {{ p: {{ allow: [{allow}] }} }}\n"
        );
        let policies = resolve("test.yaml", &text).unwrap().policies;
        let risks = policies.risks().remove(0);
        let open = |class| risks.openings.iter().any(|it| it.class == class);
        let named = |class| risks.unproven.iter().any(|it| it.class == class);
        let all = RiskClass::ALL.into_iter();
        let both: Vec<RiskClass> = all.filter(|class| open(*class) || named(*class)).collect();
        both
    };
    let mode =
        "ContainerCreate: { body: { HostConfig: { NetworkMode: { mode: [bridge, host] } } } }";
    assert!(open(mode).contains(&RiskClass::HostEscape));
    let ci = "ContainerCreate: { networks: { subset: [default, ci] } }";
    assert!(!open(ci).contains(&RiskClass::HostEscape));
    // No request is found that this allows, so nobody may say that it opens nothing.
    let tail = "ContainerLogs: { query: { tail: { all_of: [{ glob: '1*' }, { glob: '*2' }] } } }";
    assert!(open(tail).contains(&RiskClass::InfoLeak));
}

#[test]
fn networks_and_modes_by_their_parts_are_told_too() {
    let deny = "ContainerCreate: { networks: { contains: host } }";
    let host = "{ networks: { subset: [host] } }";
    assert_eq!(unproven(host, deny), ["body.HostConfig.NetworkMode"]);
    assert!(unproven("{ networks: { subset: [default, none] } }", deny).is_empty());
    let deny = "ContainerCreate: { body: { HostConfig: { PidMode: host } } }";
    let mode = "{ body: { HostConfig: { PidMode: { mode: host } } } }";
    assert_eq!(unproven(mode, deny), ["body.HostConfig.PidMode"]);
}

#[test]
fn what_admits_benign_values_alone_opens_nothing() {
    for allow in [
        "{ body: { HostConfig: { Privileged: false } } }",
        "{ body: { HostConfig: { Privileged: absent } } }",
        "{ body: { HostConfig: { CapAdd: absent } } }",
        "{ body: { HostConfig: { NetworkMode: [default, none] } } }",
        "{ body: { HostConfig: { Privileged: { set: false } } } }",
    ] {
        assert!(unproven(allow, "").is_empty(), "{allow}");
    }
}
