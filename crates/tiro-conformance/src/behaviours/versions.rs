//! C4: the update accepted last stays, and `If-Match` turns a lost update into a refusal.

use tiro_core::{
    Command, Fault, Field, IfMatch, MetadataChange, Patch, Rejection, UpdateApplication, UpdateChat, UpdateMessage,
};
use tokio::task::JoinSet;

use crate::World;
use crate::commands::{
    content, delete_chat, merge, metadata, name, title, update_application, update_chat, update_message,
};
use crate::holder::{Holder, application, chat, message};

pub async fn every_accepted_update_raises_the_version_by_one<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "versions").await;
    let token = holder.token.clone();
    assert_eq!(holder.application().await.version, 1);
    assert_eq!(holder.create_chat("a").await.version, 1);
    assert_eq!(holder.send(1, "a").await.version, 1);
    for version in 2..=6 {
        let present = IfMatch::OneOf(vec![version - 1]);
        let of_application = update_application(&token, present.clone(), Some("b"));
        assert_eq!(application(holder.write(of_application).await).version, version);
        let of_chat = update_chat(&token, 1, present.clone(), Patch::Set(title("b")));
        assert_eq!(chat(holder.write(of_chat).await).version, version);
        let of_message = update_message(&token, (1, 1), present, Some("b"));
        assert_eq!(message(holder.write(of_message).await).version, version);
    }
    assert_eq!(holder.application().await.version, 6);
    assert_eq!(holder.chat(1).await.version, 6);
    assert_eq!(holder.message(1, 1).await.version, 6);
}

pub async fn an_empty_patch_is_an_update<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "patches").await;
    let token = holder.token.clone();
    holder.create_chat("kept").await;
    holder.send(1, "kept").await;
    let patched = application(holder.write(update_application(&token, IfMatch::Any, None)).await);
    assert_eq!((patched.version, patched.name), (2, Some(name("patches"))));
    let patched = chat(holder.write(update_chat(&token, 1, IfMatch::Any, Patch::Keep)).await);
    assert_eq!((patched.version, patched.title), (2, Some(title("kept"))));
    let patched = message(holder.write(update_message(&token, (1, 1), IfMatch::Any, None)).await);
    assert_eq!((patched.version, patched.content), (2, Some(content("kept"))));
    assert_eq!(holder.position().await, 6, "each made an entry");
}

pub async fn a_lost_update_is_refused_with_the_present_version<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "lost").await;
    let token = holder.token.clone();
    holder.create_chat("first").await;
    holder.send(1, "first").await;
    holder.write(update_application(&token, IfMatch::Any, Some("second"))).await;
    holder.rename_chat(1, "second").await;
    holder.edit(1, 1, "second").await;
    let stale = IfMatch::OneOf(vec![1]);
    let lost = Rejection::VersionMismatch { current: 2 };
    let commands = [
        update_application(&token, stale.clone(), Some("third")),
        update_chat(&token, 1, stale.clone(), Patch::Set(title("third"))),
        update_message(&token, (1, 1), stale.clone(), Some("third")),
        Command::DeleteMessage { token: token.clone(), chat: 1, number: 1, if_match: stale.clone() },
        Command::DeleteChat { token: token.clone(), chat: 1, if_match: stale.clone() },
        Command::DeleteApplication { token: token.clone(), if_match: stale },
    ];
    for command in commands {
        assert_eq!(holder.refused(command).await, lost);
    }
    assert_eq!(holder.application().await.name.as_deref(), Some("second"));
    assert_eq!(holder.chat(1).await.title.as_deref(), Some("second"));
    assert_eq!(holder.message(1, 1).await.content, Some(content("second")));
}

pub async fn any_version_of_a_list_matches_and_an_empty_list_matches_none<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "lists").await;
    let token = holder.token.clone();
    holder.create_chat("listed").await;
    let renamed = |versions: Vec<u64>| update_chat(&token, 1, IfMatch::OneOf(versions), Patch::Keep);
    assert_eq!(chat(holder.write(renamed(vec![9, 1, 4])).await).version, 2);
    for none in [vec![], vec![9, 1, 4]] {
        assert_eq!(
            holder.refused(renamed(none)).await,
            Rejection::VersionMismatch { current: 2 }
        );
    }
    holder
        .write(Command::DeleteChat { token: token.clone(), chat: 1, if_match: IfMatch::OneOf(vec![3, 2]) })
        .await;
    assert_eq!(holder.all_chats().await[0].version, 3, "a delete raises the version too");
    holder.write(delete_chat(&token, 1)).await;
    assert_eq!(holder.all_chats().await[0].version, 3, "a repeated delete does not");
}

pub async fn of_concurrent_updates_of_one_version_one_is_accepted<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "race").await;
    holder.create_chat("prize").await;
    holder.send(1, "prize").await;
    for version in 1..=5 {
        let mut tasks = JoinSet::new();
        for racer in 0..16 {
            let holder = holder.clone();
            tasks.spawn(async move {
                let text = format!("racer {racer}");
                let command = update_message(
                    &holder.token,
                    (1, 1),
                    IfMatch::OneOf(vec![version]),
                    Some(&text),
                );
                let answer = holder.request(tiro_core::Request::new(command)).await;
                answer.map(|_| text)
            });
        }
        let answers = tasks.join_all().await;
        let winners: Vec<&String> = answers.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "one of {answers:?}");
        let present = holder.message(1, 1).await;
        assert_eq!((present.version, present.content), (version + 1, Some(content(winners[0]))));
    }
}

pub async fn the_update_accepted_last_stays<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "last").await;
    holder.create_chat("edited").await;
    holder.send(1, "draft").await;
    let mut tasks = JoinSet::new();
    for editor in 0..40 {
        let holder = holder.clone();
        tasks.spawn(async move { holder.edit(1, 1, &format!("edit {editor}")).await });
    }
    let mut edits = tasks.join_all().await;
    edits.sort_by_key(|edit| edit.version);
    let versions: Vec<u64> = edits.iter().map(|edit| edit.version).collect();
    assert_eq!(versions, (2..=41).collect::<Vec<_>>());
    assert_eq!(Some(&holder.message(1, 1).await), edits.last());
}

pub async fn a_create_below_changes_neither_version_nor_updated_at_of_its_parents<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "parents").await;
    let application = holder.application().await;
    let created = holder.create_chat("parent").await;
    holder.send(1, "child").await;
    holder.edit(1, 1, "edited child").await;
    holder.send(1, "child").await;
    holder.delete_message(1, 1).await;
    let chat = holder.chat(1).await;
    assert_eq!((chat.version, chat.updated_at), (1, created.updated_at));
    holder.rename_chat(1, "renamed").await;
    holder.delete_chat(1).await;
    let after = holder.application().await;
    assert_eq!((after.version, after.updated_at), (1, application.updated_at));
}

pub async fn a_patch_sets_clears_and_keeps_each_member<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "members").await;
    let token = holder.token.clone();
    holder.create_chat("title").await;
    let patch = |title, change| {
        let (token, if_match) = (token.clone(), IfMatch::Any);
        Command::UpdateChat(UpdateChat { token, chat: 1, if_match, title, metadata: change })
    };
    let set = chat(holder.write(patch(Patch::Keep, merge("{\"a\":1}"))).await);
    assert_eq!((set.title, set.metadata), (Some(title("title")), Some(metadata("{\"a\":1}"))));
    let cleared = chat(holder.write(patch(Patch::Clear, MetadataChange::Keep)).await);
    assert_eq!((cleared.title, cleared.metadata), (None, Some(metadata("{\"a\":1}"))));
    let cleared = chat(holder.write(patch(Patch::Set(title("new")), MetadataChange::Clear)).await);
    assert_eq!((cleared.title, cleared.metadata), (Some(title("new")), None));
    assert_eq!(holder.chat(1).await.version, 4);
}

pub async fn a_merge_patch_of_metadata_keeps_the_text_of_untouched_members<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "metadata").await;
    let token = holder.token.clone();
    let update = |change| UpdateApplication {
        token: token.clone(),
        if_match: IfMatch::Any,
        name: None,
        metadata: change,
    };
    let steps = [
        ("{\"n\":1.50e+1,\"s\":\"\\u00e9\",\"o\":{\"k\":[1, 2]}}", "{\"n\":1.50e+1,\"s\":\"\\u00e9\",\"o\":{\"k\":[1,2]}}"),
        ("{\"new\":true,\"o\":{\"l\":-0}}", "{\"n\":1.50e+1,\"s\":\"\\u00e9\",\"o\":{\"k\":[1,2],\"l\":-0},\"new\":true}"),
        ("{\"s\":null,\"n\":15}", "{\"n\":15,\"o\":{\"k\":[1,2],\"l\":-0},\"new\":true}"),
        ("{}", "{\"n\":15,\"o\":{\"k\":[1,2],\"l\":-0},\"new\":true}"),
        ("{\"n\":null,\"o\":null,\"new\":null}", "{}"),
    ];
    for (patch, expected) in steps {
        let patched = application(holder.write(Command::UpdateApplication(update(merge(patch)))).await);
        assert_eq!(patched.metadata.as_ref().map(|metadata| metadata.as_str()), Some(expected));
        assert_eq!(holder.application().await.metadata, patched.metadata);
    }
    let cleared = application(holder.write(Command::UpdateApplication(update(MetadataChange::Clear))).await);
    assert_eq!(cleared.metadata, None);
}

pub async fn a_merge_patch_that_makes_metadata_too_long_changes_nothing<W: World>(world: W) {
    let holder = Holder::of_new_application(&world, "too_long").await;
    holder.create_chat("chat").await;
    holder.send(1, "message").await;
    let patch = |member: &str, bytes: usize| {
        Command::UpdateMessage(UpdateMessage {
            token: holder.token.clone(),
            chat: 1,
            number: 1,
            if_match: IfMatch::Any,
            body: Some(crate::commands::body("changed together with metadata or not at all")),
            metadata: merge(&format!("{{\"{member}\":\"{}\"}}", "x".repeat(bytes))),
        })
    };
    holder.write(patch("a", 2_000)).await;
    let before = holder.message(1, 1).await;
    let refusal = holder.refused(patch("b", 3_000)).await;
    let Rejection::Invalid { field: Field::Metadata, fault: Fault::TooManyBytes { max: 4_096, .. } } = refusal
    else {
        panic!("refused for another reason: {refusal:?}")
    };
    assert_eq!(holder.message(1, 1).await, before);
}
