//! The bugs that can be planted, and what the checker may see of each.

use tiro_conformance::history::Anomaly;

/// A bug by the name that the executable knows.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    /// How often a round kills: a bug that only a restart shows needs it.
    pub(crate) kills: usize,
    /// Anomalies that are its doing; one of them has to be seen.
    pub(crate) may_cause: &'static [Anomaly],
}

/// What is acknowledged and gone: its number and position are given out again, or it is missing in the end.
const LOSS: &[Anomaly] = &[
    Anomaly::LostWrite,
    Anomaly::NumberTwice,
    Anomaly::PositionTwice,
    Anomaly::PositionsOutOfOrder,
];

pub(crate) const BUGS: &[Planted] = &[
    after_kills("acknowledge-before-sync", LOSS),
    after_kills("skip-sync", LOSS),
    after_kills("drop-last-batch", LOSS),
    after_kills("cut-synced-batch", LOSS),
    // Readers saw what nobody was told: only they can tell that it is gone.
    after_kills(
        "publish-before-sync",
        &[Anomaly::SeenThenUnseen, Anomaly::PositionsOutOfOrder],
    ),
    at_once("apply-twice", &[Anomaly::WrongCount]),
    at_once("raise-version-twice", &[Anomaly::VersionMissing]),
    at_once("number-twice", &[Anomaly::NumberTwice]),
    at_once("number-hole", &[Anomaly::NumberMissing]),
    at_once("forget-key", &[Anomaly::CarriedOutTwice]),
    at_once("key-not-in-view", &[Anomaly::CarriedOutTwice]),
    at_once("replay-differs", &[Anomaly::ReplayDiffers]),
    at_once("stale-read", &[Anomaly::StaleRead, Anomaly::LostWrite]),
    at_once("count-after-delete", &[Anomaly::WrongCount]),
    at_once("lose-update", &[Anomaly::LostUpdate]),
    at_once("ignore-condition", &[Anomaly::ConditionIgnored]),
    at_once("short-page", &[Anomaly::IncompletePage]),
    at_once("body-of-deleted", &[Anomaly::WrongContent]),
    at_once("lose-round", &[Anomaly::LostWrite, Anomaly::UnexpectedRefusal]),
    at_once("neighbours-number", &[Anomaly::WrongContent]),
];

const fn after_kills(name: &'static str, may_cause: &'static [Anomaly]) -> Planted {
    Planted {
        name,
        kills: 4,
        may_cause,
    }
}

const fn at_once(name: &'static str, may_cause: &'static [Anomaly]) -> Planted {
    Planted {
        name,
        kills: 0,
        may_cause,
    }
}
