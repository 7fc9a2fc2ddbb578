//! C1: what was acknowledged is there after the engine was stopped and opened again.

use tokio::task::JoinSet;

use crate::World;
use crate::check::check_export;
use crate::commands::{content, create_message};
use crate::export::{assert_same_export, read_export};
use crate::generator::Generator;
use crate::holder::Holder;

pub async fn everything_is_there_after_reopen<W: World>(world: W) {
    let mut world = world;
    let mut generator = Generator::new(11);
    for name in ["one", "two", "three"] {
        let holder = Holder::of_new_application(&world, name).await;
        for chat in 1..=5 {
            holder.create_chat(&format!("{name} {chat}")).await;
            let texts = (0..40).map(|_| content(&generator.message().body));
            holder.send_batch(chat, texts.collect()).await;
            holder.write_keyed(create_message(&holder.token, chat, "keyed"), &format!("key-{chat}")).await;
            holder.edit(chat, 3, "edited").await;
            holder.delete_message(chat, 4).await;
        }
        holder.delete_chat(2).await;
        holder.rename_chat(3, "renamed").await;
        if name == "two" {
            holder.delete_application().await;
        }
    }
    let before = read_export(&*world.engine(), None).await;
    let listed = world.engine().applications(None, 200).await;
    check_export(&before).expect("an export holds its invariants");
    for _ in 0..2 {
        world.reopen().await;
        assert_same_export(&read_export(&*world.engine(), None).await, &before);
        assert_eq!(world.engine().applications(None, 200).await, listed);
    }
}

pub async fn an_engine_counts_on_after_reopen<W: World>(world: W) {
    let mut world = world;
    let mut holder = Holder::of_new_application(&world, "counting").await;
    for round in 0..4 {
        assert_eq!(holder.create_chat("next").await.number, round + 1);
        let mut tasks = JoinSet::new();
        for _ in 0..25 {
            let holder = holder.clone();
            tasks.spawn(async move { holder.send(1, "next").await.number });
        }
        let mut numbers = tasks.join_all().await;
        numbers.sort_unstable();
        assert_eq!(numbers, (round * 25 + 1..=round * 25 + 25).collect::<Vec<_>>());
        assert_eq!(holder.position().await, 1 + (round + 1) * 26);
        let other = Holder::of_new_application(&world, &format!("new_{round}")).await;
        assert_eq!(other.create_chat("first").await.number, 1);
        drop(other);
        holder = holder.across_reopen(&mut world).await;
    }
    assert_eq!(holder.application().await.chats_count, 4);
    assert_eq!(holder.chat(1).await.messages_count, 100);
}

pub async fn an_open_engine_serves_writes<W: World>(world: W) {
    let mut world = world;
    for name in ["fresh", "reopened"] {
        assert_eq!(world.engine().health().writes_blocked, None);
        Holder::of_new_application(&world, name).await;
        world.reopen().await;
    }
}
