//! Arguments of `tiro follow`.

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};
use tiro_client::api::ChangeType;

use super::{ServerArgs, not_empty};

const HELP: &str = "\
Prints a line for each entry of the application's feed, as it happens: POSITION  TIME  TYPE  CHAT/NUMBER  WHAT. \
Control characters are replaced; --json has each entry as the server sends it, with its exact texts. Connections that \
break are made again, and nothing is missed or printed twice. At its end it says with which --after to go on.

Examples:
  tiro follow app_…                                        from now on
  tiro follow app_… --after 7qk2mfa4.0                     everything, from the beginning
  tiro follow app_… --chat 4 --chat 5                      what happens in two chats
  tiro follow app_… --type message.created --json | jq -r .data.body

Exit status:
   0  SIGINT (ctrl-C) or SIGTERM came, or the application was deleted
   1  it failed: no server for 30 s, no such application, or history was rewound
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

    /// The cursor behind which to begin: a `next` or `as_of`, a `Tiro-Cursor`, an `id` [default: now].
    #[arg(long, env = "TIRO_AFTER", value_name = "CURSOR", value_parser = not_empty)]
    pub(crate) after: Option<String>,

    /// Only what happens in this chat; may be repeated.
    #[arg(long, env = "TIRO_CHAT", value_name = "NUMBER", value_delimiter = ',', value_parser = value_parser!(u64).range(1..))]
    pub(crate) chat: Vec<u64>,

    /// Only entries of this type; may be repeated.
    #[arg(long = "type", env = "TIRO_TYPE", value_name = "TYPE", value_delimiter = ',', value_parser = change_types())]
    pub(crate) types: Vec<ChangeType>,

    /// Print each entry as one JSON object on a line of its own.
    #[arg(long, env = "TIRO_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

fn change_types() -> impl TypedValueParser<Value = ChangeType> {
    let names = ChangeType::ALL.iter().map(|kind| kind.as_str());
    PossibleValuesParser::new(names)
        .map(|name| ChangeType::parse(&name).expect("only the names of types are possible"))
}
