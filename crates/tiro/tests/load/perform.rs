//! One operation, sent once: from what is wanted to a request, and from the answer to what it says.

use tiro_client::api::{
    Chat, ChatPage, Code, CreateChat, CreateMessage, Message, MessagePage, UpdateChat, UpdateMessage,
};
use tiro_client::{Answer as Answered, Client, Error, Paging, Search, SearchScope, Sending};
use tiro_conformance::history::{
    Answer, ApplicationShown, ChatShown, HitsShown, MessageShown, Outcome, PageShown, Range, Sent, Shown,
};

use super::feed;

const HITS_MAX: u32 = 20;

/// Sends it and tells what came.
///
/// # Errors
/// The server is gone, or nothing came.
pub(super) async fn perform(
    client: &Client,
    token: &str,
    sent: &Sent,
    sending: &Sending,
) -> Result<Outcome, Error> {
    let answer = match sent {
        Sent::CreateApplication => unreachable!("made before the load"),
        Sent::CreateChat { title } => {
            let (title, metadata) = (Some(title.as_str()), None);
            let answer = client
                .create_chat(token, &CreateChat { title, metadata }, sending)
                .await;
            answer.map(|answer| told(&answer, Shown::Chat(chat(&answer.value))))
        }
        Sent::UpdateChat {
            chat: number, title, ..
        } => {
            let (title, metadata) = (Some(Some(title.as_str())), None);
            let answer = client
                .update_chat(token, *number, &UpdateChat { title, metadata }, sending)
                .await;
            answer.map(|answer| told(&answer, Shown::Chat(chat(&answer.value))))
        }
        Sent::DeleteChat { chat } => {
            let answer = client.delete_chat(token, *chat, sending).await;
            answer.map(|answer| told(&answer, Shown::Nothing))
        }
        Sent::CreateMessages { chat, bodies } => create_messages(client, token, *chat, bodies, sending).await,
        Sent::UpdateMessage {
            chat, number, body, ..
        } => {
            let update = UpdateMessage {
                body: Some(body),
                metadata: None,
            };
            let answer = client
                .update_message(token, *chat, *number, &update, sending)
                .await;
            answer.map(|answer| told(&answer, Shown::Message(message(&answer.value))))
        }
        Sent::DeleteMessage { chat, number } => {
            let answer = client.delete_message(token, *chat, *number, sending).await;
            answer.map(|answer| told(&answer, Shown::Nothing))
        }
        read => perform_read(client, token, read).await,
    };
    outcome(answer)
}

async fn perform_read(client: &Client, token: &str, sent: &Sent) -> Result<Answer, Error> {
    match sent {
        Sent::GetChat { chat: number } => {
            let answer = client.chat(token, *number).await?;
            Ok(told(&answer, Shown::Chat(chat(&answer.value))))
        }
        Sent::GetMessage { chat, number } => {
            let answer = client.message(token, *chat, *number).await?;
            Ok(told(&answer, Shown::Message(message(&answer.value))))
        }
        Sent::ListChats { range } => Ok(chats(&client.chats(token, &paging(*range)).await?)),
        Sent::ListMessages { chat, range } => {
            Ok(messages(&client.messages(token, *chat, &paging(*range)).await?))
        }
        Sent::Search { text } => search(client, token, text).await,
        Sent::ReadFeed { after, limit } => feed::read(client, token, *after, *limit).await,
        sent => {
            assert_eq!(*sent, Sent::GetApplication);
            let answer = client.application(token).await?;
            let chats_count = answer.value.chats_count;
            Ok(told(
                &answer,
                Shown::Application(ApplicationShown { chats_count }),
            ))
        }
    }
}

/// A refusal is an outcome; a 503 says that nothing was done, or that this is not known.
fn outcome(answer: Result<Answer, Error>) -> Result<Outcome, Error> {
    match answer {
        Ok(answer) => Ok(Outcome::Acknowledged(answer)),
        Err(Error::Refused(refusal)) if refusal.problem.code == Code::OutcomeUnknown => Ok(Outcome::Unknown),
        Err(Error::Refused(refusal)) if refusal.status == 503 => Ok(Outcome::Declined),
        Err(Error::Refused(refusal)) => Ok(Outcome::Refused(refusal.problem.code.to_string())),
        Err(error) => Err(error),
    }
}

async fn create_messages(
    client: &Client,
    token: &str,
    chat: u64,
    bodies: &[String],
    sending: &Sending,
) -> Result<Answer, Error> {
    let create = |body| CreateMessage {
        body,
        sender: None,
        metadata: None,
    };
    if let [body] = bodies {
        let answer = client.create_message(token, chat, &create(body), sending).await?;
        return Ok(told(&answer, Shown::Message(message(&answer.value))));
    }
    let batch: Vec<_> = bodies.iter().map(|body| create(body.as_str())).collect();
    let answer = client.create_messages(token, chat, &batch, sending).await?;
    let (first, count) = (answer.value.first, answer.value.count);
    Ok(told(&answer, Shown::Numbers { first, count }))
}

fn told<T>(answer: &Answered<T>, shown: Shown) -> Answer {
    Answer {
        position: answer.cursor.as_deref().map(position),
        replayed: answer.replayed,
        shown,
    }
}

/// What contains the text, in the application.
async fn search(client: &Client, token: &str, text: &str) -> Result<Answer, Error> {
    let wanted = Search::of(format!("\"{text}\"")).limit(HITS_MAX);
    let page = client.search(SearchScope::Application(token), &wanted).await?;
    assert!(
        page.data.iter().all(|hit| hit.application == token),
        "a hit of another application: {page:?}"
    );
    let items = page.data.iter().map(|hit| (hit.chat, message(&hit.message)));
    let hits = HitsShown {
        items: items.collect(),
        has_more: page.has_more,
    };
    Ok(read_at(page.searched_through.as_deref(), Shown::Hits(hits)))
}

/// The position in a cursor `<epoch>.<position>`.
pub(super) fn position(cursor: &str) -> u64 {
    cursor.rsplit_once('.').unwrap().1.parse().unwrap()
}

fn paging(range: Range) -> Paging {
    let bounded = |limit| u32::try_from(limit).unwrap();
    match range {
        Range::After { after, limit } => Paging::after(after).limit(bounded(limit)),
        Range::Last { limit } => Paging::last(bounded(limit)),
    }
}

fn chats(page: &ChatPage<'_>) -> Answer {
    let items = page.data.iter().map(chat).collect();
    let next = page.next.as_deref().map(|next| next.parse().unwrap());
    read_at(page.as_of.as_deref(), Shown::Chats(PageShown { items, next }))
}

fn messages(page: &MessagePage<'_>) -> Answer {
    let items = page.data.iter().map(message).collect();
    let next = page.next.as_deref().map(|next| next.parse().unwrap());
    read_at(page.as_of.as_deref(), Shown::Messages(PageShown { items, next }))
}

fn read_at(as_of: Option<&str>, shown: Shown) -> Answer {
    Answer {
        position: as_of.map(position),
        replayed: false,
        shown,
    }
}

fn chat(chat: &Chat<'_>) -> ChatShown {
    ChatShown {
        number: chat.number,
        version: chat.version,
        title: chat.title.as_deref().map(str::to_owned),
        deleted: chat.deleted_at.is_some(),
        messages_count: chat.messages_count,
        last_message_number: chat.last_message_number,
    }
}

fn message(message: &Message<'_>) -> MessageShown {
    MessageShown {
        number: message.number,
        version: message.version,
        body: message.body.as_deref().map(str::to_owned),
        deleted: message.deleted_at.is_some(),
    }
}
