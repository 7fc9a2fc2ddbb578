//! Deletes: what stays of a thing, and what becomes of all below it.

use tiro_core::{Command, IfMatch, Outcome, Patch, Rejection, Request};

use crate::World;
use crate::commands::{
    content, content_from, create_application, create_chat, create_message, create_messages,
    delete_application, delete_chat, delete_message, import_line, import_messages, update_application,
    update_chat, update_message,
};
use crate::holder::{Holder, forward, rejection};

pub async fn a_deleted_message_stays_in_its_list_as_a_tombstone<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "tombstones").await;
    holder.create_chat("chat").await;
    holder.send_batch(1, vec![content("a"), content_from("me", "b"), content("c")]).await;
    let before = holder.message(1, 2).await;
    let reply = holder.delete_message(1, 2).await;
    assert_eq!((reply.outcome, reply.replayed), (Outcome::Deleted, false));
    let listed = holder.all_messages(1).await;
    let tombstone = &listed[1];
    assert_eq!((tombstone.number, tombstone.version), (2, 2));
    assert_eq!((&tombstone.content, tombstone.created_at), (&None, before.created_at));
    assert_eq!(tombstone.deleted_at, Some(tombstone.updated_at));
    assert_eq!(tombstone.created_position, before.created_position);
    assert!(listed[0].content.is_some() && listed[2].content.is_some() && listed.len() == 3);
    let gone = rejection(holder.engine.message(&holder.token, 1, 2).await);
    assert_eq!(gone, Rejection::MessageDeleted);
    let edit = update_message(&holder.token, (1, 2), IfMatch::Any, Some("late"));
    assert_eq!(holder.refused(edit).await, Rejection::MessageDeleted);
}

pub async fn a_deleted_chat_stays_in_its_list_as_a_tombstone_with_its_last_message<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "tombstones").await;
    holder.create_chat("doomed").await;
    holder.create_chat("spared").await;
    holder.send(1, "a").await;
    let last = holder.send(1, "b").await;
    holder.delete_message(1, 2).await;
    let before = holder.chat(1).await;
    assert_eq!((before.last_message_number, before.last_message_at), (2, Some(last.created_at)));
    holder.delete_chat(1).await;
    let listed = holder.all_chats().await;
    let tombstone = &listed[0];
    assert_eq!((tombstone.number, tombstone.version, tombstone.messages_count), (1, 2, 0));
    assert_eq!((&tombstone.title, &tombstone.metadata), (&None, &None));
    assert_eq!((tombstone.last_message_number, tombstone.last_message_at), (2, Some(last.created_at)));
    assert_eq!(tombstone.created_at, before.created_at);
    assert_eq!(tombstone.deleted_at, Some(tombstone.updated_at));
    assert_eq!(listed[1].number, 2);
    assert_eq!(listed[1].deleted_at, None);
}

pub async fn counts_leave_deleted_things_out<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "counts").await;
    for chat in 1..=4 {
        holder.create_chat("counted").await;
        holder.send_batch(chat, (0..600).map(|_| content("counted")).collect()).await;
        for number in (chat..=600).step_by(7) {
            holder.delete_message(chat, number).await;
        }
        let stored = holder.all_messages(chat).await;
        let live = stored.iter().filter(|message| message.deleted_at.is_none()).count() as u64;
        let seen = holder.chat(chat).await;
        assert_eq!((seen.messages_count, seen.last_message_number), (live, 600));
    }
    holder.delete_chat(2).await;
    holder.delete_chat(3).await;
    let application = holder.application().await;
    assert_eq!((application.chats_count, application.last_chat_number), (2, 4));
}

/// Every command that speaks to the inside of chat 1 or to message 1 in it.
fn commands_below_chat_1(holder: &Holder) -> Vec<Command> {
    let token = &holder.token;
    vec![
        create_message(token, 1, "late"),
        create_messages(token, 1, vec![content("late")]),
        update_chat(token, 1, IfMatch::Any, Patch::Clear),
        update_message(token, (1, 1), IfMatch::Any, Some("late")),
        delete_message(token, 1, 1),
        import_messages(token, 1, vec![import_line("late", "late", None)]),
    ]
}

pub async fn all_below_a_deleted_chat_is_gone<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "below").await;
    holder.create_chat("doomed").await;
    holder.send(1, "doomed").await;
    holder.delete_chat(1).await;
    let position = holder.position().await;
    for command in commands_below_chat_1(&holder) {
        assert_eq!(holder.refused(command).await, Rejection::ChatDeleted);
    }
    let (engine, token) = (&holder.engine, &holder.token);
    assert_eq!(rejection(engine.chat(token, 1).await), Rejection::ChatDeleted);
    assert_eq!(rejection(engine.message(token, 1, 1).await), Rejection::ChatDeleted);
    assert_eq!(rejection(engine.message(token, 1, 9).await), Rejection::ChatDeleted);
    assert_eq!(rejection(engine.messages(token, 1, forward(0)).await), Rejection::ChatDeleted);
    assert_eq!(holder.position().await, position);
}

pub async fn all_below_a_deleted_application_is_gone<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "below").await;
    holder.create_chat("doomed").await;
    holder.send(1, "doomed").await;
    holder.delete_application().await;
    for _ in ["as deleted", "as reopened"] {
        let token = holder.token.clone();
        let mut commands = commands_below_chat_1(&holder);
        commands.push(update_application(&token, IfMatch::Any, Some("late")));
        commands.push(create_chat(&token, None));
        commands.push(delete_chat(&token, 1));
        for command in commands {
            assert_eq!(holder.refused(command).await, Rejection::ApplicationDeleted);
        }
        let engine = &holder.engine;
        let gone = Rejection::ApplicationDeleted;
        assert_eq!(rejection(engine.application(&token).await), gone);
        assert_eq!(rejection(engine.chat(&token, 1).await), gone);
        assert_eq!(rejection(engine.chats(&token, forward(0)).await), gone);
        assert_eq!(rejection(engine.chats_by_activity(&token, None, 5).await), gone);
        assert_eq!(rejection(engine.message(&token, 1, 1).await), gone);
        assert_eq!(rejection(engine.messages(&token, 1, forward(0)).await), gone);
        assert_eq!(engine.export(Some(token)).await.err(), Some(gone.into()));
        holder = holder.across_reopen(&mut world).await;
    }
}

pub async fn a_repeated_delete_makes_no_entry_and_binds_no_key<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "repeated").await;
    let token = holder.token.clone();
    holder.create_chat("chat").await;
    holder.create_chat("other").await;
    holder.send(1, "message").await;
    for command in [delete_message(&token, 1, 1), delete_chat(&token, 1), delete_application(&token)] {
        let first = holder.write(command.clone()).await;
        assert_eq!(first.outcome, Outcome::Deleted);
        assert!(first.cursor.is_some());
        let repeated = holder.write_keyed(command.clone(), "repeated").await;
        assert_eq!((repeated.outcome, repeated.cursor, repeated.replayed), (Outcome::Deleted, None, false));
        if !matches!(command, Command::DeleteApplication { .. }) {
            let made = first.cursor.map(|cursor| cursor.position);
            assert_eq!(Some(holder.position().await), made, "no entry was made");
        }
    }
    let holder = Holder::of_new_application(&world, "key_is_free").await;
    holder.create_chat("chat").await;
    holder.create_chat("other").await;
    holder.delete_chat(1).await;
    holder.write_keyed(delete_chat(&holder.token, 1), "free").await;
    let reply = holder.write_keyed(create_message(&holder.token, 2, "first use"), "free").await;
    assert!(!reply.replayed);
}

pub async fn the_token_of_a_deleted_application_is_never_given_again<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "once").await;
    let again = create_application(&holder.token, "again");
    assert_eq!(holder.refused(again.clone()).await, Rejection::TokenTaken);
    holder.delete_application().await;
    for _ in ["as deleted", "as reopened"] {
        assert_eq!(holder.refused(again.clone()).await, Rejection::TokenTaken);
        let keyed = Request::keyed(again.clone(), crate::commands::key("again"));
        assert_eq!(rejection(holder.request(keyed).await), Rejection::TokenTaken);
        holder = holder.across_reopen(&mut world).await;
    }
}
