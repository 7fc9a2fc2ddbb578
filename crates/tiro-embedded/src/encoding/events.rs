//! Events as bytes: what a log batch holds, one after the other.

use tiro_core::{Event, MessageCreated};

use super::{Corrupt, Decoder, Encoder};

/// Appends an event.
pub(crate) fn encode(event: &Event, out: &mut Vec<u8>) {
    Encoder::new(out).event(event);
}

/// Hands over each event of a batch, in order.
///
/// # Errors
/// The first event that does not decode, or the first error of `visit`.
pub(crate) fn decode_all<E: From<Corrupt>>(
    payload: &[u8],
    mut visit: impl FnMut(Event) -> Result<(), E>,
) -> Result<(), E> {
    let mut decoder = Decoder::new(payload);
    while !decoder.is_empty() {
        visit(decoder.event()?)?;
    }
    Ok(())
}

impl Encoder<'_> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::ApplicationCreated { application, key } => {
                self.byte(1);
                self.application(application);
                self.key(key.as_ref());
            }
            Event::ApplicationUpdated {
                application,
                position,
                at,
                version,
                name,
                metadata,
                key,
            } => {
                self.byte(2);
                self.application_id(*application);
                self.number(*position);
                self.time(*at);
                self.number(*version);
                self.text(name);
                self.metadata(metadata.as_ref());
                self.key(key.as_ref());
            }
            Event::ApplicationDeleted {
                application,
                position,
                at,
                version,
                key,
            } => {
                self.byte(3);
                self.application_id(*application);
                self.number(*position);
                self.time(*at);
                self.number(*version);
                self.key(key.as_ref());
            }
            Event::ChatCreated {
                application,
                chat,
                at,
                key,
            } => {
                self.byte(4);
                self.application_id(*application);
                self.chat(chat);
                self.time(*at);
                self.key(key.as_ref());
            }
            Event::ChatUpdated {
                application,
                chat,
                position,
                at,
                version,
                title,
                metadata,
                key,
            } => {
                self.byte(5);
                self.application_id(*application);
                self.number(*chat);
                self.number(*position);
                self.time(*at);
                self.number(*version);
                self.optional_text(title.as_deref());
                self.metadata(metadata.as_ref());
                self.key(key.as_ref());
            }
            Event::ChatDeleted {
                application,
                chat,
                position,
                at,
                version,
                key,
            } => {
                self.byte(6);
                self.application_id(*application);
                self.number(*chat);
                self.number(*position);
                self.time(*at);
                self.number(*version);
                self.key(key.as_ref());
            }
            Event::MessagesCreated { .. } | Event::MessageUpdated { .. } | Event::MessageDeleted { .. } => {
                self.message_event(event);
            }
            Event::ReaderMoved {
                application,
                position,
                at,
                marker,
            } => {
                self.byte(15);
                self.application_id(*application);
                self.number(*position);
                self.time(*at);
                self.marker(marker);
            }
            Event::RestoreBegun { .. }
            | Event::EntriesRestored { .. }
            | Event::RestoreFinished { .. }
            | Event::RestoreAbandoned { .. }
            | Event::EpochRenewed { .. } => self.repair_event(event),
        }
    }

    fn message_event(&mut self, event: &Event) {
        match event {
            Event::MessagesCreated {
                application,
                chat,
                first_number,
                first_position,
                at,
                messages,
            } => {
                self.byte(7);
                self.application_id(*application);
                self.number(*chat);
                self.number(*first_number);
                self.number(*first_position);
                self.time(*at);
                self.number(messages.len() as u64);
                for message in messages {
                    self.content(&message.content);
                    self.optional_time(message.created_at);
                    self.key(message.key.as_ref());
                }
            }
            Event::MessageUpdated {
                application,
                chat,
                position,
                at,
                message,
                key,
            }
            | Event::MessageDeleted {
                application,
                chat,
                position,
                at,
                message,
                key,
            } => {
                self.byte(if matches!(event, Event::MessageUpdated { .. }) {
                    8
                } else {
                    9
                });
                self.application_id(*application);
                self.number(*chat);
                self.number(*position);
                self.time(*at);
                self.message(message);
                self.key(key.as_ref());
            }
            _ => unreachable!("only events of messages come here"),
        }
    }

    fn repair_event(&mut self, event: &Event) {
        match event {
            Event::RestoreBegun { application } => {
                self.byte(10);
                self.application(application);
            }
            Event::EntriesRestored { application, entries } => {
                self.byte(11);
                self.application_id(*application);
                self.number(entries.len() as u64);
                entries.iter().for_each(|entry| self.entry(entry));
            }
            Event::RestoreFinished { application, token } => {
                self.byte(12);
                self.application_id(*application);
                self.text(token.as_str());
            }
            Event::RestoreAbandoned { application } => {
                self.byte(13);
                self.application_id(*application);
            }
            Event::EpochRenewed { application, epoch } => {
                self.byte(14);
                self.application_id(*application);
                self.text(epoch.as_str());
            }
            _ => unreachable!("only events of restores and repairs come here"),
        }
    }
}

impl Decoder<'_> {
    fn event(&mut self) -> Result<Event, Corrupt> {
        Ok(match self.byte()? {
            1 => Event::ApplicationCreated {
                application: self.application()?,
                key: self.key()?,
            },
            2 => Event::ApplicationUpdated {
                application: self.application_id()?,
                position: self.number()?,
                at: self.time()?,
                version: self.number()?,
                name: self.name()?,
                metadata: self.metadata()?,
                key: self.key()?,
            },
            3 => Event::ApplicationDeleted {
                application: self.application_id()?,
                position: self.number()?,
                at: self.time()?,
                version: self.number()?,
                key: self.key()?,
            },
            4 => Event::ChatCreated {
                application: self.application_id()?,
                chat: self.chat()?,
                at: self.time()?,
                key: self.key()?,
            },
            5 => Event::ChatUpdated {
                application: self.application_id()?,
                chat: self.number()?,
                position: self.number()?,
                at: self.time()?,
                version: self.number()?,
                title: self.title()?,
                metadata: self.metadata()?,
                key: self.key()?,
            },
            6 => Event::ChatDeleted {
                application: self.application_id()?,
                chat: self.number()?,
                position: self.number()?,
                at: self.time()?,
                version: self.number()?,
                key: self.key()?,
            },
            7 => self.messages_created()?,
            8 => Event::MessageUpdated {
                application: self.application_id()?,
                chat: self.number()?,
                position: self.number()?,
                at: self.time()?,
                message: self.message()?,
                key: self.key()?,
            },
            9 => Event::MessageDeleted {
                application: self.application_id()?,
                chat: self.number()?,
                position: self.number()?,
                at: self.time()?,
                message: self.message()?,
                key: self.key()?,
            },
            10 => Event::RestoreBegun {
                application: self.application()?,
            },
            11 => {
                let application = self.application_id()?;
                let count = self.number()?;
                let entries = (0..count).map(|_| self.entry()).collect::<Result<_, _>>()?;
                Event::EntriesRestored { application, entries }
            }
            12 => Event::RestoreFinished {
                application: self.application_id()?,
                token: self.token()?,
            },
            13 => Event::RestoreAbandoned {
                application: self.application_id()?,
            },
            14 => Event::EpochRenewed {
                application: self.application_id()?,
                epoch: self.epoch()?,
            },
            15 => Event::ReaderMoved {
                application: self.application_id()?,
                position: self.number()?,
                at: self.time()?,
                marker: self.marker()?,
            },
            _ => return Err(Corrupt("an event of an unknown kind")),
        })
    }

    fn messages_created(&mut self) -> Result<Event, Corrupt> {
        let application = self.application_id()?;
        let chat = self.number()?;
        let first_number = self.number()?;
        let first_position = self.number()?;
        let at = self.time()?;
        let count = self.number()?;
        let mut messages = Vec::new();
        for _ in 0..count {
            messages.push(MessageCreated {
                content: self.content()?,
                created_at: self.optional_time()?,
                key: self.key()?,
            });
        }
        Ok(Event::MessagesCreated {
            application,
            chat,
            first_number,
            first_position,
            at,
            messages,
        })
    }
}
