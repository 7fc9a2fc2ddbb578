//! C8: nothing of one application reaches the holder of another's token.

use tiro_core::{NumberRange, Rejection, Token};

use crate::World;
use crate::commands::{create_application, create_message, delete_message};
use crate::export::read_export;
use crate::holder::{Holder, bodies, forward, rejection};

pub async fn an_application_never_sees_the_things_of_another<W: World>(world: W) {
    let names = ["alpha", "beta", "gamma"];
    let mut holders = Vec::new();
    for name in names {
        holders.push(Holder::of_new_application(&world, name).await);
    }
    for (step, (holder, name)) in holders.iter().zip(names).enumerate() {
        holder.create_chat(name).await;
        for _ in 0..=step {
            holder.send(1, name).await;
        }
    }
    holders[1].delete_message(1, 1).await;
    holders[2].delete_chat(1).await;
    let (engine, tokens) = (world.engine(), [&holders[0].token, &holders[1].token, &holders[2].token]);
    assert_eq!(bodies(&holders[0].all_messages(1).await), [Some("alpha")]);
    assert_eq!(bodies(&holders[1].all_messages(1).await), [None, Some("beta")]);
    assert_eq!(rejection(engine.messages(tokens[2], 1, forward(0)).await), Rejection::ChatDeleted);
    assert_eq!(rejection(engine.message(tokens[0], 1, 2).await), Rejection::MessageNotFound);
    assert_eq!(holders[0].refused(delete_message(tokens[0], 1, 2)).await, Rejection::MessageNotFound);
    let titles: Vec<_> = holders[1].all_chats().await.into_iter().map(|chat| chat.title).collect();
    assert_eq!(titles.iter().flatten().map(|title| &**title).collect::<Vec<_>>(), ["beta"]);
    for (holder, name) in holders.iter().zip(names) {
        let exported = read_export(&*engine, Some(holder.token.clone())).await;
        assert_eq!(exported.len(), 1);
        let shown = format!("{exported:?}");
        for other in names.iter().filter(|other| **other != name) {
            assert!(!shown.contains(other), "the export of {name} holds nothing of {other}");
        }
    }
}

pub async fn tokens_that_differ_in_case_are_two_applications<W: World>(world: W) {
    let lower = Holder::of(&world, &Token::parse("same_name_other_case").expect("it is a token"));
    let upper = Holder::of(&world, &Token::parse("Same_Name_Other_Case").expect("it is a token"));
    lower.write(create_application(&lower.token, "lower")).await;
    assert_eq!(rejection(upper.engine.application(&upper.token).await), Rejection::ApplicationNotFound);
    upper.write(create_application(&upper.token, "upper")).await;
    lower.create_chat("lower").await;
    assert_eq!(
        upper.refused(create_message(&upper.token, 1, "astray")).await,
        Rejection::ChatNotFound
    );
    lower.delete_application().await;
    assert_eq!(upper.application().await.name.as_deref(), Some("upper"));
    assert!(upper.chats(NumberRange::Last { limit: 5 }).await.items.is_empty());
}

pub async fn positions_of_one_application_do_not_move_with_another<W: World>(world: W) {
    let busy = Holder::of_new_application(&world, "busy").await;
    let quiet = Holder::of_new_application(&world, "quiet").await;
    quiet.create_chat("quiet").await;
    busy.create_chat("busy").await;
    for number in 1..=20 {
        busy.send(1, "noise").await;
        assert_eq!(quiet.position().await, 2);
        assert_eq!(busy.position().await, 2 + number);
    }
    quiet.send(1, "word").await;
    assert_eq!((quiet.position().await, busy.position().await), (3, 22));
    assert_ne!(quiet.application().await.epoch, busy.application().await.epoch);
}
