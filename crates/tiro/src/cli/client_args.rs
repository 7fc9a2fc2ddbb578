//! Arguments of the commands that talk to a running server.

use clap::{ArgGroup, Args};

use super::{Printing, not_empty};

/// Which server, and by what right.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerArgs {
    /// The server's address.
    #[arg(long, env = "TIRO_SERVER", value_name = "URL", default_value = "http://127.0.0.1:3000", value_parser = not_empty)]
    pub(crate) server: String,

    /// The operator key, if the server has one. Other users of this machine can see flags: prefer the variable.
    #[arg(long, env = "TIRO_OPERATOR_KEY", value_name = "KEY", hide_env_values = true, value_parser = not_empty)]
    pub(crate) operator_key: Option<String>,
}

const IMPORT_HELP: &str = "\
The file has one JSON object per line, and may be compressed with gzip:
  plain lines   {\"chat\": \"general\", \"sender\": \"ada\", \"at\": \"2026-01-31T09:14:00Z\", \"body\": \"hi\"}
                `metadata` is optional; they need --application or --create
  an export     what `tiro export` wrote; it contains its applications, and needs neither

Importing the same file again changes nothing, so repeat an interrupted import (with --application and the printed \
token, not with --create). Plain lines are recognised by their source, chat and position in that chat: keep --source, \
or the file's name, the same.

Examples:
  tiro import --create support chat.ndjson.gz
  tiro import --application app_… --source irc chat.ndjson
  gunzip -c chat.ndjson.gz | grep -v spam | tiro import --application app_… --source clean -
  tiro import backup.ndjson

With --create the first line of standard output is the new application's token; the report follows.

Exit status:
   0  everything is stored
   1  it failed; lines that were stored before stay
   2  the command line is wrong";

/// Arguments of `tiro import`.
#[derive(Clone, Debug, Args)]
#[command(after_help = IMPORT_HELP, after_long_help = IMPORT_HELP)]
#[command(group = ArgGroup::new("destination").args(["application", "create"]))]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// The token of the application that receives plain lines.
    #[arg(long, env = "TIRO_APPLICATION", value_name = "TOKEN", hide_env_values = true, value_parser = not_empty)]
    pub(crate) application: Option<String>,

    /// Create an application with this name for plain lines, and print its token.
    #[arg(long, env = "TIRO_CREATE", value_name = "NAME", value_parser = not_empty)]
    pub(crate) create: Option<String>,

    /// A name for the source of plain lines, to recognise them in a repeated import [default: the file's name].
    #[arg(long, env = "TIRO_SOURCE", value_name = "SOURCE", value_parser = not_empty)]
    pub(crate) source: Option<String>,

    #[command(flatten)]
    pub(crate) printing: Printing,

    /// The file to read; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: String,
}

const EXPORT_HELP: &str = "\
The file has the whole history as JSON lines: content, numbers, versions, times, idempotency keys and cursors. \
`tiro import` restores it into a server that does not have the application. It contains every token and message: \
keep it safe. FILE is created only when the export is complete, readable by you alone.

Examples:
  tiro export backup.ndjson
  tiro export --application app_… support.ndjson
  tiro export | gzip > backup.ndjson.gz

Exit status:
   0  the export is complete
   1  it failed; FILE is unchanged
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
