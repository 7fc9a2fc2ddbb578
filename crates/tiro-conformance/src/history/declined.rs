//! Writes that were declined: nothing of them may be seen, unless another attempt under their key was carried out.

use std::collections::HashSet;

use super::History;
use super::anomaly::{Anomaly, Findings};
use super::operation::Outcome;
use super::seen::Seen;
use super::writes::Writes;

pub(super) fn check(history: &History, writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let carried_out = writes.known.iter().chain(&writes.open);
    let keys: HashSet<&str> = carried_out
        .filter_map(|write| write.operation.key.as_deref())
        .collect();
    for operation in &history.operations {
        let elsewhere = operation.key.as_deref().is_some_and(|key| keys.contains(key));
        if operation.outcome != Outcome::Declined || elsewhere {
            continue;
        }
        if let Some(text) = operation.sent.texts().iter().find(|text| seen.has_text(text)) {
            findings.add(
                Anomaly::DoneThoughDeclined,
                || format!("{text:?} is there"),
                [operation],
            );
        }
    }
}
