//! What clients negotiate by.

use crate::support::{Call, Engine, Setup, within};

const NEWER: &str = concat!(
    r#"{"Platform":{"Name":""},"Components":[{"Name":"Engine","Details":{"ApiVersion":"1.99","MinAPIVersion":"1.12"}}],"#,
    r#""ApiVersion":"1.99","MinAPIVersion":"1.12"}"#
);

#[tokio::test]
async fn pings_and_versions_offer_what_both_serve() {
    within(async {
        let setup = Setup::start().await;
        let _engine = Engine::start_with_version(&setup.engine_path(), NEWER, |mut call: Call| async move {
            call.body().await?;
            let body = if call.line().contains("version") { NEWER } else { "OK" };
            let length = body.len();
            call.io
                .send(format!("HTTP/1.1 200 OK\r\nApi-Version: 1.99\r\nOstype: linux\r\nContent-Length: {length}\r\n\r\n"))
                .await;
            if !call.line().starts_with("HEAD") {
                call.io.send(body).await;
            }
            Some(call.io)
        });
        let mut client = setup.client().await;
        let newest = {
            let ping = client.ask("GET /_ping HTTP/1.1\r\nHost:\r\n\r\n").await;
            assert_eq!(ping.header("ostype"), Some("linux"));
            assert_eq!(ping.body, "OK");
            ping.header("api-version").unwrap().to_owned()
        };
        assert_eq!(newest, "1.55");
        client.send("HEAD /_ping HTTP/1.1\r\nHost:\r\n\r\n").await;
        assert_eq!(client.head().await.header("api-version"), Some(&*newest));

        let version = client.ask("GET /v1.51/version HTTP/1.1\r\nHost:\r\n\r\n").await;
        assert_eq!(
            version.body.trim_end(),
            NEWER.replace("1.99", &newest).replace("1.12", "1.41")
        );
        let list = client.ask("GET /v1.51/containers/json HTTP/1.1\r\nHost:\r\n\r\n").await;
        assert_eq!(list.header("api-version"), Some("1.99"), "the rest is the Engine's");
    })
    .await;
}

#[tokio::test]
async fn an_error_of_version_is_passed_on_as_it_is() {
    within(async {
        let setup = Setup::start().await;
        let _engine = Engine::start(&setup.engine_path(), |mut call: Call| async move {
            call.body().await?;
            call.io
                .answer("500 Internal Server Error", r#"{"message":"no"}"#)
                .await;
            Some(call.io)
        });
        let mut client = setup.client().await;
        let answer = client
            .ask("GET /v1.51/version HTTP/1.1\r\nHost:\r\n\r\n")
            .await;
        assert_eq!((answer.status, &*answer.message()), (500, "no"));
    })
    .await;
}
