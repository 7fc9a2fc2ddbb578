//! Entries of the change feed as bytes, with the keys bound to them.

use std::sync::Arc;

use tiro_core::{
    Action, Change, Entry, Fingerprint, IdempotencyKey, KeyBinding, KeyName, Namespace, ReadState,
    ReaderName, Subject, Thing,
};

use super::{Corrupt, Decoder, Encoder};

/// The byte that stands for a namespace, here and in keys of the view.
pub(crate) fn namespace_byte(namespace: Namespace) -> u8 {
    match namespace {
        Namespace::Server => 1,
        Namespace::Application => 2,
        Namespace::Import => 3,
    }
}

impl Encoder<'_> {
    pub(crate) fn binding(&mut self, binding: &KeyBinding) {
        self.byte(namespace_byte(binding.name.namespace));
        self.text(&binding.name.key);
        self.raw(&binding.fingerprint.0);
        self.optional_time(binding.created_at);
    }

    pub(crate) fn key(&mut self, key: Option<&Arc<KeyBinding>>) {
        self.optional(key, |encoder, binding| encoder.binding(binding));
    }

    pub(crate) fn change(&mut self, change: &Change) {
        self.number(change.position);
        self.time(change.at);
        match &change.subject {
            Subject::Application => self.byte(0),
            &Subject::Chat { chat } => {
                self.byte(1);
                self.number(chat);
            }
            Subject::Reader { chat, reader } => {
                self.byte(3);
                self.number(*chat);
                self.text(reader);
            }
            &Subject::Message { chat, number } => {
                self.byte(2);
                self.number(chat);
                self.number(number);
            }
        }
        self.byte(match change.action {
            Action::Created => 0,
            Action::Updated => 1,
            Action::Deleted => 2,
        });
        self.number(change.version);
        self.key(change.key.as_ref());
    }

    pub(crate) fn entry(&mut self, entry: &Entry) {
        self.change(&entry.change);
        match &entry.thing {
            None => self.byte(0),
            Some(Thing::Application(application)) => {
                self.byte(1);
                self.application(application);
            }
            Some(Thing::Chat(chat)) => {
                self.byte(2);
                self.chat(chat);
            }
            Some(Thing::Reader(state)) => {
                self.byte(4);
                self.number(state.read);
                self.number(state.unread);
            }
            Some(Thing::Message(message)) => {
                self.byte(3);
                self.message(message);
            }
        }
    }
}

impl Decoder<'_> {
    pub(crate) fn binding(&mut self) -> Result<KeyBinding, Corrupt> {
        let namespace = match self.byte()? {
            1 => Namespace::Server,
            2 => Namespace::Application,
            3 => Namespace::Import,
            _ => return Err(Corrupt("a key's namespace is unknown")),
        };
        let name = KeyName {
            namespace,
            key: IdempotencyKey::stored(self.text()?),
        };
        let fingerprint = self
            .raw(32)?
            .try_into()
            .map_err(|_| Corrupt("a fingerprint is not 32 bytes"))?;
        Ok(KeyBinding {
            name,
            fingerprint: Fingerprint(fingerprint),
            created_at: self.optional_time()?,
        })
    }

    pub(crate) fn key(&mut self) -> Result<Option<Arc<KeyBinding>>, Corrupt> {
        Ok(self.optional(Decoder::binding)?.map(Arc::new))
    }

    pub(crate) fn change(&mut self) -> Result<Change, Corrupt> {
        Ok(Change {
            position: self.number()?,
            at: self.time()?,
            subject: match self.byte()? {
                0 => Subject::Application,
                1 => Subject::Chat { chat: self.number()? },
                2 => Subject::Message {
                    chat: self.number()?,
                    number: self.number()?,
                },
                3 => Subject::Reader {
                    chat: self.number()?,
                    reader: ReaderName::stored(self.text()?),
                },
                _ => return Err(Corrupt("a change is about nothing known")),
            },
            action: match self.byte()? {
                0 => Action::Created,
                1 => Action::Updated,
                2 => Action::Deleted,
                _ => return Err(Corrupt("a change's action is unknown")),
            },
            version: self.number()?,
            key: self.key()?,
        })
    }

    /// Whose it is stands in the change.
    fn read_state(&mut self, change: &Change) -> Result<ReadState, Corrupt> {
        let Subject::Reader { chat, reader } = &change.subject else {
            return Err(Corrupt("an entry's content is of another kind than its change"));
        };
        Ok(ReadState {
            reader: reader.clone(),
            chat: *chat,
            read: self.number()?,
            unread: self.number()?,
            version: change.version,
        })
    }

    pub(crate) fn entry(&mut self) -> Result<Entry, Corrupt> {
        let change = self.change()?;
        let thing = match self.byte()? {
            0 => None,
            1 => Some(Thing::Application(self.application()?)),
            2 => Some(Thing::Chat(self.chat()?)),
            3 => Some(Thing::Message(self.message()?)),
            4 => Some(Thing::Reader(self.read_state(&change)?)),
            _ => return Err(Corrupt("an entry's content is unknown")),
        };
        Ok(Entry { change, thing })
    }
}
