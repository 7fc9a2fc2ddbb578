//! From the command line to the server's configuration, and from what it refuses to a message that names the flag.

use std::path::{Path, PathBuf};

use tiro_http::{BindError, Config, CorsOrigin, Exposure, OperatorKey};

use super::greeting::Access;
use super::key_file::KeyFile;
use super::storage::Place;
use crate::cli::ServeArgs;
use crate::exit::Failure;

/// The configuration; values that are only wrong together are noticed here.
pub(super) fn config(args: &ServeArgs, place: &Place, key_file: Option<&KeyFile>) -> Result<Config, Failure> {
    let in_file = key_file.map(|file| file.key.as_str());
    let given = args.operator_key.as_deref();
    let operator_key = given.or(in_file).or(place.operator_key());
    if args.open && operator_key.is_some() {
        return Err(Failure::usage(
            "--open serves everyone without a key, and --operator-key (or `operator_key` in the file of --cluster) asks \
             for one: leave out one of them",
        ));
    }
    let operator_key = operator_key.map(OperatorKey::new).transpose();
    let cors_origins: Result<Vec<_>, _> = args
        .cors_origin
        .iter()
        .map(|origin| CorsOrigin::new(origin.trim()))
        .collect();
    Ok(Config {
        listen: args.listen.clone(),
        operator_key: operator_key.map_err(|error| match key_file {
            Some(file) => Failure::failed(format!(
                "--operator-key-file {} holds no key: {error}",
                file.path.display()
            )),
            None => Failure::usage(error.to_string()),
        })?,
        exposure: if args.open {
            Exposure::Open
        } else {
            Exposure::LoopbackOnly
        },
        cors_origins: cors_origins.map_err(|error| Failure::usage(error.to_string()))?,
        limits: args.limits.limits(),
        rate_limit: args.rate.limit(),
        transport: args.connections.transport(&args.limits),
    })
}

pub(super) fn access(config: &Config) -> Access {
    match (&config.operator_key, &config.exposure) {
        (Some(_), _) => Access::Key,
        (None, Exposure::Open) => Access::Open,
        (None, Exposure::LoopbackOnly) => Access::Loopback,
    }
}

/// The data folder as a person finds it again from anywhere.
pub(super) fn absolute(data: &Path) -> PathBuf {
    std::path::absolute(data).map_or_else(|_| data.to_owned(), |path| path.components().collect())
}

/// The error, which names the flag: a combination that is never served is a mistake on the command line.
pub(super) fn bind_failure(error: &BindError) -> Failure {
    match error {
        BindError::NoAddress | BindError::Exposed(_) => Failure::usage(error.to_string()),
        BindError::Refused { .. } => Failure::failed(error.to_string()),
    }
}
