//! C2: numbers start at 1, rise by 1 and have no hole, whoever sends at the same time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use tiro_core::{IfMatch, Outcome, Rejection};
use tokio::task::JoinSet;

use crate::World;
use crate::commands::{
    content, create_chat, create_message, create_messages, update_chat, update_message,
};
use crate::holder::{Holder, bodies, chat, message};

const CONCURRENT: u64 = 200;

pub async fn two_hundred_concurrent_first_chats_get_the_numbers_1_to_200<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "crowd").await;
    let mut tasks = JoinSet::new();
    for sent in 0..CONCURRENT {
        let holder = holder.clone();
        tasks.spawn(async move { (holder.create_chat(&format!("chat {sent}")).await.number, sent) });
    }
    let mut answered = tasks.join_all().await;
    answered.sort_unstable();
    let numbers: Vec<u64> = answered.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=CONCURRENT).collect::<Vec<_>>());
    for (number, sent) in answered {
        let title = holder.chat(number).await.title;
        assert_eq!(title.as_deref(), Some(&*format!("chat {sent}")));
    }
    let application = holder.application().await;
    assert_eq!(
        (application.chats_count, application.last_chat_number),
        (CONCURRENT, CONCURRENT)
    );
}

pub async fn two_hundred_concurrent_first_messages_get_the_numbers_1_to_200<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "crowd").await;
    holder.create_chat("fresh").await;
    let mut tasks = JoinSet::new();
    for sent in 0..CONCURRENT {
        let holder = holder.clone();
        tasks.spawn(async move { (holder.send(1, &format!("message {sent}")).await.number, sent) });
    }
    let mut answered = tasks.join_all().await;
    answered.sort_unstable();
    let numbers: Vec<u64> = answered.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=CONCURRENT).collect::<Vec<_>>());
    let stored = holder.all_messages(1).await;
    for ((number, sent), message) in answered.iter().zip(&stored) {
        assert_eq!(message.number, *number);
        let content = message.content.as_ref().expect("nothing was deleted");
        assert_eq!(&*content.body, format!("message {sent}"), "each under the number of its answer");
    }
    assert_eq!(stored.len() as u64, CONCURRENT);
    assert_eq!(holder.chat(1).await.messages_count, CONCURRENT);
}

pub async fn a_message_right_after_the_answer_of_its_chat_is_accepted<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "eager").await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let holder = holder.clone();
        tasks.spawn(async move {
            let chat = holder.create_chat("just made").await.number;
            holder.send(chat, "first!").await.number
        });
    }
    assert_eq!(tasks.join_all().await, vec![1; 50]);
}

pub async fn a_refused_request_takes_no_number_and_binds_no_key<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "strict").await;
    let token = holder.token.clone();
    holder.create_chat("one").await;
    holder.send(1, "one").await;
    let stale = IfMatch::OneOf(vec![7]);
    let refusals = [
        (create_message(&token, 2, "nowhere"), Rejection::ChatNotFound),
        (
            update_chat(&token, 1, stale.clone(), tiro_core::Patch::Clear),
            Rejection::VersionMismatch { current: 1 },
        ),
        (
            update_message(&token, (1, 1), stale.clone(), Some("lost")),
            Rejection::VersionMismatch { current: 1 },
        ),
        (
            update_message(&token, (1, 2), IfMatch::Any, Some("nothing")),
            Rejection::MessageNotFound,
        ),
    ];
    for (command, reason) in refusals {
        assert_eq!(holder.refused(command.clone()).await, reason);
        assert_eq!(holder.refused_keyed(command, "spare").await, reason);
    }
    assert_eq!(holder.position().await, 3, "no refusal made an entry");
    let sent = message(holder.write_keyed(create_message(&token, 1, "two"), "spare").await);
    assert_eq!(sent.number, 2, "no refusal took a number");
    let created = chat(holder.write(create_chat(&token, None)).await);
    assert_eq!(created.number, 2, "no refusal took a number");
}

pub async fn a_refused_batch_stores_nothing<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "batches").await;
    holder.create_chat("gone").await;
    holder.create_chat("here").await;
    holder.delete_chat(1).await;
    let batch = || vec![content("a"), content("b")];
    let to = |chat| create_messages(&holder.token, chat, batch());
    assert_eq!(holder.refused_keyed(to(1), "batch").await, Rejection::ChatDeleted);
    assert_eq!(holder.refused_keyed(to(3), "batch").await, Rejection::ChatNotFound);
    assert_eq!(holder.position().await, 4);
    let reply = holder.write_keyed(to(2), "batch").await;
    assert_eq!(reply.outcome, Outcome::Messages { first: 1, count: 2 });
}

pub async fn concurrent_batches_are_each_stored_whole_and_in_order<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "batches").await;
    holder.create_chat("busy").await;
    let mut tasks = JoinSet::new();
    for batch in 0..20 {
        let (holder, single) = (holder.clone(), holder.clone());
        tasks.spawn(async move {
            let texts: Vec<String> = (0..50).map(|line| format!("{batch}/{line}")).collect();
            let messages = texts.iter().map(|text| content(text)).collect();
            (holder.send_batch(1, messages).await, texts)
        });
        tasks.spawn(async move { (single.send(1, "single").await.number, vec!["single".to_owned()]) });
    }
    let stored = tasks.join_all().await;
    let messages = holder.all_messages(1).await;
    let bodies = bodies(&messages);
    let mut taken = 0;
    for (first, texts) in &stored {
        let from = usize::try_from(*first).expect("a small number") - 1;
        let found: Vec<&str> = bodies[from..from + texts.len()].iter().flatten().copied().collect();
        assert_eq!(found, *texts);
        taken += texts.len();
    }
    assert_eq!(messages.len(), taken, "every number belongs to one batch or message");
}


pub async fn what_is_sent_after_an_answer_gets_a_higher_number<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "order").await;
    holder.create_chat("ordered").await;
    let moment = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (holder, moment) = (holder.clone(), moment.clone());
        tasks.spawn(async move {
            let mut sends = Vec::new();
            for _ in 0..20 {
                let sent = moment.fetch_add(1, Ordering::SeqCst);
                let number = holder.send(1, "tick").await.number;
                sends.push((number, sent, moment.fetch_add(1, Ordering::SeqCst)));
            }
            sends
        });
    }
    let mut sends: Vec<(u64, u64, u64)> = tasks.join_all().await.concat();
    sends.sort_unstable();
    let mut answered_before_all_above = u64::MAX;
    for (number, sent, answered) in sends.iter().rev() {
        assert!(
            *sent < answered_before_all_above,
            "message {number} was sent after a higher number was answered"
        );
        answered_before_all_above = answered_before_all_above.min(*answered);
    }
}

pub async fn numbers_of_deleted_things_are_never_given_again<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "deleted").await;
    for round in 1..=3 {
        let chat = holder.create_chat("short-lived").await.number;
        assert_eq!(chat, round);
        for number in 1..=3 {
            assert_eq!(holder.send(chat, "short-lived").await.number, number);
            holder.delete_message(chat, number).await;
        }
        holder.delete_chat(chat).await;
    }
}
