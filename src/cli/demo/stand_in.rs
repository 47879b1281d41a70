//! A stand-in for the Engine: it finds the operation of a request by the
//! definitions and makes up an answer of the right shape. It keeps nothing, runs
//! nothing, and says in every answer with words that it is no Engine.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use opgate::api::definition::{AccessClass, Hijack};
use opgate::api::{NEWEST, OLDEST, Operation};
use opgate::request::RequestHead;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};

/// How much of a request's body is read.
const BODY_MAX: usize = 8 << 20;

/// An id that nobody has.
const ID: &str = "000000000000000000000000000000000000000000000000000000000000de30";

/// Listens at a socket and answers until the runtime ends.
pub(super) fn start(socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    tokio::spawn(async move {
        // Only the gate of this program connects, a few times at most.
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(())
}

async fn serve(stream: UnixStream) {
    let connection =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    // A connection that breaks is the gate's own business.
    drop(connection.await);
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // Read to its end, so that the connection can be used again.
    drop(Limited::new(body, BODY_MAX).collect().await);
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let route = RequestHead {
        method: head.method.as_str(),
        target,
        headers: &[],
    };
    let (status, body) = match route.route() {
        Ok(matched) => made_up(matched.definition().operation()),
        Err(_) => error("page not found"),
    };
    let text = matches!(body, Value::String(_));
    let bytes = match body {
        Value::Null => Bytes::new(),
        Value::String(text) => text.into(),
        body => body.to_string().into(),
    };
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let content_type = if text {
        "text/plain"
    } else {
        "application/json"
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::SERVER,
        header::HeaderValue::from_static("opgate-stand-in"),
    );
    if let Ok(version) = header::HeaderValue::from_str(&NEWEST.to_string()) {
        headers.insert("api-version", version);
    }
    Ok(response)
}

/// An answer of the shape that the operation has.
fn made_up(operation: Operation) -> (StatusCode, Value) {
    let definition = operation.definition();
    match operation {
        Operation::SystemPing | Operation::SystemPingHead => (StatusCode::OK, "OK".into()),
        Operation::SystemVersion => (
            StatusCode::OK,
            json!({
                "Version": "stand-in",
                "ApiVersion": NEWEST.to_string(),
                "MinAPIVersion": OLDEST.to_string(),
                "Os": "linux",
                "Arch": std::env::consts::ARCH,
            }),
        ),
        Operation::SystemInfo => (
            StatusCode::OK,
            json!({ "ID": ID, "Name": "stand-in", "ServerVersion": "stand-in", "Containers": 0 }),
        ),
        Operation::VolumeList => (StatusCode::OK, json!({ "Volumes": [], "Warnings": [] })),
        Operation::ContainerCreate => (
            StatusCode::CREATED,
            json!({ "Id": ID, "Warnings": ["a stand-in makes no containers"] }),
        ),
        _ if definition.hijack != Hijack::Never => error("there is nothing to talk to"),
        _ => match definition.access {
            AccessClass::List => (StatusCode::OK, json!([])),
            AccessClass::Create => (StatusCode::CREATED, json!({ "Id": ID, "ID": ID })),
            _ => error("there is no such thing"),
        },
    }
}

fn error(what: &str) -> (StatusCode, Value) {
    let message = format!("{what} (a stand-in answers: it has nothing and makes nothing)");
    (StatusCode::NOT_FOUND, json!({ "message": message }))
}
