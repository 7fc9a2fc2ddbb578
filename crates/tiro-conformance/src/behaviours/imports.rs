//! Plain lines: importing again changes nothing.

use tiro_core::{IfMatch, ImportLine, Outcome, Patch, Rejection, Reply, Timestamp};

use crate::World;
use crate::commands::{import_chat, import_line, import_messages, title, update_chat};
use crate::holder::{Holder, bodies};
use crate::sample;

async fn import(holder: &Holder, called: &str, lines: Vec<ImportLine>) -> (Reply, Reply) {
    let chat = import_chat(&holder.token, called, None);
    let found = holder.write_keyed(chat, &format!("source/{}", called.replace(' ', "-"))).await;
    let Outcome::ImportedChat { chat, .. } = found.outcome else {
        panic!("an imported chat was expected, not {:?}", found.outcome)
    };
    let stored = holder.write(import_messages(&holder.token, chat, lines)).await;
    (found, stored)
}

fn lines(range: std::ops::Range<u32>) -> Vec<ImportLine> {
    let line = |ordinal| import_line(&format!("source/chat/{ordinal}"), &format!("line {ordinal}"), None);
    range.map(line).collect()
}

pub async fn plain_lines_imported_twice_change_nothing<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "imports").await;
    let (found, stored) = import(&holder, "general", lines(0..10)).await;
    assert_eq!(found.outcome, Outcome::ImportedChat { chat: 1, created: true });
    assert_eq!(stored.outcome, Outcome::ImportedMessages { created: 10, unchanged: 0 });
    assert_eq!(stored.cursor, Some(holder.application().await.cursor()));
    holder.delete_message(1, 4).await;
    holder.edit(1, 5, "edited since").await;
    let position = holder.position().await;
    for _ in 0..2 {
        let (found, stored) = import(&holder, "general", lines(0..10)).await;
        assert_eq!(found.outcome, Outcome::ImportedChat { chat: 1, created: false });
        assert_eq!(stored.outcome, Outcome::ImportedMessages { created: 0, unchanged: 10 });
        assert_eq!(holder.position().await, position, "nothing changed");
        holder = holder.across_reopen(&mut world).await;
    }
    let (_, stored) = import(&holder, "general", lines(5..15)).await;
    assert_eq!(stored.outcome, Outcome::ImportedMessages { created: 5, unchanged: 5 });
    let messages = holder.all_messages(1).await;
    assert_eq!(bodies(&messages)[3..5], [None, Some("edited since")], "a deleted line stays deleted");
    assert_eq!(bodies(&messages)[10..], ["line 10", "line 11", "line 12", "line 13", "line 14"].map(Some));

    for (chat, lines) in sample::chats() {
        let lines: Vec<ImportLine> = (0..)
            .zip(&lines)
            .map(|(ordinal, line)| {
                import_line(&format!("sample/{chat}/{ordinal}").replace(' ', "-"), &line.body, None)
            })
            .collect();
        let count = lines.len() as u64;
        let (_, stored) = import(&holder, &chat, lines.clone()).await;
        assert_eq!(stored.outcome, Outcome::ImportedMessages { created: count, unchanged: 0 });
        let (_, stored) = import(&holder, &chat, lines).await;
        assert_eq!(stored.outcome, Outcome::ImportedMessages { created: 0, unchanged: count });
    }
}

pub async fn equal_lines_under_two_keys_are_two_messages<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "imports").await;
    let equal = vec![import_line("source/1", "+1", None), import_line("source/2", "+1", None)];
    let (_, stored) = import(&holder, "votes", equal).await;
    assert_eq!(stored.outcome, Outcome::ImportedMessages { created: 2, unchanged: 0 });
    assert_eq!(bodies(&holder.all_messages(1).await), [Some("+1"), Some("+1")]);
}

pub async fn an_imported_chat_is_found_by_its_key_after_a_rename_and_refused_after_its_delete<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "imports").await;
    holder.create_chat("general").await;
    let (found, _) = import(&holder, "general", lines(0..3)).await;
    assert_eq!(
        found.outcome,
        Outcome::ImportedChat { chat: 2, created: true },
        "an equal title made otherwise is another chat"
    );
    let renamed = Patch::Set(title("renamed"));
    holder.write(update_chat(&holder.token, 2, IfMatch::Any, renamed)).await;
    let (found, _) = import(&holder, "general", lines(0..3)).await;
    assert_eq!(found.outcome, Outcome::ImportedChat { chat: 2, created: false });
    assert_eq!(holder.chat(2).await.title, Some(title("renamed")));
    holder.delete_chat(2).await;
    let again = import_chat(&holder.token, "general", None);
    assert_eq!(holder.refused_keyed(again, "source/general").await, Rejection::ChatDeleted);
    let late = import_messages(&holder.token, 2, lines(0..3));
    assert_eq!(holder.refused(late).await, Rejection::ChatDeleted);
}

pub async fn a_line_that_changed_under_its_key_stops_the_import<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "imports").await;
    import(&holder, "general", lines(0..3)).await;
    let position = holder.position().await;
    let mut changed = lines(0..5);
    changed[2] = import_line("source/chat/2", "another text", None);
    let refused = holder.refused(import_messages(&holder.token, 1, changed)).await;
    assert_eq!(refused, Rejection::LineChanged { index: 2 });
    assert_eq!(holder.position().await, position, "none of its lines is stored");
}

pub async fn times_that_an_import_tells_are_the_times_of_creation<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "imports").await;
    let at = |minute: i64| Some(Timestamp::from_millis(1_103_965_200_000 + minute * 60_000));
    let chat = import_chat(&holder.token, "old", at(0));
    holder.write_keyed(chat, "source/old").await;
    let lines = vec![
        import_line("1", "told", at(1)),
        import_line("2", "told later, said earlier", at(-1)),
        import_line("3", "untold", None),
        import_line("4", "before 1970", Some(Timestamp::from_millis(-1))),
    ];
    holder.write(import_messages(&holder.token, 1, lines)).await;
    let chat = holder.chat(1).await;
    assert_eq!(Some(chat.created_at), at(0));
    let messages = holder.all_messages(1).await;
    assert_eq!((Some(messages[0].created_at), Some(messages[1].created_at)), (at(1), at(-1)));
    assert_eq!(messages[0].updated_at, messages[0].created_at);
    assert!(Some(messages[2].created_at) > at(1), "the engine's own clock counts");
    assert_eq!(messages[3].created_at, Timestamp::from_millis(-1));
    assert_eq!(chat.last_message_at, Some(Timestamp::from_millis(-1)), "the last by number, not by time");
    let positions: Vec<u64> = messages.iter().map(|message| message.created_position).collect();
    assert_eq!(positions, [3, 4, 5, 6]);
}
