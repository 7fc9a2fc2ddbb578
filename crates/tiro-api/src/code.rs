//! Every code that a problem or a violation can carry, with its title and its explanation.
//!
//! The explanations are the pages `/docs/errors/<code>`. Which status a problem has is the server's business.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($variant:ident $title:literal $explanation:literal)*) => {
        /// What a problem, or one of its `errors`, is about. Codes are never renamed or reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// All of them, in the order of this file.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// What it means, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// What happened and what to do about it.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation,)* }
            }

            fn variant(self) -> &'static str {
                match self { $(Code::$variant => stringify!($variant),)* }
            }
        }
    };
}

codes! {
    // Of whole requests.
    MalformedRequest "The request is not well-formed HTTP"
        "The request breaks a rule of HTTP itself, for instance it has no Host header, or two. Use an ordinary HTTP client."
    MalformedJson "The body is not valid JSON"
        "The body could not be read as JSON in UTF-8. `detail` says where reading stopped. Nothing was stored."
    Unauthorized "Authentication required"
        "The route needs a key, or the key that was sent is neither the operator key nor the token of an application. Send `Authorization: Bearer <key>`."
    Forbidden "The key does not allow this"
        "The key is the token of an application; this route needs the operator key."
    ForeignOrigin "Requests from this origin are not allowed"
        "A server without an operator key answers browsers only for pages of its own. Name the page's origin with `--cors-origin`, or set `--operator-key`."
    NotFound "Not found"
        "No route has this path, or a number in it is not a positive integer in its plain form: `01`, `+1` and `1.0` name nothing."
    ApplicationNotFound "No application has this token"
        "Tokens are case-sensitive. Nothing was stored."
    ChatNotFound "The application has no chat of this number"
        "Chats are numbered 1, 2, 3 … in their application. Nothing was stored."
    MessageNotFound "The chat has no message of this number"
        "Messages are numbered 1, 2, 3 … in their chat. Nothing was stored."
    OperationNotFound "The application has no operation of this name"
        "The name was not given out for this application, or by another cluster. Use the `Location` of the answer as it is."
    MethodNotAllowed "Method not allowed"
        "The header `Allow` lists the methods of this path."
    RequestTimeout "The request did not arrive in time"
        "The body came too slowly. Nothing was stored; send the request again."
    TokenTaken "The token is or was in use"
        "A token that was used once is never given again, also after its application was deleted. Choose another."
    ImportConflict "The import contradicts what is stored"
        "A line names something that exists already with other content, or that was deleted. `errors` has the line; complete lines before it stay, those after it were not read."
    HistoryChanged "The cursor belongs to another history"
        "The cursor belongs to another epoch, or lies in the future: the server was restored from an older copy, or the application was made anew. What was read by it may have changed. Read your lists again and follow the feed from their `as_of`, or read the feed from its beginning, without `after`. `detail` has the present end of the feed."
    ApplicationDeleted "The application was deleted"
        "It and all in it are gone for good; its token is not given again."
    ChatDeleted "The chat was deleted"
        "It and its messages are gone for good; its number is not given again. Its tombstone is in the list of chats."
    MessageDeleted "The message was deleted"
        "Its number is not given again. Its tombstone is in the list of messages."
    PreconditionFailed "The version does not match"
        "`If-Match` named other versions than the present one: somebody changed the thing meanwhile. Get it, decide again, and send the request with the new `ETag`."
    PayloadTooLarge "The body is too large"
        "The body has more bytes than the route takes. Nothing was stored. Send messages in smaller batches."
    UnsupportedMediaType "Unsupported Content-Type"
        "Send JSON with `Content-Type: application/json`, or without a `Content-Type`."
    MisdirectedRequest "The Host header names another host"
        "A server without an operator key answers only to names of the local machine, so that no web page can reach it through a name of its own. Use `localhost` or `127.0.0.1`, or set `--operator-key`."
    InvalidRequest "The request has invalid values"
        "`errors` names every value that was refused, each with a code of its own. Nothing was stored and no number was used up; only an import keeps the lines before the one that is named."
    IdempotencyKeyReused "The Idempotency-Key was used for another request"
        "This `Idempotency-Key` was used for a request with other content. Keys are kept for ever; use a new one for every new request."
    TooManyRequests "Too many requests"
        "The configured rate limit is reached. Wait as long as `Retry-After` says."
    HeadersTooLarge "The headers are too large"
        "Path and headers together have more bytes than the server takes."
    Internal "Internal server error"
        "The request was not carried out, or its outcome is unknown: a write is safe to send again under its `Idempotency-Key`. The operator finds the cause in the log by `request_id`."
    StorageFull "No disk space is left for writes"
        "Reads go on. Writes resume by themselves when there is space. Nothing of this request was stored."
    StorageUnavailable "The storage is unavailable"
        "What the server stores in does not answer, or takes no writes. Nothing of this request was stored. Send it again after `Retry-After` seconds."
    Overloaded "The server is overloaded"
        "Nothing of this request was stored. Send it again after `Retry-After` seconds."
    Stopping "The server is stopping"
        "Nothing of this request was stored. Send it again after `Retry-After` seconds."
    OutcomeUnknown "The outcome is unknown"
        "Send it again with the same `Idempotency-Key`: if it was carried out, the answer is the original one."

    SearchBehind "The search index is behind"
        "More was written than a search can read on its own until the index has taken it in. `searched_through` is the place in the application's feed that the index has reached; a search over everything has none. Search again after `Retry-After` seconds, or take what is found up to there with `partial=true`."

    // Of single values.
    Missing "A required value is absent or null"
        "The member must be there and must not be `null`."
    Blank "The text is blank"
        "The text is empty or consists of white space alone. Leave an optional member out, or send `null`. A query is blank if it asks for nothing, as `\"\"` and a lone accent do."
    TooLong "The value is too long"
        "The limits: names and titles 255 characters (Unicode scalar values), bodies 65,536 bytes of UTF-8, senders 255 bytes, metadata 4 KiB without white space, queries 512 characters, unless the operator configured others. `detail` has the one that counts."
    NulCharacter "The text holds U+0000"
        "Texts may hold every character except U+0000."
    LoneSurrogate "The text holds half of a surrogate pair"
        "An escape such as `\\ud83d` stands for a character only together with its other half."
    WrongType "The value has the wrong JSON type"
        "For instance a number where a text is wanted, or a text where an object is wanted."
    UnknownField "Unknown member"
        "Members that are not documented are refused rather than ignored. The sender of a message cannot be changed."
    DuplicateField "Duplicate member"
        "Which of the two counts would be a guess, so neither does."
    TooDeep "The value is nested too deeply"
        "Metadata may be nested 32 levels deep, the outermost object included."
    PastLast "The number is past the last message"
        "A reader can have read no further than the last message of the chat. `detail` says its number."
    EmptyBatch "The batch has no messages"
        "A batch has 1 to 1,000 messages."
    TooManyMessages "The batch has too many messages"
        "A batch has 1 to 1,000 messages, unless the operator configured another limit."
    TooManyTerms "The query has too many terms"
        "A query has 1 to 16 terms, repeated ones counted each time, unless the operator configured another limit. Terms stand between white space; double quotes make one term of several words."
    UnknownParameter "Unknown query parameter"
        "Parameters that are not documented are refused rather than ignored."
    DuplicateParameter "Duplicate query parameter"
        "Which of the two counts would be a guess, so neither does."
    InvalidParameter "Invalid query parameter"
        "`detail` says what is allowed."
    ConflictingParameters "These query parameters cannot be combined"
        "`last` goes with no other parameter but itself; `order=activity` goes with `after` and `limit` only."
    InvalidToken "The text is not a token"
        "A token has 16 to 64 bytes of `A-Z a-z 0-9 - _`."
    InvalidKey "The Idempotency-Key is not well-formed"
        "A key has 1 to 255 visible ASCII characters; enclosing double quotes are not part of it."
    InvalidEntityTag "The header is not a list of entity tags"
        "Write `*`, or tags in double quotes separated by commas, as in `\"3\"`."
    InvalidCursor "The text is not a cursor"
        "A cursor is an epoch, a dot and a position, as in `abc234.17`: the `next` or `as_of` of a page, a `Tiro-Cursor`, or the `id` of an event."
    InvalidTime "The text is not a time"
        "Times are written as in RFC 3339, for instance `2026-11-21T02:50:00.000Z`."
    InvalidLine "The line cannot be imported"
        "`detail` says what is wrong with it. Complete lines before it stay."
    Truncated "The file ends too early"
        "An exported application ends with a line that is missing here; nothing of this application was imported."
}

impl Code {
    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> String {
        let mut text = String::new();
        for (index, letter) in self.variant().char_indices() {
            if letter.is_ascii_uppercase() && index > 0 {
                text.push('_');
            }
            text.push(letter.to_ascii_lowercase());
        }
        text
    }

    /// The code that is written so on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_as_serde_writes_it_and_read_back() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
            assert_eq!(Code::parse(&code.as_str()), Some(*code));
        }
    }
}
