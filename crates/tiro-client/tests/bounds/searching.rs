//! What a search asks for, and what it does when the index is behind.

use std::time::Duration;

use tiro_client::api::{Code, HighlightRange};
use tiro_client::{Search, SearchScope};
use tokio::time::Instant;

use crate::scripted::{Reply, Scripted};
use crate::{TOKEN, client};

const PAGE: &str = r#"{"data":[{"application":"app_not_to_be_seen_in_errors","chat":4,"message":{"number":17,
    "body":"C++ & more","sender":null,"metadata":null,"created_at":"2026-01-31T09:14:00.000Z",
    "updated_at":"2026-01-31T09:14:00.000Z","deleted_at":null,"version":1},"highlights":[{"start":0,"end":3}]}],
    "has_more":true,"next":"bmV4dA","searched_through":"abc.9"}"#;
const BEHIND: &str = r#"{"type":"/docs/errors/search_behind","title":"T","status":503,"code":"search_behind",
    "detail":"D","request_id":"r","errors":[],"searched_through":"abc.4"}"#;

#[tokio::test(start_paused = true)]
async fn each_scope_has_its_path_and_every_parameter_is_escaped() {
    let server = Scripted::start(|_| Reply::answer(200, &[], PAGE)).await;
    let client = client(&server);
    let search = Search::of("C++ & 5\"").limit(7).after("bmV4dA").in_part();
    let chat = SearchScope::Chat {
        token: TOKEN,
        number: 4,
    };
    for scope in [chat, SearchScope::Application(TOKEN), SearchScope::Everything] {
        let page = client.search(scope, &search).await.unwrap();
        let hit = &page.data[0];
        assert_eq!((&*hit.application, hit.chat, hit.message.number), (TOKEN, 4, 17));
        assert_eq!(hit.highlights, [HighlightRange { start: 0, end: 3 }]);
        assert_eq!(page.next.as_deref(), Some("bmV4dA"));
        assert_eq!(page.searched_through.as_deref(), Some("abc.9"));
    }
    let query = "?q=C%2B%2B+%26+5%22&after=bmV4dA&limit=7&partial=true";
    assert_eq!(
        server.paths(),
        [
            format!("GET /v1/applications/{TOKEN}/chats/4/messages/search{query}"),
            format!("GET /v1/applications/{TOKEN}/search{query}"),
            format!("GET /v1/search{query}"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_behind_is_asked_again_and_then_said_to_be_behind() {
    let catches_up = Scripted::start(|nth| match nth {
        1 => Reply::answer(503, &[("retry-after", "2")], BEHIND),
        _ => Reply::answer(200, &[], PAGE),
    })
    .await;
    let scope = SearchScope::Application(TOKEN);
    let page = client(&catches_up).search(scope, &Search::of("a")).await;
    assert_eq!(page.unwrap().data.len(), 1);

    let stays = Scripted::start(|_| Reply::answer(503, &[("retry-after", "9")], BEHIND)).await;
    let began = Instant::now();
    let error = client(&stays).search(scope, &Search::of("a")).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(30));
    let problem = &error.refusal().unwrap().problem;
    assert_eq!(problem.code, Code::SearchBehind);
    assert_eq!(problem.searched_through.as_deref(), Some("abc.4"));
}
