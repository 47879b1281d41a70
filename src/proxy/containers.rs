//! Which container a connection comes from, as the Engine says.
//!
//! On a unix socket it is the one whose control group the calling process is in, once
//! the Engine has confirmed that its own process is there, too. On TCP it is the one
//! that has the source address. What cannot be told for certain is refused: nobody
//! becomes a client by a doubt.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use serde::Deserialize;

use super::rescue::Failure;
use super::upstream::{Question, Upstream, UpstreamError};
use crate::format::is_full_id;
use crate::gate::Refusal;
use crate::identity::cgroup::Unclear;
use crate::identity::process::membership_of;
use crate::identity::{Caller, Container, Origin, image_name};

/// A container in a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    network_settings: Option<Networks>,
}

/// What is said of one container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    name: String,
    state: State,
    config: Config,
    network_settings: Option<Networks>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    running: bool,
    pid: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    image: Option<String>,
    labels: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Networks {
    networks: Option<BTreeMap<String, Option<Endpoint>>>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "IPAddress")]
    v4: Option<String>,
    #[serde(rename = "GlobalIPv6Address")]
    v6: Option<String>,
}

impl Networks {
    fn have(&self, address: IpAddr) -> bool {
        let endpoints = self.networks.iter().flatten();
        let texts = endpoints.filter_map(|(_, endpoint)| endpoint.as_ref());
        texts
            .flat_map(|endpoint| [&endpoint.v4, &endpoint.v6])
            .flatten()
            .any(|text| {
                text.parse::<IpAddr>()
                    .is_ok_and(|it| it.to_canonical() == address)
            })
    }
}

/// The container of a caller; nothing for one that is in none.
pub(super) async fn container_of(
    upstream: &Upstream,
    caller: &Caller,
) -> Result<Option<Container>, Failure> {
    match caller.origin {
        Origin::Unix(_) => of_process(upstream, caller).await,
        Origin::Tcp(source) => of_address(upstream, source.ip().to_canonical()).await,
        Origin::Unknown => Err(unclear()),
    }
}

async fn of_process(upstream: &Upstream, caller: &Caller) -> Result<Option<Container>, Failure> {
    let process = caller.process.as_ref().ok_or_else(unclear)?;
    let told = process.membership().map_err(|Unclear| unclear())?;
    let Some(membership) = told else {
        return Ok(None);
    };
    let found = inspect(upstream, &membership.id).await?;
    let found = found.ok_or_else(unclear)?;
    let main = membership_of(found.state.pid).map_err(|Unclear| unclear())?;
    // INVARIANT: the name of a group is believed only where the Engine's own process
    // of that container is in the same group.
    if main.is_none_or(|main| !main.is_with(&membership)) {
        return Err(unclear());
    }
    // Whoever was looked at is still there, in the same place.
    if process.membership() != Ok(Some(membership)) {
        return Err(unclear());
    }
    Ok(Some(found.container()))
}

async fn of_address(upstream: &Upstream, source: IpAddr) -> Result<Option<Container>, Failure> {
    let answer = upstream.ask(Question::Running).await?;
    let answer = answer.ok_or(UpstreamError::Answer)?;
    let listed: Vec<Listed> = serde_json::from_slice(&answer).map_err(|_| UpstreamError::Answer)?;
    let mut here = listed.iter().filter(|one| {
        let networks = one.network_settings.as_ref();
        networks.is_some_and(|networks| networks.have(source))
    });
    let (Some(one), None) = (here.next(), here.next()) else {
        // The same address in two networks is nobody's.
        return if listed_at(&listed, source) {
            Err(unclear())
        } else {
            Ok(None)
        };
    };
    if !is_full_id(&one.id) {
        return Err(UpstreamError::Answer.into());
    }
    let found = inspect(upstream, &one.id).await?.ok_or_else(unclear)?;
    // It may have left meanwhile, and another have got its address.
    let networks = found.network_settings.as_ref();
    if !networks.is_some_and(|networks| networks.have(source)) {
        return Err(unclear());
    }
    Ok(Some(found.container()))
}

fn listed_at(listed: &[Listed], source: IpAddr) -> bool {
    let mut networks = listed
        .iter()
        .filter_map(|one| one.network_settings.as_ref());
    networks.any(|networks| networks.have(source))
}

/// A container that runs; nothing where there is no such one.
async fn inspect(upstream: &Upstream, id: &str) -> Result<Option<Inspected>, Failure> {
    let Some(answer) = upstream.ask(Question::Container(id)).await? else {
        return Ok(None);
    };
    let found: Inspected = serde_json::from_slice(&answer).map_err(|_| UpstreamError::Answer)?;
    Ok(Some(found).filter(|found| found.id == id && found.state.running && found.state.pid > 0))
}

impl Inspected {
    fn container(self) -> Container {
        Container {
            id: self.id,
            name: self.name.strip_prefix('/').unwrap_or(&self.name).to_owned(),
            image: self.config.image.as_deref().and_then(image_name),
            labels: self.config.labels.unwrap_or_default(),
        }
    }
}

fn unclear() -> Failure {
    Failure::Refused(Refusal::new(
        403,
        "opgate: the container of this connection cannot be told for certain",
    ))
}
