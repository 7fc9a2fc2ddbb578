//! C5, C7 and section 3.6: an exported application is the same application elsewhere.

use tiro_core::{Application, Command, Entry, Epoch, IfMatch, Outcome, Patch, Rejection, Request};

use crate::World;
use crate::check::check_export;
use crate::commands::{
    content, content_from, create_application, create_chat, create_message, create_messages, delete_application, delete_message,
    import_chat, import_line, import_messages, key, title, update_chat, update_message,
};
use crate::export::{
    ExportedApplication, abandon_restore, assert_same_export, begin_restore, finish_restore, read_export, restore,
    restore_entries,
};
use crate::holder::{Holder, chat, message, rejection};

/// An application with a bit of everything: edits, tombstones of both kinds, keys of all namespaces, imports.
async fn lived_in<W: World>(world: &W, name: &str) -> Holder {
    let holder = Holder::of(world, &crate::commands::token(name));
    let token = holder.token.clone();
    holder.write_keyed(create_application(&token, name), &format!("birth-of-{name}")).await;
    holder.write_keyed(create_chat(&token, Some("first")), "chat").await;
    holder.create_chat("second").await;
    holder.create_chat("doomed").await;
    for chat in 1..=3 {
        holder.send_batch(chat, (0..150).map(|line| content(&format!("line {line}"))).collect()).await;
    }
    holder.write_keyed(create_message(&token, 1, "keyed"), "message").await;
    let batch = vec![content("a"), content_from("b", "c")];
    holder.write_keyed(create_messages(&token, 1, batch), "batch").await;
    for number in (1..=150).step_by(10) {
        holder.edit(1, number, "edited").await;
        holder.delete_message(1, number + 1).await;
    }
    holder.edit(1, 1, "edited twice").await;
    holder.write_keyed(update_message(&token, (1, 3), IfMatch::Any, Some("by key")), "edit").await;
    holder.write_keyed(update_message(&token, (3, 3), IfMatch::Any, Some("by key")), "edit-doomed").await;
    holder.write_keyed(delete_message(&token, 1, 4), "delete").await;
    holder.delete_message(2, 150).await;
    holder.write_keyed(import_chat(&token, "imported", None), "source/chat").await;
    let line = |at: &str| import_line(at, at, Some(tiro_core::Timestamp::from_millis(86_400_000)));
    holder.write(import_messages(&token, 4, vec![line("line-1"), line("line-2")])).await;
    holder.rename_chat(1, "renamed").await;
    holder.delete_chat(3).await;
    let rename = update_chat(&token, 2, IfMatch::OneOf(vec![1]), Patch::Set(title("last change")));
    holder.write_keyed(rename, "rename").await;
    holder
}

pub async fn an_export_restored_elsewhere_exports_the_same_entries<W: World>(world: W) {
    let holder = lived_in(&world, "moved").await;
    lived_in(&world, "moved_too").await;
    let deleted = lived_in(&world, "deleted").await;
    deleted.write_keyed(delete_application(&deleted.token), "goes-along").await;
    let exported = read_export(&*world.engine(), None).await;
    assert_eq!(exported.len(), 3);
    for step_entries in [1_000, 7] {
        let mut elsewhere = W::fresh().await;
        restore(&*elsewhere.engine(), &exported, step_entries).await;
        let found = sorted(read_export(&*elsewhere.engine(), None).await);
        assert_same_export(&found, &sorted(exported.clone()));
        let there = Holder::of(&elsewhere, &holder.token);
        assert_eq!(there.all_messages(1).await, holder.all_messages(1).await);
        assert_eq!(there.all_messages(4).await, holder.all_messages(4).await);
        assert_eq!(there.all_chats().await, holder.all_chats().await);
        let here = holder.application().await;
        assert_eq!(there.application().await, Application { id: there.application().await.id, ..here });
        let there = there.across_reopen(&mut elsewhere).await;
        let found = sorted(read_export(&*there.engine, None).await);
        assert_same_export(&found, &sorted(exported.clone()));
    }
}

fn sorted(mut exported: Vec<ExportedApplication>) -> Vec<ExportedApplication> {
    exported.sort_by(|a, b| a.application.token.cmp(&b.application.token));
    exported
}

pub async fn a_restored_application_goes_on_where_it_was<W: World>(world: W) {
    let here = lived_in(&world, "moved").await;
    let exported = read_export(&*world.engine(), None).await;
    let elsewhere = W::fresh().await;
    restore(&*elsewhere.engine(), &exported, 100).await;
    let there = Holder::of(&elsewhere, &here.token);
    for holder in [&here, &there] {
        let position = holder.position().await;
        let sent = holder.send(1, "after the move").await;
        assert_eq!((sent.number, sent.created_position), (154, position + 1));
        assert_eq!(holder.create_chat("after the move").await.number, 5);
        assert_eq!(holder.edit(1, 1, "after the move").await.version, 4);
        holder.delete_message(1, 5).await;
        assert_eq!(holder.application().await.chats_count, 4);
        assert_eq!(holder.position().await, position + 4);
    }
    assert_eq!(here.chat(1).await.messages_count, there.chat(1).await.messages_count);
}

pub async fn a_restored_application_answers_replays_as_before<W: World>(world: W) {
    let here = lived_in(&world, "moved").await;
    let token = here.token.clone();
    let requests = [
        (create_application(&token, "moved"), "birth-of-moved"),
        (create_chat(&token, Some("first")), "chat"),
        (create_message(&token, 1, "keyed"), "message"),
        (create_messages(&token, 1, vec![content("a"), content_from("b", "c")]), "batch"),
        (update_message(&token, (1, 3), IfMatch::Any, Some("by key")), "edit"),
        (update_message(&token, (3, 3), IfMatch::Any, Some("by key")), "edit-doomed"),
        (delete_message(&token, 1, 4), "delete"),
        (import_chat(&token, "imported", None), "source/chat"),
        (update_chat(&token, 2, IfMatch::OneOf(vec![1]), Patch::Set(title("last change"))), "rename"),
    ];
    let exported = read_export(&*world.engine(), None).await;
    let elsewhere = W::fresh().await;
    restore(&*elsewhere.engine(), &exported, 100).await;
    let there = Holder::of(&elsewhere, &token);
    for (command, under) in requests {
        let before = here.write_keyed(command.clone(), under).await;
        let mut after = there.write_keyed(command.clone(), under).await;
        if let (Outcome::Application(before), Outcome::Application(after)) =
            (&before.outcome, &mut after.outcome)
        {
            after.id = before.id;
        }
        assert!(before.replayed);
        assert_eq!(after, before, "{command:?}");
        let other = there.refused_keyed(create_message(&token, 1, "other"), "message").await;
        assert_eq!(other, Rejection::KeyReused);
    }
    let position = there.position().await;
    let line = import_line("line-1", "line-1", Some(tiro_core::Timestamp::from_millis(86_400_000)));
    there.write(import_messages(&token, 4, vec![line])).await;
    assert_eq!(there.position().await, position, "the keys of imported lines moved too");
}

pub async fn an_unfinished_or_abandoned_restore_is_invisible_and_its_token_free<W: World>(world: W) {
    let here = lived_in(&world, "moved").await;
    let exported = read_export(&*world.engine(), Some(here.token.clone())).await.remove(0);
    let half = exported.entries.len() / 2;
    let mut elsewhere = W::fresh().await;
    let there = Holder::of(&elsewhere, &here.token);

    let abandoned = begin_restore(&*there.engine, &exported).await;
    restore_entries(&*there.engine, abandoned, &exported.entries[..half]).await.expect("they are right");
    assert_invisible(&there).await;
    abandon_restore(&*there.engine, abandoned).await.expect("it was begun");
    assert_invisible(&there).await;
    for late in [
        restore_entries(&*there.engine, abandoned, &exported.entries[half..]).await,
        finish_restore(&*there.engine, abandoned, &here.token).await,
        abandon_restore(&*there.engine, abandoned).await,
    ] {
        assert_eq!(late, Err(Rejection::NotRestoring));
    }

    restore(&*there.engine, std::slice::from_ref(&exported), 1_000).await;
    assert_same_export(&read_export(&*there.engine, None).await, std::slice::from_ref(&exported));
    there.delete_application().await;

    let fresh = Holder::of(&elsewhere, &crate::commands::token("fresh"));
    let mut renamed = exported.clone();
    renamed.application.token = fresh.token.clone();
    renamed.entries[0].change.key = None;
    let unfinished = begin_restore(&*fresh.engine, &renamed).await;
    restore_entries(&*fresh.engine, unfinished, &renamed.entries[..half]).await.expect("they are right");
    drop(there);
    let fresh = fresh.across_reopen(&mut elsewhere).await;
    let answer = fresh.engine.application(&fresh.token).await;
    assert_eq!(rejection(answer), Rejection::ApplicationNotFound);
    fresh.write(create_application(&fresh.token, "fresh")).await;
    assert_eq!(fresh.create_chat("its own").await.number, 1);
    assert_eq!(fresh.all_chats().await.len(), 1);
    assert_eq!(fresh.position().await, 2);
}

async fn assert_invisible(holder: &Holder) {
    let engine = &holder.engine;
    let missing = Rejection::ApplicationNotFound;
    assert_eq!(rejection(engine.application(&holder.token).await), missing);
    assert_eq!(rejection(engine.messages(&holder.token, 1, crate::holder::forward(0)).await), missing);
    assert_eq!(holder.refused(create_chat(&holder.token, None)).await, missing);
    assert_eq!(engine.export(Some(holder.token.clone())).await.err(), Some(missing.into()));
    assert!(engine.applications(None, 200).await.expect("the list is there").items.is_empty());
    assert!(read_export(&**engine, None).await.is_empty());
}

/// What somebody did to the entries of a file.
type Damage = fn(&mut Vec<Entry>);

pub async fn entries_out_of_order_with_holes_or_cut_short_are_refused<W: World>(world: W) {
    let here = lived_in(&world, "moved").await;
    let exported = read_export(&*world.engine(), None).await.remove(0);
    let elsewhere = W::fresh().await;
    let engine = elsewhere.engine();
    let damages: [(&str, Damage); 7] = [
        ("two entries swapped", |entries| entries.swap(10, 11)),
        ("one entry missing", |entries| drop(entries.remove(10))),
        ("one entry twice", |entries| entries.insert(10, entries[10].clone())),
        ("the first missing", |entries| drop(entries.remove(0))),
        ("a version skipped", |entries| {
            let edit = entries.iter_mut().find(|entry| entry.change.version == 2);
            edit.expect("something was edited").change.version = 3;
        }),
        ("a key bound twice", |entries| entries[3].change.key = entries[1].change.key.clone()),
        ("content of another entry", |entries| entries[10].thing = entries[20].thing.clone()),
    ];
    for (damage, break_it) in damages {
        let mut entries = exported.entries.clone();
        break_it(&mut entries);
        let application = begin_restore(&*engine, &exported).await;
        let refused = restore_entries(&*engine, application, &entries).await;
        let Err(Rejection::Unrestorable { .. }) = refused else { panic!("{damage}: {refused:?}") };
        abandon_restore(&*engine, application).await.expect("it was begun");
    }
    let application = begin_restore(&*engine, &exported).await;
    let cut = &exported.entries[..exported.entries.len() - 1];
    restore_entries(&*engine, application, cut).await.expect("they are right so far");
    let refused = finish_restore(&*engine, application, &here.token).await;
    let Err(Rejection::Unrestorable { .. }) = refused else { panic!("cut short: {refused:?}") };
    abandon_restore(&*engine, application).await.expect("it was begun");
    assert!(read_export(&*engine, None).await.is_empty());
}

pub async fn an_interrupted_restore_can_be_repeated_from_the_start_after_reopen<W: World>(world: W) {
    lived_in(&world, "moved").await;
    let exported = read_export(&*world.engine(), None).await;
    let mut elsewhere = W::fresh().await;
    let half = &exported[0].entries[..exported[0].entries.len() / 2];
    let application = begin_restore(&*elsewhere.engine(), &exported[0]).await;
    let stored = restore_entries(&*elsewhere.engine(), application, half).await;
    stored.expect("they are right so far");
    elsewhere.reopen().await;
    assert!(read_export(&*elsewhere.engine(), None).await.is_empty());
    restore(&*elsewhere.engine(), &exported, 100).await;
    assert_same_export(&read_export(&*elsewhere.engine(), None).await, &exported);
}

pub async fn the_key_of_an_application_under_restore_is_free_and_stays_with_who_takes_it<W: World>(world: W) {
    let here = lived_in(&world, "moved").await;
    let exported = read_export(&*world.engine(), None).await.remove(0);
    let mut elsewhere = W::fresh().await;
    let there = Holder::of(&elsewhere, &crate::commands::token("taken_meanwhile"));
    let create = create_application(&there.token, "taken meanwhile");
    let under_restore = begin_restore(&*there.engine, &exported).await;
    let stored = restore_entries(&*there.engine, under_restore, &exported.entries).await;
    stored.expect("exported entries can be restored");
    let first = there.write_keyed(create.clone(), "birth-of-moved").await;
    assert!(!first.replayed);
    abandon_restore(&*there.engine, under_restore).await.expect("it was begun");
    assert!(there.write_keyed(create.clone(), "birth-of-moved").await.replayed);
    let there = there.across_reopen(&mut elsewhere).await;
    assert!(there.write_keyed(create, "birth-of-moved").await.replayed);
    let other = create_application(&here.token, "moved");
    assert_eq!(there.refused_keyed(other, "birth-of-moved").await, Rejection::KeyReused);
}

pub async fn one_of_two_restores_of_one_application_can_be_abandoned_and_the_other_finished<W: World>(world: W) {
    let here = lived_in(&world, "moved").await;
    let exported = read_export(&*world.engine(), None).await.remove(0);
    let mut elsewhere = W::fresh().await;
    let there = Holder::of(&elsewhere, &here.token);
    let interrupted = begin_restore(&*there.engine, &exported).await;
    let stored = restore_entries(&*there.engine, interrupted, &exported.entries[..9]).await;
    stored.expect("they are right so far");
    let again = begin_restore(&*there.engine, &exported).await;
    let stored = restore_entries(&*there.engine, again, &exported.entries).await;
    stored.expect("exported entries can be restored");
    abandon_restore(&*there.engine, interrupted).await.expect("it was begun");
    let finished = finish_restore(&*there.engine, again, &here.token).await;
    finished.expect("a whole export can be finished");
    let create = create_application(&here.token, "moved");
    assert!(there.write_keyed(create.clone(), "birth-of-moved").await.replayed);
    let there = there.across_reopen(&mut elsewhere).await;
    assert!(there.write_keyed(create, "birth-of-moved").await.replayed);
    assert_same_export(&read_export(&*there.engine, None).await, &[exported]);
}

pub async fn a_renewed_epoch_changes_every_cursor_and_nothing_else<W: World>(world: W) {
    let mut world = world;
    let holder = lived_in(&world, "rewound").await;
    let before = holder.application().await;
    let epoch = Epoch::parse("renewed").expect("it is an epoch");
    let renew = Command::RenewEpoch { application: before.id, epoch: epoch.clone() };
    let reply = holder.write(renew).await;
    assert_eq!((reply.outcome, reply.cursor), (Outcome::Done, None));
    let expected = Application { epoch: epoch.clone(), ..before };
    assert_eq!(holder.application().await, expected);
    let holder = holder.across_reopen(&mut world).await;
    assert_eq!(holder.application().await, expected);
    let reply = holder.write(create_message(&holder.token, 1, "after the renewal")).await;
    assert_eq!(reply.cursor, Some(expected.cursor_at(expected.last_position + 1)));
    assert_eq!(read_export(&*holder.engine, None).await[0].application.epoch, epoch);
}

pub async fn a_token_in_use_is_not_restored<W: World>(world: W) {
    let here = lived_in(&world, "here").await;
    let exported = read_export(&*world.engine(), None).await.remove(0);
    let begin = || Command::BeginRestore {
        token: here.token.clone(),
        epoch: exported.application.epoch.clone(),
        last_position: exported.application.last_position,
    };
    assert_eq!(here.refused(begin()).await, Rejection::TokenTaken);
    here.delete_application().await;
    assert_eq!(here.refused(begin()).await, Rejection::TokenTaken);

    let elsewhere = W::fresh().await;
    let there = Holder::of(&elsewhere, &here.token);
    let application = begin_restore(&*there.engine, &exported).await;
    let stored = restore_entries(&*there.engine, application, &exported.entries).await;
    stored.expect("exported entries can be restored");
    there.write(create_application(&here.token, "taken meanwhile")).await;
    let late = finish_restore(&*there.engine, application, &here.token).await;
    assert_eq!(late, Err(Rejection::TokenTaken));
    assert_eq!(there.application().await.name.as_deref(), Some("taken meanwhile"));
}

pub async fn an_export_holds_its_invariants<W: World>(world: W) {
    let mut world = world;
    let holder = lived_in(&world, "checked").await;
    lived_in(&world, "gone").await.delete_application().await;
    let exported = read_export(&*world.engine(), None).await;
    check_export(&exported).expect("an export holds its invariants");
    let request = Request::keyed(create_chat(&holder.token, None), key("one-more"));
    assert_eq!(chat(holder.request(request).await.expect("it is accepted")).number, 5);
    let sent = message(holder.write(create_message(&holder.token, 5, "one more")).await);
    assert_eq!(sent.number, 1);
    let holder = holder.across_reopen(&mut world).await;
    let exported = read_export(&*holder.engine, Some(holder.token.clone())).await;
    check_export(&exported).expect("an export holds its invariants");
    assert_eq!(exported[0].entries.len() as u64, holder.position().await);
}
