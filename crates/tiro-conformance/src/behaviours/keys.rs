//! C5: the same request under the same key is answered as the first time, for ever.

use tiro_core::{
    Command, Engine, IfMatch, NewToken, Outcome, Patch, Rejection, Reply, Request, Token,
};
use tokio::task::JoinSet;

use crate::World;
use crate::commands::{
    content, create_application, create_application_as, create_chat, create_message, create_messages,
    delete_application, delete_chat, delete_message, import_chat, import_line, import_messages, key, title,
    update_application, update_chat, update_message,
};
use crate::holder::{Holder, application, chat, message, position};

/// The answer to a request that was sent before.
fn as_before(first: &Reply) -> Reply {
    Reply {
        replayed: true,
        ..first.clone()
    }
}

/// One create of each kind, each under a key of its own, in an application with one chat.
fn creates(token: &Token) -> Vec<(Command, &'static str)> {
    vec![
        (create_application(&crate::commands::token("made_under_key"), "made"), "k-application"),
        (create_chat(token, Some("made")), "k-chat"),
        (create_message(token, 1, "made"), "k-message"),
        (create_messages(token, 1, vec![content("one"), content("two"), content("three")]), "k-batch"),
        (create_messages(token, 1, vec![content("only")]), "k-batch-of-one"),
    ]
}

pub async fn a_create_sent_again_with_its_key_is_answered_as_created<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "creates").await;
    holder.create_chat("first").await;
    for (command, under) in creates(&holder.token) {
        let first = holder.write_keyed(command.clone(), under).await;
        assert!(!first.replayed);
        let before = holder.position().await;
        for _ in 0..3 {
            assert_eq!(holder.write_keyed(command.clone(), under).await, as_before(&first));
        }
        assert_eq!(holder.position().await, before, "a replay makes no entry");
    }
    assert_eq!(holder.chat(1).await.messages_count, 5);
    assert_eq!(holder.application().await.chats_count, 2);
}

pub async fn a_create_is_answered_as_created_after_edit_delete_and_death_of_its_chat<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "creates").await;
    let token = holder.token.clone();
    holder.create_chat("first").await;
    let mut sent = Vec::new();
    for (command, under) in creates(&token) {
        let reply = holder.write_keyed(command.clone(), under).await;
        sent.push((command, under, reply));
    }
    let made = crate::commands::token("made_under_key");
    let changes = [
        update_application(&made, IfMatch::Any, Some("renamed")),
        update_chat(&token, 2, IfMatch::Any, Patch::Set(title("renamed"))),
        create_chat(&made, None),
        update_message(&token, (1, 1), IfMatch::Any, Some("edited")),
        update_message(&token, (1, 2), IfMatch::Any, Some("edited")),
        delete_message(&token, 1, 1),
        delete_message(&token, 1, 2),
        delete_chat(&token, 1),
        delete_chat(&token, 2),
    ];
    for change in changes {
        holder.write(change.clone()).await;
        let before = holder.position().await;
        for (command, under, first) in &sent {
            let replay = holder.write_keyed(command.clone(), under).await;
            assert_eq!(replay, as_before(first), "after {change:?}");
        }
        assert_eq!(holder.position().await, before);
    }
}

pub async fn an_update_sent_again_with_its_key_is_answered_with_the_present_thing<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "updates").await;
    let token = holder.token.clone();
    holder.create_chat("first").await;
    holder.send(1, "first").await;
    let updates = [
        update_application(&token, IfMatch::OneOf(vec![1]), Some("keyed")),
        update_chat(&token, 1, IfMatch::OneOf(vec![1]), Patch::Set(title("keyed"))),
        update_message(&token, (1, 1), IfMatch::OneOf(vec![1]), Some("keyed")),
    ];
    let mut sent = Vec::new();
    for (command, under) in updates.into_iter().zip(["a", "b", "c"]) {
        sent.push((holder.write_keyed(command.clone(), under).await, command, under));
    }
    holder.write(update_application(&token, IfMatch::Any, Some("later"))).await;
    holder.rename_chat(1, "later").await;
    holder.edit(1, 1, "later").await;
    let present = [
        Outcome::Application(holder.application().await),
        Outcome::Chat(holder.chat(1).await),
        Outcome::Message(holder.message(1, 1).await),
    ];
    for ((first, command, under), outcome) in sent.into_iter().zip(present) {
        let replay = holder.write_keyed(command, under).await;
        assert_eq!((replay.outcome, replay.cursor, replay.replayed), (outcome, first.cursor, true));
    }
    assert_eq!(holder.message(1, 1).await.version, 3, "a replay is no update");
}

pub async fn an_update_sent_again_after_the_delete_is_answered_with_the_tombstone<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "updates").await;
    let token = holder.token.clone();
    holder.create_chat("first").await;
    holder.send_batch(1, vec![content("deleted itself"), content("deleted with its chat")]).await;
    let created_at = holder.message(1, 2).await.created_at;
    let of_chat = update_chat(&token, 1, IfMatch::Any, Patch::Set(title("keyed")));
    let of_first = update_message(&token, (1, 1), IfMatch::Any, Some("keyed"));
    let of_second = update_message(&token, (1, 2), IfMatch::Any, Some("keyed"));
    holder.write_keyed(of_chat.clone(), "chat").await;
    holder.write_keyed(of_first.clone(), "first").await;
    let second = holder.write_keyed(of_second.clone(), "second").await;
    holder.delete_message(1, 1).await;
    let replay = holder.write_keyed(of_first, "first").await;
    let tombstone = holder.all_messages(1).await[0].clone();
    assert!(replay.replayed);
    assert_eq!(message(replay), tombstone);
    holder.delete_chat(1).await;
    let replay = holder.write_keyed(of_chat, "chat").await;
    assert!(replay.replayed);
    assert_eq!(chat(replay), holder.all_chats().await[0]);
    let replay = holder.write_keyed(of_second, "second").await;
    assert_eq!((replay.replayed, position(&replay)), (true, position(&second)));
    let tombstone = message(replay);
    assert_eq!((tombstone.number, tombstone.content, tombstone.created_at), (2, None, created_at));
    assert_eq!(tombstone.deleted_at, holder.all_chats().await[0].deleted_at);
}

pub async fn a_delete_sent_again_with_its_key_is_answered_as_a_delete<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "deletes").await;
    let token = holder.token.clone();
    holder.create_chat("chat").await;
    holder.send(1, "message").await;
    let mut sent = Vec::new();
    for (command, under) in [(delete_message(&token, 1, 1), "m"), (delete_chat(&token, 1), "c")] {
        sent.push((holder.write_keyed(command.clone(), under).await, command, under));
        for (first, command, under) in &sent {
            assert_eq!(holder.write_keyed(command.clone(), under).await, as_before(first));
        }
    }
    assert_eq!(holder.position().await, 5);
    holder.write_keyed(delete_application(&token), "a").await;
    let repeated = holder.write_keyed(delete_application(&token), "a").await;
    assert_eq!(repeated.outcome, Outcome::Deleted, "its keys went with it, but a repeated delete is fine");
}

pub async fn a_key_with_another_request_is_refused<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "reused").await;
    let token = holder.token.clone();
    holder.create_chat("one").await;
    holder.create_chat("two").await;
    let first = create_message(&token, 1, "first");
    holder.write_keyed(first.clone(), "key").await;
    let others = [
        create_message(&token, 1, "second"),
        create_message(&token, 2, "first"),
        create_messages(&token, 1, vec![content("first")]),
        create_chat(&token, None),
        update_application(&token, IfMatch::Any, None),
        update_chat(&token, 1, IfMatch::Any, Patch::Keep),
        update_message(&token, (1, 1), IfMatch::Any, Some("first")),
        delete_message(&token, 1, 1),
        delete_chat(&token, 1),
        delete_application(&token),
    ];
    let before = holder.position().await;
    for other in others {
        assert_eq!(holder.refused_keyed(other, "key").await, Rejection::KeyReused);
    }
    assert_eq!(holder.position().await, before);
    let update = |versions| update_chat(&token, 1, IfMatch::OneOf(versions), Patch::Keep);
    holder.write_keyed(update(vec![1]), "update").await;
    assert_eq!(
        holder.refused_keyed(update(vec![2]), "update").await,
        Rejection::KeyReused,
        "another If-Match is another request"
    );
    assert!(holder.write_keyed(first, "key").await.replayed, "the key still answers its own request");
}

pub async fn a_key_is_looked_up_before_the_state_is<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "order").await;
    let token = holder.token.clone();
    holder.create_chat("doomed").await;
    holder.send(1, "doomed").await;
    let update = update_message(&token, (1, 1), IfMatch::OneOf(vec![1]), Some("once"));
    holder.write_keyed(update.clone(), "update").await;
    assert!(
        holder.write_keyed(update.clone(), "update").await.replayed,
        "although the version no longer matches"
    );
    holder.delete_chat(1).await;
    assert!(holder.write_keyed(update, "update").await.replayed, "although the chat is gone");
    assert_eq!(
        holder.refused_keyed(create_message(&token, 1, "other"), "update").await,
        Rejection::KeyReused,
        "although the chat is gone"
    );
    assert_eq!(
        holder.refused_keyed(create_message(&token, 7, "other"), "update").await,
        Rejection::KeyReused,
        "although the chat never was"
    );
}

pub async fn one_key_counts_apart_in_each_application_the_server_and_imports<W: World>(world: W) {
    let one = Holder::of_new_application(&world, "one").await;
    let two = Holder::of_new_application(&world, "two").await;
    for holder in [&one, &two] {
        let reply = holder.write_keyed(create_chat(&holder.token, Some("same")), "same").await;
        assert!(!reply.replayed);
        let imported = holder.write_keyed(import_chat(&holder.token, "same", None), "same").await;
        assert_eq!(imported.outcome, Outcome::ImportedChat { chat: 2, created: true });
        let line = vec![import_line("same-line", "text", None)];
        holder.write(import_messages(&holder.token, 2, line)).await;
        let sent = holder.write_keyed(create_message(&holder.token, 1, "text"), "same-line").await;
        assert!(!sent.replayed);
    }
    let three = crate::commands::token("three");
    let reply = one.write_keyed(create_application(&three, "three"), "same").await;
    assert!(!reply.replayed);
    let generated = |filler: u8| {
        create_application_as(NewToken::Generated(Token::generated([filler; 16])), "generated")
    };
    let first = one.write_keyed(generated(1), "generated").await;
    let again = one.write_keyed(generated(2), "generated").await;
    assert_eq!(again, as_before(&first), "a token made for the request is no part of it");
    assert_eq!(application(again).token, Token::generated([1; 16]));
    assert_eq!(
        one.refused_keyed(create_application(&crate::commands::token("four"), "generated"), "generated").await,
        Rejection::KeyReused
    );
}

pub async fn thirty_two_concurrent_sends_of_one_key_store_one_thing<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "at_once").await;
    let token = holder.token.clone();
    holder.create_chat("chat").await;
    let made = crate::commands::token("made_at_once");
    let commands = [
        create_application(&made, "made"),
        create_chat(&token, Some("made")),
        create_message(&token, 1, "made"),
        create_messages(&token, 1, vec![content("one"), content("two")]),
        delete_message(&token, 1, 1),
    ];
    for (index, command) in commands.into_iter().enumerate() {
        let before = holder.position().await;
        let mut tasks = JoinSet::new();
        for _ in 0..32 {
            let (holder, command) = (holder.clone(), command.clone());
            tasks.spawn(async move { holder.write_keyed(command, &format!("at-once-{index}")).await });
        }
        let replies = tasks.join_all().await;
        let first: Vec<&Reply> = replies.iter().filter(|reply| !reply.replayed).collect();
        assert_eq!((replies.len(), first.len()), (32, 1));
        for reply in replies.iter().filter(|reply| reply.replayed) {
            assert_eq!(*reply, as_before(first[0]));
        }
        let stored = holder.position().await - before;
        let expected = [0, 1, 1, 2, 1][index];
        assert_eq!(stored, expected, "one thing is stored, not 32");
    }
}

pub async fn a_refused_request_leaves_its_key_free<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "free").await;
    let token = holder.token.clone();
    let early = create_message(&token, 1, "early");
    assert_eq!(holder.refused_keyed(early.clone(), "key").await, Rejection::ChatNotFound);
    holder.create_chat("now it is there").await;
    let reply = holder.write_keyed(early, "key").await;
    assert_eq!((reply.replayed, position(&reply)), (false, 3));
    let taken = create_application(&token, "free");
    assert_eq!(holder.refused_keyed(taken, "server-key").await, Rejection::TokenTaken);
    let other = create_application(&crate::commands::token("other"), "other");
    assert!(!holder.write_keyed(other, "server-key").await.replayed);
}

pub async fn a_deleted_application_takes_its_keys_along<W: World>(world: W) {
    let holder = Holder::of(&world, &crate::commands::token("mortal"));
    let create = create_application(&holder.token, "mortal");
    holder.write_keyed(create.clone(), "birth").await;
    let inside = create_chat(&holder.token, None);
    holder.write_keyed(inside.clone(), "chat").await;
    holder.delete_application().await;
    assert_eq!(holder.refused_keyed(create, "birth").await, Rejection::ApplicationDeleted);
    assert_eq!(holder.refused_keyed(inside, "chat").await, Rejection::ApplicationDeleted);
}

pub async fn replays_are_the_same_after_reopen<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "reopened").await;
    let token = holder.token.clone();
    holder.create_chat("first").await;
    let mut requests: Vec<Request> = creates(&token)
        .into_iter()
        .map(|(command, under)| Request::keyed(command, key(under)))
        .collect();
    let updates = [
        update_chat(&token, 1, IfMatch::Any, Patch::Set(title("keyed"))),
        update_message(&token, (1, 1), IfMatch::Any, Some("keyed")),
        delete_message(&token, 1, 2),
        import_chat(&token, "imported", None),
    ];
    let keyed = updates.into_iter().zip(["u-chat", "u-message", "d-message", "i-chat"]);
    requests.extend(keyed.map(|(command, under)| Request::keyed(command, key(under))));
    for request in &requests {
        let first = holder.request(request.clone()).await.expect("it is accepted");
        assert!(!first.replayed);
    }
    let before = replies(&*holder.engine, &requests).await;
    for _ in 0..2 {
        holder = holder.across_reopen(&mut world).await;
        assert_eq!(replies(&*holder.engine, &requests).await, before);
    }
    assert!(before.iter().all(|reply| reply.replayed));
}

async fn replies(engine: &dyn Engine, requests: &[Request]) -> Vec<Reply> {
    let mut replies = Vec::new();
    for request in requests {
        replies.push(engine.write(request.clone()).await.expect("a replay is accepted"));
    }
    replies
}
