//! Parked creates that were rejected: remembered in the transaction that decided so, and looked up behind the same lock.
//!
//! Such a refusal binds no key and makes no change, so a row of its own is all that tells who asks. Rows of long ago are
//! removed with old transactions.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tiro_core::{ApplicationId, ApplicationNeed, Facts, Rejection, is_told_by_the_application};

use super::rows::Corrupt;
use super::script::{Cell, Script};
use super::session::Session;
use super::trouble::Trouble;
use crate::queue::Job;

/// For how long it is told why a parked create was rejected, in milliseconds.
pub(crate) const REFUSED_KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Most places that one statement looks for.
const PLACES_MAX: usize = 500;

/// An operation of an application, by its digest.
pub(crate) type Place = (ApplicationId, [u8; 32]);

/// What the operations of a batch were rejected for.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    known: HashMap<Place, Rejection, RandomState>,
    new: Vec<(Place, u8)>,
}

impl Refused {
    /// Why an operation was rejected before, in its own batch too.
    pub(crate) fn known(&self, place: Place) -> Option<Rejection> {
        self.known.get(&place).cloned()
    }

    /// An operation is rejected.
    pub(crate) fn note(&mut self, place: Place, rejection: &Rejection) {
        if let Some(number) = number(rejection)
            && self.known.insert(place, rejection.clone()).is_none()
        {
            self.new.push((place, number));
        }
    }

    /// Those that are to be remembered, with the number of their reason.
    pub(crate) fn noted(&self) -> &[(Place, u8)] {
        &self.new
    }
}

/// Where the rejection of a parked create is remembered; `None` for one that was not parked, or whose application is not there.
pub(crate) fn place(job: &Job, facts: &Facts) -> Option<Place> {
    let ApplicationNeed::Token(token) = job.request.command.application() else {
        return None;
    };
    Some((facts.application_by_token(token)?.id, job.operation?))
}

/// Looks for those of a batch, in its transaction; asks nothing where none was parked.
pub(crate) async fn find(session: &mut Session, jobs: &[Job], facts: &Facts) -> Result<Refused, Trouble> {
    let mut script = Script::default();
    let places: Vec<Place> = jobs.iter().filter_map(|job| place(job, facts)).collect();
    for places in places.chunks(PLACES_MAX) {
        script.sql(
            "SELECT application, operation, reason FROM refused_operations WHERE (application, operation) IN (",
        );
        for (index, (application, operation)) in places.iter().enumerate() {
            if index > 0 {
                script.sql(",");
            }
            script.tuple(&[application.0.into(), Cell::Bytes(operation)]);
        }
        script.sql(")").end();
    }
    let mut refused = Refused::default();
    if places.is_empty() {
        return Ok(refused);
    }
    session
        .run(script, |_, row| {
            use sqlx::Row;
            let operation: Vec<u8> = row.try_get(1)?;
            let operation = operation
                .try_into()
                .map_err(|_| Corrupt("an operation has another length".to_owned()))?;
            let place = (ApplicationId(row.try_get(0)?), operation);
            refused.known.insert(place, rejection(row.try_get(2)?)?);
            Ok(())
        })
        .await?;
    Ok(refused)
}

/// The number of a reason in `refused_operations.reason`; `None` for what the application itself tells.
fn number(rejection: &Rejection) -> Option<u8> {
    match rejection {
        Rejection::ChatNotFound => Some(1),
        Rejection::ChatDeleted => Some(2),
        Rejection::KeyReused => Some(3),
        told if is_told_by_the_application(told) => None,
        other => unreachable!("no create is rejected for {other:?}"),
    }
}

/// The reason of a number.
pub(crate) fn rejection(number: u8) -> Result<Rejection, Corrupt> {
    match number {
        1 => Ok(Rejection::ChatNotFound),
        2 => Ok(Rejection::ChatDeleted),
        3 => Ok(Rejection::KeyReused),
        _ => Err(Corrupt(format!(
            "an operation was rejected for the unknown reason {number}"
        ))),
    }
}
