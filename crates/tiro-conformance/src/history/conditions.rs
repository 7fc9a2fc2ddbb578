//! Updates with a condition: carried out only on the version that they name.

use super::anomaly::{Anomaly, Findings};
use super::writes::Writes;

pub(super) fn check(writes: &Writes<'_>, findings: &mut Findings) {
    for (thing, changes) in &writes.changes {
        for change in changes {
            let (Some(wanted), Some(version)) = (change.sent.if_match(), change.version) else {
                continue;
            };
            if version != wanted + 1 {
                let detail = || format!("{thing} got version {version}");
                findings.add(Anomaly::ConditionIgnored, detail, [change.operation]);
            }
        }
    }
}
