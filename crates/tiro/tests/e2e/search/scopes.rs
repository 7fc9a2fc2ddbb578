//! Two applications with the same texts: no search of the one ever shows anything of the other.

use tiro_client::{Client, Search, SearchScope};
use tiro_conformance::generator::{Generator, Queries};

use super::{PAGE_HITS_MAX, find_all};
use crate::counts::{count, seed};
use crate::requests::{create_application, create_chat, create_messages};
use crate::support::{Tiro, temp_folder};

const MESSAGES: usize = 300;

async fn fill(client: &Client, bodies: &[String]) -> String {
    let token = create_application(client).await;
    let chat = create_chat(client, &token).await;
    create_messages(client, &token, chat, bodies).await;
    token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_with_the_same_texts_never_see_each_other() {
    let seed = seed();
    let mut generator = Generator::new(seed);
    let bodies: Vec<String> = (0..MESSAGES).map(|_| generator.message().body).collect();
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let one = fill(&tiro.client(), &bodies).await;
    let other = fill(&tiro.client(), &bodies).await;
    let mut queries = Queries::new(seed, bodies);
    for _ in 0..2 {
        let client = tiro.client();
        for _ in 0..count(30, 500) {
            assert_apart(&client, &one, &other, &queries.query()).await;
        }
        tiro.stop();
        tiro = Tiro::start(folder.path(), &[]);
    }
}

async fn assert_apart(client: &Client, one: &str, other: &str, query: &str) {
    let everything = find_all(client, SearchScope::Everything, query, PAGE_HITS_MAX).await;
    for (token, stranger) in [(one, other), (other, one)] {
        let application = SearchScope::Application(token);
        let chat = SearchScope::Chat { token, number: 1 };
        let own = everything.iter().filter(|hit| hit.application == token).count();
        assert_eq!(own * 2, everything.len(), "{query:?}");
        for scope in [application, chat] {
            let hits = find_all(client, scope, query, PAGE_HITS_MAX).await;
            assert_eq!(hits.len(), own, "{query:?} in {scope:?}");
            let is_own = hits.iter().all(|hit| hit.application == token);
            assert!(is_own, "{query:?} in {scope:?} shows {stranger}");
            assert_a_stranger_s_next_shows_nothing(client, token, stranger, scope, query).await;
        }
    }
}

/// Where a page of `scope` goes on, asked of the other application.
async fn assert_a_stranger_s_next_shows_nothing(
    client: &Client,
    token: &str,
    stranger: &str,
    scope: SearchScope<'_>,
    query: &str,
) {
    let page = client.search(scope, &Search::of(query).limit(1)).await.unwrap();
    let Some(next) = page.next else { return };
    let asked = Search::of(query).after(next);
    match client.search(SearchScope::Application(stranger), &asked).await {
        Ok(page) => {
            let is_apart = page.data.iter().all(|hit| hit.application != token);
            assert!(is_apart, "{query:?} after a next of {token}");
        }
        Err(error) => assert_eq!(
            error.refusal().map(|refusal| refusal.status),
            Some(422),
            "{error}"
        ),
    }
}
