//! C3: an acknowledged write is in every answer to the next request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tiro_core::{IfMatch, NumberRange, Rejection};
use tokio::task::JoinSet;

use crate::World;
use crate::commands::{
    body, content, content_from, create_message, create_messages, import_chat, token, update_application,
};
use crate::generator::Generator;
use crate::holder::{Holder, forward, message, position, rejection};

pub async fn every_read_shows_a_write_right_after_its_answer<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "reads").await;
    for chat in 1..=20 {
        assert_eq!(holder.create_chat("new").await, holder.chat(chat).await);
        assert_eq!(holder.chats(NumberRange::Last { limit: 1 }).await.items[0].number, chat);
        assert_eq!(holder.application().await.chats_count, chat);
        for number in 1..=5 {
            let sent = holder.send(chat, "hello").await;
            assert_eq!(sent, holder.message(chat, number).await);
            let page = holder.messages(chat, forward(number - 1)).await;
            assert_eq!(page.items, std::slice::from_ref(&sent));
            let seen = holder.chat(chat).await;
            assert_eq!((seen.messages_count, seen.last_message_number), (number, number));
            assert_eq!(seen.last_message_at, Some(sent.created_at));
        }
        assert_eq!(holder.edit(chat, 2, "edited").await, holder.message(chat, 2).await);
        holder.delete_message(chat, 5).await;
        assert_eq!(holder.chat(chat).await.messages_count, 4);
        assert_eq!(holder.rename_chat(chat, "old").await, holder.chat(chat).await);
    }
}

pub async fn the_list_by_activity_shows_a_message_right_after_its_answer<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "activity").await;
    for _ in 0..10 {
        holder.create_chat("quiet").await;
    }
    for step in 0..40 {
        let chat = step * 7 % 10 + 1;
        let sent = holder.send(chat, "ping").await;
        let page = holder.engine.chats_by_activity(&holder.token, None, 3).await;
        let newest = &page.expect("the application is there").items[0];
        assert_eq!((newest.number, newest.last_message_number), (chat, sent.number));
    }
}

pub async fn the_list_of_applications_shows_every_change_right_after_its_answer<W: World>(world: W) {
    let listed = |holder: Holder| async move {
        let page = holder.engine.applications(None, 200).await.expect("the list is there");
        assert_eq!((page.next, page.as_of), (None, None));
        page.items.into_iter().find(|application| application.token == holder.token)
    };
    for name in ["first", "second", "third"] {
        let holder = Holder::of_new_application(&world, name).await;
        let created = listed(holder.clone()).await.expect("it is listed");
        assert_eq!(created.name.as_deref(), Some(name));
        holder
            .write(update_application(&holder.token, IfMatch::Any, Some("renamed")))
            .await;
        let renamed = listed(holder.clone()).await.expect("it is listed");
        assert_eq!(renamed.name.as_deref(), Some("renamed"));
        assert_eq!(renamed, holder.application().await);
        holder.create_chat("counted").await;
        let counted = listed(holder.clone()).await.expect("it is listed");
        assert_eq!(counted.chats_count, 1);
        holder.delete_application().await;
        assert_eq!(listed(holder).await, None);
    }
}

pub async fn readers_beside_a_writer_see_no_less_than_what_was_answered<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "beside").await;
    holder.create_chat("watched").await;
    let answered = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (holder, answered, done) = (holder.clone(), answered.clone(), done.clone());
        readers.spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let known = answered.load(Ordering::SeqCst);
                let chat = holder.chat(1).await;
                assert!(chat.last_message_number >= known, "the chat knows every answered message");
                assert_eq!(chat.messages_count, chat.last_message_number);
                let page = holder.messages(1, NumberRange::Last { limit: 5 }).await;
                let last = page.items.last().map_or(0, |message| message.number);
                assert!(last >= known, "the list shows every answered message");
                if known > 0 {
                    holder.message(1, known).await;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..150 {
        let number = holder.send(1, "tick").await.number;
        answered.store(number, Ordering::SeqCst);
    }
    done.store(true, Ordering::SeqCst);
    readers.join_all().await;
}

pub async fn every_entry_moves_the_cursor_by_one_and_reads_stand_at_the_last<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "cursors").await;
    let mut expected = 1;
    let epoch = holder.application().await.epoch;
    let bound = holder.token.clone();
    let commands = [
        crate::commands::create_chat(&bound, None),
        create_message(&bound, 1, "one"),
        create_messages(&bound, 1, vec![content("two"), content("three"), content("four")]),
        crate::commands::update_message(&bound, (1, 2), IfMatch::Any, Some("second")),
        crate::commands::delete_message(&bound, 1, 1),
        crate::commands::update_chat(&bound, 1, IfMatch::Any, tiro_core::Patch::Clear),
        update_application(&bound, IfMatch::Any, None),
        crate::commands::delete_chat(&bound, 1),
        crate::commands::create_chat(&bound, None),
    ];
    for command in commands {
        expected += match &command {
            tiro_core::Command::CreateMessages { messages, .. } => messages.len() as u64,
            _ => 1,
        };
        let reply = holder.write(command).await;
        let cursor = reply.cursor.expect("every write made an entry");
        assert_eq!((&cursor.epoch, cursor.position), (&epoch, expected));
        let seen = holder.engine.application(&holder.token).await.expect("it is there");
        assert_eq!(seen.cursor, cursor);
        assert_eq!(seen.thing.last_position, expected);
        assert_eq!(holder.chats(forward(0)).await.as_of, Some(cursor));
    }
    let sent = holder.write(create_message(&bound, 2, "last")).await;
    let chat = holder.engine.chat(&bound, 2).await.expect("it is there");
    let seen = holder.engine.message(&bound, 2, 1).await.expect("it is there");
    let page = holder.messages(2, forward(0)).await;
    let by_activity = holder.engine.chats_by_activity(&bound, None, 5).await.expect("it is there");
    for cursor in [Some(chat.cursor), Some(seen.cursor), page.as_of, by_activity.as_of] {
        assert_eq!(cursor, sent.cursor);
    }
    assert_eq!(chat.thing.change_position, position(&sent));
}

pub async fn every_text_comes_back_byte_for_byte<W: World>(world: W) {
    let mut holder = Holder::of_new_application(&world, "bytes").await;
    let mut world = world;
    let widest = "\u{1f469}\u{200d}\u{1f680}é̂ ".repeat(65_536);
    let cut = (0..=65_536).rev().find(|end| widest.is_char_boundary(*end)).expect("0 is one");
    let mut texts: Vec<String> = [
        "plain",
        " leading, trailing and inner  spaces \t\r\n",
        "\u{1}\u{7}\u{8}\u{1b}[31m\u{7f}\u{85}\u{9f}",
        "e\u{301} is not \u{e9}; \u{2126} is not \u{3a9}",
        "مرحبا \u{202e}بالعالم\u{202c} ١٢٣",
        "नमस्ते दुनिया क्ष",
        "世界，你好。ﾊﾛｰ",
        "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
        "\u{feff}\u{fffd}\u{10ffff}\u{e000}",
        "\"quotes\" \\ backslash \\u0041 %00 %s {} <b>&amp;</b> '; DROP TABLE",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(65_536));
    texts.push(widest[..cut].to_owned());
    let mut generator = Generator::new(7);
    texts.extend((0..200).map(|_| generator.message().body));

    holder.create_chat("texts \u{1f600} e\u{301}").await;
    let contents = texts.iter().map(|text| content_from("отправитель", text));
    holder.send_batch(1, contents.collect()).await;
    for text in &texts[..12] {
        holder.send(1, text).await;
    }
    texts.extend_from_within(..12);
    for _ in ["as written", "as reopened"] {
        let stored = holder.all_messages(1).await;
        for (text, message) in texts.iter().zip(&stored) {
            let content = message.content.as_ref().expect("nothing was deleted");
            assert_eq!(content.body, body(text));
        }
        assert_eq!(stored.len(), texts.len());
        let first = stored[0].content.as_ref().expect("nothing was deleted");
        assert_eq!(first.sender.as_deref(), Some("отправитель"));
        let title = holder.chat(1).await.title;
        assert_eq!(title.as_deref(), Some("texts \u{1f600} e\u{301}"));
        holder = holder.across_reopen(&mut world).await;
    }
}

pub async fn what_was_never_created_is_not_found<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "small").await;
    holder.create_chat("only").await;
    let sent = message(holder.write(create_message(&holder.token, 1, "only")).await);
    assert_eq!(sent.number, 1);
    let nobody = token("nobody");
    let engine = &holder.engine;
    assert_eq!(rejection(engine.application(&nobody).await), Rejection::ApplicationNotFound);
    assert_eq!(rejection(engine.chat(&nobody, 1).await), Rejection::ApplicationNotFound);
    assert_eq!(rejection(engine.chats(&nobody, forward(0)).await), Rejection::ApplicationNotFound);
    assert_eq!(
        rejection(engine.chats_by_activity(&nobody, None, 5).await),
        Rejection::ApplicationNotFound
    );
    assert_eq!(rejection(engine.message(&nobody, 1, 1).await), Rejection::ApplicationNotFound);
    assert_eq!(rejection(engine.messages(&nobody, 1, forward(0)).await), Rejection::ApplicationNotFound);
    assert_eq!(
        engine.export(Some(nobody.clone())).await.err(),
        Some(Rejection::ApplicationNotFound.into())
    );
    for absent in [0, 2, u64::MAX] {
        assert_eq!(rejection(engine.chat(&holder.token, absent).await), Rejection::ChatNotFound);
        assert_eq!(rejection(engine.message(&holder.token, absent, 1).await), Rejection::ChatNotFound);
        assert_eq!(
            rejection(engine.messages(&holder.token, absent, forward(0)).await),
            Rejection::ChatNotFound
        );
        assert_eq!(rejection(engine.message(&holder.token, 1, absent).await), Rejection::MessageNotFound);
    }
    assert_eq!(
        holder.refused_keyed(import_chat(&nobody, "chat", None), "import").await,
        Rejection::ApplicationNotFound
    );
}
