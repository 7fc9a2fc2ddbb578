//! Importing and exporting: `POST /v1/import` and `GET /v1/export`, NDJSON of any size, streamed with flat memory.
//!
//! An import runs in a task of its own: it outlives its connection only until it notices that nothing more comes.
//! Plain lines that were taken stay; an application that is not complete is given up. The lines are defined in
//! `tiro_api::lines`, their keys in [`import_key`], all bounds in [`bounds`].

mod bounds;
mod export;
mod format;
mod import;
mod import_key;
mod plain;
mod refusal;
mod restore;
mod submission;
mod upload;

use std::sync::Arc;

use tiro_api::Code;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::MediaType;
use crate::call::Call;
use crate::problem::Problem;
use crate::query::{Kind, Parameter};
use crate::route::{Answer, Caller, Operation, Presence, RequestBody, Route, get, post};
use bounds::{BUSY_RETRY_AFTER, EXPORTS_MAX, IMPORTS_MAX};

static IMPORT: Operation = Operation::new(
    "import",
    "import and export",
    "Import an export, or messages into an application",
)
.caller(Caller::Operator)
.parameters(&[
    Parameter {
        name: import::APPLICATION,
        kind: Kind::Text,
        description: "The token of the application that receives plain lines; required for plain lines, refused for an export.",
    },
    Parameter {
        name: import::SOURCE,
        kind: Kind::Text,
        description: "Where plain lines come from, 1 to 255 bytes; `import` if not given. Lines of one source are \
                      known again by their chat and their place in it.",
    },
])
.body(RequestBody {
    content: &[(MediaType::Ndjson, "PlainLine")],
    presence: Presence::Required,
})
.answers(&[Answer::json(
    200,
    "ImportReport",
    "Everything is stored. Importing the same lines again changes nothing.",
)])
.problems(&[
    Code::ApplicationNotFound,
    Code::ApplicationDeleted,
    Code::ChatDeleted,
    Code::ImportConflict,
    Code::IdempotencyKeyReused,
]);

static EXPORT: Operation = Operation::new(
    "export",
    "import and export",
    "Export one application, or all",
)
.caller(Caller::Operator)
.parameters(&[Parameter {
    name: export::APPLICATION,
    kind: Kind::Text,
    description: "The token of the application; default: all applications.",
}])
.answers(&[Answer::text(
    200,
    export::MEDIA_TYPE,
    "One JSON object per line: for each application a header and its change feed; for a deleted application its tombstone.",
)])
.problems(&[Code::ApplicationNotFound, Code::ApplicationDeleted]);

/// The routes of this module. Each router has its own bounds on imports and exports at one time.
pub(crate) fn routes() -> [Route; 2] {
    let imports = Arc::new(Semaphore::new(IMPORTS_MAX));
    let exports = Arc::new(Semaphore::new(EXPORTS_MAX));
    [
        post("/v1/import", &IMPORT, move |call: Call| {
            let slot = slot(&imports);
            async move { import::import(call, slot?).await }
        }),
        get("/v1/export", &EXPORT, move |call: Call| {
            let slot = slot(&exports);
            async move { export::export(call, slot?).await }
        }),
    ]
}

fn slot(slots: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    slots.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            Code::Overloaded,
            "as many imports or exports as the server carries out at one time are under way",
        )
        .retry_after(BUSY_RETRY_AFTER)
    })
}
