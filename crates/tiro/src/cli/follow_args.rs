//! Arguments of `tiro follow`.

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};
use tiro_client::api::ChangeType;

use super::{ServerArgs, not_empty};

const HELP: &str = "\
Prints one line for each entry of the application's change feed, live: POSITION  TIME  TYPE  CHAT/NUMBER  CONTENT. \
Control characters are replaced; --json prints each entry as the server sent it. Broken connections are opened again; no \
entry is missed or printed twice. At the end it prints the value of --after that continues.

Examples:
  tiro follow app_…                                        from now on
  tiro follow app_… --after 7qk2mfa4.0                     everything, from the beginning
  tiro follow app_… --chat 4 --chat 5                      what happens in two chats
  tiro follow app_… --type message.created --json | jq -r .data.body

Exit status:
   0  SIGINT (ctrl-C) or SIGTERM came, or the application was deleted
   1  it failed: no server for 30 s, no such application, or the cursor is of another history
   2  the command line or the cursor is wrong";

/// Arguments of `tiro follow`.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP, after_long_help = HELP)]
pub(crate) struct FollowArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// The token of the application.
    #[arg(value_name = "TOKEN", value_parser = not_empty)]
    pub(crate) token: String,

    /// Start after this cursor (`next`, `as_of`, `Tiro-Cursor` or an event's `id`) [default: now].
    #[arg(long, env = "TIRO_AFTER", value_name = "CURSOR", value_parser = not_empty)]
    pub(crate) after: Option<String>,

    /// Only entries of this chat; may be repeated.
    #[arg(long, env = "TIRO_CHAT", value_name = "NUMBER", value_delimiter = ',', value_parser = value_parser!(u64).range(1..))]
    pub(crate) chat: Vec<u64>,

    /// Only entries of this type; may be repeated.
    #[arg(long = "type", env = "TIRO_TYPE", value_name = "TYPE", value_delimiter = ',', value_parser = change_types())]
    pub(crate) types: Vec<ChangeType>,

    /// Print each entry as one JSON object per line.
    #[arg(long, env = "TIRO_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

fn change_types() -> impl TypedValueParser<Value = ChangeType> {
    let names = ChangeType::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(names)
        .map(|name| ChangeType::parse(&name).expect("only the names of types are possible"))
}
