//! What means something to a shell, a regular expression or a database means itself.

use tiro_client::SearchScope;

use super::{PAGE_HITS_MAX, find_all};
use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Tiro, temp_folder};

const LITERALS: [&str; 11] = ["*", "?", "%", "_", "\\", "(", ")", ":", "C++", "a:b", "5\""];
const BODIES: [&str; 12] = [
    "anything at all 5 c a b",
    "all of *.rs",
    "really?",
    "100%",
    "snake_case",
    "C:\\temp",
    "(aside",
    "aside)",
    "I write c++ and a:b",
    "c+ + a",
    "a 5\" disk",
    "a 5' disk a : b",
];

#[tokio::test]
async fn wildcards_and_operators_mean_themselves() {
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let token = create_application(&tiro.client()).await;
    let chat = create_chat(&tiro.client(), &token).await;
    for body in BODIES {
        create_message(&tiro.client(), &token, chat, body).await;
    }
    for place in ["just written", "after a restart"] {
        let in_chat = SearchScope::Chat {
            token: &token,
            number: chat,
        };
        for scope in [in_chat, SearchScope::Application(&token), SearchScope::Everything] {
            for literal in LITERALS {
                let hits = find_all(&tiro.client(), scope, literal, PAGE_HITS_MAX).await;
                let found: Vec<_> = hits
                    .iter()
                    .filter_map(|hit| hit.message.body.as_deref())
                    .collect();
                let wanted = literal.to_lowercase();
                let expected = BODIES.into_iter().rev();
                let expected: Vec<_> = expected
                    .filter(|body| body.to_lowercase().contains(&wanted))
                    .collect();
                assert_eq!(found, expected, "{place}: {literal} in {scope:?}");
            }
        }
        tiro.stop();
        tiro = Tiro::start(folder.path(), &[]);
    }
}
