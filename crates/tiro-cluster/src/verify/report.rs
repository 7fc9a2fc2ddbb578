//! What a check looked at and found.

/// Most findings that a report lists.
const FINDINGS_MAX: usize = 100;

/// What can be done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing by itself: what is missing is nowhere else.
    None,
    /// A check with `repair` puts it right.
    Repair,
    /// It was put right.
    Repaired,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: applications by number and the first eight bytes of the token.
    pub place: String,
    /// What.
    pub problem: String,
    /// What can be done, or was.
    pub remedy: Remedy,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Partitions.
    pub partitions: u64,
    /// Applications, tombstones and those that are being restored included.
    pub applications: u64,
    /// Chats of live applications, tombstones included.
    pub chats: u64,
    /// Messages of live applications, tombstones included.
    pub messages: u64,
    /// Markers of live chats.
    pub markers: u64,
    /// Changes of live applications.
    pub changes: u64,
    /// Messages that were looked for in the search index; 0 if it was not compared.
    pub index_documents: u64,
    /// The first of what is wrong, at most 100, repaired or not.
    pub findings: Vec<Finding>,
    /// How much is wrong in all, repaired or not.
    pub findings_count: u64,
    /// How much of it was put right.
    pub repaired_count: u64,
    /// What is no fault, but worth knowing.
    pub remarks: Vec<String>,
    /// Chats whose counts were compared.
    pub(super) counted_chats: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong, or nothing any more.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings_count == self.repaired_count
    }

    pub(super) fn found(&mut self, place: String, problem: String, remedy: Remedy) {
        self.findings_count += 1;
        self.repaired_count += u64::from(remedy == Remedy::Repaired);
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                place,
                problem,
                remedy,
            });
        }
    }
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyProgress {
    /// Counts are compared with what they count.
    Counts {
        /// Chats so far.
        chats: u64,
    },
    /// Applications are checked with all that is below them.
    Applications {
        /// Applications so far.
        applications: u64,
        /// Messages so far.
        messages: u64,
    },
    /// The positions of partitions are counted.
    Positions {
        /// Partitions so far.
        done: u64,
        /// Partitions in all.
        total: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_lists_a_hundred_findings_and_counts_all() {
        let mut report = VerifyReport::default();
        for number in 0..150 {
            let remedy = if number % 2 == 0 {
                Remedy::Repaired
            } else {
                Remedy::None
            };
            report.found(number.to_string(), String::new(), remedy);
        }
        assert_eq!((report.findings.len(), report.findings_count), (100, 150));
        assert_eq!(report.repaired_count, 75);
        assert!(!report.is_sound());
    }
}
