//! Arguments of the commands that talk to a running server.

use clap::{ArgGroup, Args};

use super::{Printing, not_empty};

/// Which server, and by what right.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server's address.
    #[arg(long, env = "TIRO_SERVER", value_name = "URL", default_value = "http://127.0.0.1:3000", value_parser = not_empty)]
    pub(crate) server: String,

    /// The operator key, if the server has one. Others on this machine can read flags: prefer the variable.
    #[arg(long, env = "TIRO_OPERATOR_KEY", value_name = "KEY", hide_env_values = true, value_parser = not_empty)]
    pub(crate) operator_key: Option<String>,
}

const IMPORT_HELP: &str = "\
What a file may hold, one JSON object a line, plain or gzip:
  plain lines   {\"chat\": \"general\", \"sender\": \"ada\", \"at\": \"2026-01-31T09:14:00Z\", \"body\": \"hi\"}
                and perhaps `metadata`; they need --application or --create
  Tiro lines    what `tiro export` wrote; they bring their application along, and need neither

Importing again changes nothing, so an interrupted import is simply repeated (with --application and the printed \
token, not with --create). Plain lines are recognised by their source, chat and place in that chat: keep --source, \
or the file's name, the same.

Examples:
  tiro import --create support chat.ndjson.gz
  tiro import --application app_… --source irc chat.ndjson
  gunzip -c chat.ndjson.gz | grep -v spam | tiro import --application app_… --source clean -
  tiro import backup.ndjson

Standard output has, with --create, the new application's token alone on the first line; then the report.

Exit status:
   0  all is stored
   1  it failed; what was stored stays
   2  the command line is wrong";

/// Arguments of `tiro import`.
#[derive(Clone, Debug, Args)]
#[command(after_help = IMPORT_HELP, after_long_help = IMPORT_HELP)]
#[command(group = ArgGroup::new("destination").args(["application", "create"]))]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// The token of the application that takes plain lines.
    #[arg(long, env = "TIRO_APPLICATION", value_name = "TOKEN", hide_env_values = true, value_parser = not_empty)]
    pub(crate) application: Option<String>,

    /// Create an application of this name for plain lines and print its token.
    #[arg(long, env = "TIRO_CREATE", value_name = "NAME", value_parser = not_empty)]
    pub(crate) create: Option<String>,

    /// What plain lines come from, to recognise them when they are imported again [default: the file's name].
    #[arg(long, env = "TIRO_SOURCE", value_name = "SOURCE", value_parser = not_empty)]
    pub(crate) source: Option<String>,

    #[command(flatten)]
    pub(crate) printing: Printing,

    /// The file to read; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: String,
}

const EXPORT_HELP: &str = "\
The file holds Tiro lines: the whole history with numbers, versions, times, keys and cursors. `tiro import` brings \
it back into a Tiro that does not have the application. It holds every token and message: keep it safe. The file \
appears under its name only when it is complete, readable by you alone.

Examples:
  tiro export backup.ndjson
  tiro export --application app_… support.ndjson
  tiro export | gzip > backup.ndjson.gz

Exit status:
   0  the export is complete
   1  it failed; FILE is as it was before
   2  the command line is wrong";

/// Arguments of `tiro export`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXPORT_HELP, after_long_help = EXPORT_HELP)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// The token of the application to export [default: all applications].
    #[arg(long, env = "TIRO_APPLICATION", value_name = "TOKEN", hide_env_values = true, value_parser = not_empty)]
    pub(crate) application: Option<String>,

    /// The file to write; `-` is standard output.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: String,
}
