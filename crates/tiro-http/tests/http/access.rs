//! Keys, foreign hosts, foreign origins.

use http::Method;
use tiro_http::{Config, CorsOrigin, Exposure};

use crate::support::{Persona, TestApp, keyed_config};

/// Routes that need the operator's key.
const OPERATOR_ROUTES: [(Method, &str); 7] = [
    (Method::POST, "/v1/applications"),
    (Method::GET, "/v1/applications"),
    (Method::DELETE, "/v1/applications/app_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    (Method::GET, "/v1/status"),
    (Method::GET, "/metrics"),
    (Method::GET, "/v1/export"),
    (Method::GET, "/v1/search?q=anything"),
];

#[tokio::test]
async fn operator_routes_tell_strangers_holders_and_the_operator_apart() {
    let app = TestApp::keyed().await;
    let path = app.application().await;
    let holder = Persona::Holder(path.rsplit_once('/').unwrap().1.to_owned());
    let unknown = Persona::Holder("an-unknown-key-of-some-length".to_owned());
    for (method, path) in OPERATOR_ROUTES {
        let send = |persona: &Persona| app.as_persona(persona, method.clone(), path).send();
        send(&Persona::Stranger).await.problem(401, "unauthorized");
        send(&unknown).await.problem(401, "unauthorized");
        send(&holder).await.problem(403, "forbidden");
        assert!(
            !matches!(send(&Persona::Operator).await.code.as_u16(), 401 | 403),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_token_in_the_path_is_the_capability_for_all_inside() {
    let app = TestApp::keyed().await;
    let chat = app.chat_of(1).await;
    let path = chat.rsplit_once("/chats").unwrap().0.to_owned();
    let holder = Persona::Holder(path.rsplit_once('/').unwrap().1.to_owned());
    let other = app.application().await;
    let other = Persona::Holder(other.rsplit_once('/').unwrap().1.to_owned());
    for persona in [Persona::Stranger, holder, other, Persona::Operator] {
        for inside in [path.clone(), chat.clone(), format!("{chat}/messages/1")] {
            app.as_persona(&persona, Method::GET, &inside)
                .send()
                .await
                .status(200);
        }
        app.as_persona(&persona, Method::PATCH, &path)
            .json("{}")
            .send()
            .await
            .status(200);
    }
}

#[tokio::test]
async fn an_unknown_key_is_401_everywhere() {
    let app = TestApp::keyed().await;
    let chat = app.chat_of(1).await;
    for key in [
        "an-unknown-key-of-some-length",
        "short",
        "app_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let persona = Persona::Holder(key.to_owned());
        app.as_persona(&persona, Method::GET, &chat)
            .send()
            .await
            .problem(401, "unauthorized");
        let create = app
            .as_persona(&persona, Method::POST, &format!("{chat}/messages"))
            .json(r#"{"body":"a"}"#);
        create.send().await.problem(401, "unauthorized");
    }
    let nobody = "app_aaaaaaaaaaaaaaaaaaaaaaaaaa";
    let persona = Persona::Holder(nobody.to_owned());
    let path = format!("/v1/applications/{nobody}");
    app.as_persona(&persona, Method::GET, &path)
        .send()
        .await
        .problem(401, "unauthorized");
    app.get(&path).send().await.problem(404, "application_not_found");
    for header in ["Basic YTpi", "Bearer", "the-operators-key"] {
        app.get(&chat)
            .header("authorization", header)
            .send()
            .await
            .problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn the_token_of_a_deleted_application_is_an_unknown_key() {
    let app = TestApp::keyed().await;
    let (dead, chat) = (app.application().await, app.chat().await);
    app.as_persona(&Persona::Operator, Method::DELETE, &dead)
        .send()
        .await
        .status(204);
    let holder = Persona::Holder(dead.rsplit_once('/').unwrap().1.to_owned());
    app.as_persona(&holder, Method::GET, "/v1/status")
        .send()
        .await
        .problem(401, "unauthorized");
    app.as_persona(&holder, Method::GET, &chat)
        .send()
        .await
        .problem(401, "unauthorized");
    app.as_persona(&holder, Method::GET, &dead)
        .send()
        .await
        .problem(410, "application_deleted");
}

#[tokio::test]
async fn public_routes_need_no_key() {
    let app = TestApp::keyed().await;
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/errors/not_found",
    ] {
        app.get(path).send().await.status(200);
    }
}

#[tokio::test]
async fn a_server_without_a_key_refuses_foreign_hosts_on_every_route() {
    let app = TestApp::open().await;
    for path in ["/healthz", "/v1/applications", "/nowhere"] {
        for host in ["evil.example", "localhost.evil.example:3000", "192.168.0.7"] {
            app.get(path)
                .only_header("host", host)
                .send()
                .await
                .problem(421, "misdirected_request");
        }
    }
    for host in ["localhost:3000", "127.0.0.1", "[::1]:3000", "LocalHost"] {
        app.get("/healthz")
            .only_header("host", host)
            .send()
            .await
            .status(200);
    }
    app.get("/healthz")
        .without_header("host")
        .send()
        .await
        .problem(400, "malformed_request");
    app.get("/healthz")
        .header("host", "localhost")
        .send()
        .await
        .problem(400, "malformed_request");
}

#[tokio::test]
async fn a_server_without_a_key_refuses_foreign_origins_on_every_route() {
    let allowed = vec![CorsOrigin::new("https://chat.example").unwrap()];
    let app = TestApp::with(Config {
        cors_origins: allowed,
        ..Config::default()
    })
    .await;
    for path in ["/healthz", "/v1/applications", "/nowhere"] {
        for origin in ["https://evil.example", "http://localhost:5173", "null"] {
            app.get(path)
                .header("origin", origin)
                .send()
                .await
                .problem(403, "foreign_origin");
        }
    }
    for origin in ["http://localhost", "https://chat.example"] {
        app.get("/healthz")
            .header("origin", origin)
            .send()
            .await
            .status(200);
    }
}

#[tokio::test]
async fn a_key_or_the_open_flag_lifts_the_bounds_on_host_and_origin() {
    let open = Config {
        exposure: Exposure::Open,
        ..Config::default()
    };
    for config in [open, keyed_config()] {
        let app = TestApp::with(config).await;
        let call = app
            .get("/healthz")
            .only_header("host", "chat.example")
            .header("origin", "https://evil.example");
        call.send().await.status(200);
    }
}
