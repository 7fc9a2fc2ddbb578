//! What the commands that talk to a server share: the client they use, and how its errors are told to a person.

use tiro_client::{Client, Error, Options, Patience};

use crate::cli::ServerArgs;
use crate::exit::Failure;

/// A client for the server that the command line names.
pub(crate) fn client(args: &ServerArgs) -> Result<Client, Failure> {
    let options = Options {
        operator_key: args.operator_key.clone(),
        patience: Patience::default(),
    };
    Client::new(&args.server, options).map_err(failure)
}

/// Runs a command that waits for a server.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no thread can be set up: {error}")))?
        .block_on(command)
}

/// The error as a person should read it, with the flag to change where one helps.
pub(crate) fn failure(error: Error) -> Failure {
    match &error {
        Error::Unusable(reason) => Failure::usage(format!("{reason} (--server, --operator-key)")),
        Error::Unreachable { .. } => Failure::failed(format!(
            "{error}\nIs `tiro serve` running there? --server names another address."
        )),
        Error::Refused(refusal) if matches!(refusal.status, 401 | 403) => Failure::failed(format!(
            "{error}\nGive the operator key of the server with --operator-key or TIRO_OPERATOR_KEY."
        )),
        _ => Failure::failed(error.to_string()),
    }
}
