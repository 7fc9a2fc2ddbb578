//! Arguments of `tiro search`.

use clap::builder::BoolishValueParser;
use clap::{Args, value_parser};

use super::{ServerArgs, not_empty};

const HELP: &str = "\
Finds the messages whose body contains every term of QUERY, also inside words, ignoring case, accents and character \
width. Terms are separated by white space; \"several words\" in double quotes are one term; there are no wildcards. \
Several QUERY arguments are joined by spaces; put `--` before one that begins with a dash.

Examples:
  tiro search --application app_… parcel                     in one application
  tiro search --application app_… --chat 4 parcel late       in one chat, both words
  tiro search --application app_… '\"late parcel\"'            the exact phrase
  tiro search --all --json C++ > hits.ndjson                 in all applications, every hit
  tiro search --application app_… -- --force                 a query that looks like a flag

Prints one line for each hit, the newest message first: CHAT/NUMBER  SENDER  TIME  BODY, with the application's token \
in front if all applications are searched. Control characters are replaced; --json prints the exact texts. On a terminal \
matches are coloured, unless NO_COLOR is set.

Exit status:
   0  at least one hit
   1  no hit, or the search failed
   2  the command line or the query is wrong";

/// Arguments of `tiro search`.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP, after_long_help = HELP)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// The token of the application to search [default: all applications; needs the operator key].
    #[arg(long, env = "TIRO_APPLICATION", value_name = "TOKEN", hide_env_values = true, value_parser = not_empty)]
    pub(crate) application: Option<String>,

    /// The number of the chat to search in that application [default: all chats].
    #[arg(long, env = "TIRO_CHAT", value_name = "NUMBER", requires = "application", value_parser = value_parser!(u64).range(1..))]
    pub(crate) chat: Option<u64>,

    /// Most hits to print.
    #[arg(long, env = "TIRO_LIMIT", value_name = "COUNT", default_value_t = 50, value_parser = value_parser!(u64).range(1..))]
    pub(crate) limit: u64,

    /// Print all hits.
    #[arg(long, env = "TIRO_ALL", conflicts_with = "limit", value_parser = BoolishValueParser::new())]
    pub(crate) all: bool,

    /// Print each hit as one JSON object per line.
    #[arg(long, env = "TIRO_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,

    /// The search query.
    #[arg(value_name = "QUERY", required = true)]
    pub(crate) query: Vec<String>,
}
