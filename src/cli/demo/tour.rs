//! The tour: requests of the kinds that a gate gets, and what becomes of each.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use opgate::api::Operation;
use opgate::proxy::{Decision, Record};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Failure;

/// From connecting to the end of an answer.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// How much of an answer is read.
const ANSWER_MAX: u64 = 1 << 20;

/// A request of the tour.
struct Stop {
    /// What a client would do to send it.
    does: &'static str,
    method: &'static str,
    target: &'static str,
    body: &'static str,
    /// Header lines besides the usual.
    headers: &'static str,
}

const fn get(does: &'static str, target: &'static str) -> Stop {
    Stop {
        does,
        method: "GET",
        target,
        body: "",
        headers: "",
    }
}

const fn create(does: &'static str, body: &'static str) -> Stop {
    Stop {
        does,
        method: "POST",
        target: "/containers/create",
        body,
        headers: "",
    }
}

/// Allowed, then refused; the image of the tour exists nowhere.
const STOPS: &[Stop] = &[
    get("docker ps", "/containers/json"),
    create(
        "docker run -m 64m opgate-demo",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":67108864}}"#,
    ),
    create(
        "docker run -m 64m -v /srv/demo/site:/site:ro opgate-demo",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":67108864,"Binds":["/srv/demo/site:/site:ro"]}}"#,
    ),
    create(
        "docker run opgate-demo   (no limit of memory)",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":0}}"#,
    ),
    create(
        "docker run -m 64m --privileged opgate-demo",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":67108864,"Privileged":true}}"#,
    ),
    create(
        "the same, spelt so that a filter of texts would miss it",
        r#"{"Image":"opgate-demo","ho\u017ftconfig":{"MEMORY":67108864,"pr\u0069vileged":true}}"#,
    ),
    create(
        "the same, hidden behind a harmless twin",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":67108864,"Privileged":false,"privileged":true}}"#,
    ),
    create(
        "docker run -m 64m -v /srv/demo/../../:/host opgate-demo",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":67108864,"Binds":["/srv/demo/../../:/host"]}}"#,
    ),
    create(
        "docker run -m 64m --pid=host opgate-demo",
        r#"{"Image":"opgate-demo","HostConfig":{"Memory":67108864,"PidMode":"host"}}"#,
    ),
    create(
        "docker run -m 64m registry.example.net/miner",
        r#"{"Image":"registry.example.net/miner","HostConfig":{"Memory":67108864}}"#,
    ),
    Stop {
        does: "docker exec demo sh",
        method: "POST",
        target: "/containers/demo/exec",
        body: r#"{"Cmd":["sh"]}"#,
        headers: "",
    },
    get(
        "a path that a second parser could read otherwise",
        "/containers/json/../../info",
    ),
    Stop {
        does: "a request with two lengths, to smuggle another one",
        method: "POST",
        target: "/containers/create",
        body: "{}",
        headers: "Transfer-Encoding: chunked\r\n",
    },
];

/// Sends the requests one by one and shows what becomes of them.
pub(super) async fn tour(
    socket: &Path,
    records: &mut mpsc::Receiver<Record>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (mut allowed, mut refused) = (0_usize, 0_usize);
    for (number, stop) in STOPS.iter().enumerate() {
        let answer = ask(socket, &stop.bytes())
            .await
            .map_err(|error| Failure::Usage(format!("the gate does not answer: {error}")))?;
        let record = timeout(ANSWER_TIME, records.recv()).await.ok().flatten();
        let record = record.ok_or_else(|| Failure::Usage("the gate made no record".to_owned()))?;
        match record.decision {
            Decision::Allowed => allowed = allowed.saturating_add(1),
            Decision::Refused | Decision::Failed => refused = refused.saturating_add(1),
        }
        writeln!(out, "\n{:>2}. {}", number.saturating_add(1), stop.does)?;
        writeln!(out, "    {} {}", stop.method, stop.target)?;
        if !stop.body.is_empty() {
            writeln!(out, "    {}", stop.body)?;
        }
        for line in told(&record, &answer) {
            writeln!(out, "    {line}")?;
        }
    }
    writeln!(
        out,
        "\n{allowed} requests were forwarded, {refused} never reached the Engine."
    )?;
    Ok(())
}

/// What was decided and why.
fn told(record: &Record, answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    let operation = record.operation.map_or("no operation", Operation::name);
    match record.decision {
        Decision::Allowed => {
            let rule = record
                .rule
                .as_ref()
                .map_or_else(String::new, |rule| format!(" by {rule}"));
            lines.push(format!("-> allowed   {operation}{rule}"));
            let said = answer
                .message()
                .map_or_else(String::new, |said| format!(": {said}"));
            lines.push(format!("   Engine    {}{said}", answer.status));
        }
        Decision::Refused | Decision::Failed => {
            lines.push(format!("-> refused   {}", answer.status));
            let message = answer.message().or_else(|| record.message.clone());
            lines.extend(message.map(|message| format!("   {message}")));
        }
    }
    lines
}

impl Stop {
    /// The request as a client writes it.
    fn bytes(&self) -> Vec<u8> {
        let Self {
            method,
            target,
            body,
            headers,
            ..
        } = self;
        let content = if body.is_empty() {
            String::new()
        } else {
            format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            )
        };
        format!(
            "{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n{content}{headers}\r\n{body}"
        )
        .into_bytes()
    }
}

/// An answer, as far as the tour shows it.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// The message of an error.
    fn message(&self) -> Option<String> {
        let Ok(Value::Object(object)) = serde_json::from_slice(&self.body) else {
            return None;
        };
        object.get("message")?.as_str().map(str::to_owned)
    }
}

async fn ask(socket: &Path, request: &[u8]) -> io::Result<Answer> {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(request).await?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_MAX).read_to_end(&mut bytes).await?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = timeout(ANSWER_TIME, exchange)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    read(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// Reads an answer whose end is the end of the connection.
fn read(bytes: &[u8]) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes).ok()? else {
        return None;
    };
    let status = head.code?;
    let chunked = head
        .headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("transfer-encoding"));
    let rest = bytes.get(length..)?;
    let body = if chunked {
        unchunk(rest)?
    } else {
        rest.to_vec()
    };
    Some(Answer { status, body })
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) {
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            break;
        }
        let end = start.checked_add(size)?;
        body.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end.checked_add(2)?..)?;
    }
    Some(body)
}

/// What the Engine at a socket calls itself, if one answers there in time.
pub(super) async fn engine_version(socket: &Path, time: Duration) -> Option<String> {
    let request = b"GET /version HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n";
    let answer = timeout(time, ask(socket, request)).await.ok()?.ok()?;
    let Ok(Value::Object(object)) = serde_json::from_slice(&answer.body) else {
        return None;
    };
    let text = |name: &str| object.get(name)?.as_str().map(str::to_owned);
    Some(format!(
        "version {}, API {}",
        text("Version")?,
        text("ApiVersion")?
    ))
}
