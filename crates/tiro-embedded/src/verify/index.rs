//! The search index in a report: what stands in its folder, how far it goes, and where it differs from the log.
//!
//! It is derived: one that is missing or unfinished is no fault, and of one that is wrong the report says how to be rid of it.

use std::path::{Path, PathBuf};

use super::{Report, VerifyProgress};
use crate::log::LogPoint;
use crate::search::proof::{GRAMS_TOGETHER, IndexProof, Listener, ProofError, Proven, Standing};
use crate::view::{Snapshot, ViewError};

/// The index's part of a check.
pub(super) struct IndexCheck {
    folder: PathBuf,
    proof: Option<Box<IndexProof>>,
}

impl IndexCheck {
    /// Opens the index, before the log is read.
    pub(super) fn begin(folder: &Path, report: &mut Report) -> IndexCheck {
        let mut check = IndexCheck {
            folder: folder.to_owned(),
            proof: None,
        };
        match IndexProof::open(folder) {
            Ok(Standing::Whole(proof)) => check.proof = Some(proof),
            Ok(Standing::Unfinished(why)) => report.remarks.push(format!(
                "the search index {why}; the next start makes it anew from the log"
            )),
            Ok(Standing::Unusable(why)) => check.wrong(report, &why),
            Err(error) => check.wrong(report, &format!("it cannot be read: {error}")),
        }
        check
    }

    pub(super) fn batch(&mut self, after: LogPoint, payload: &[u8]) {
        if let Some(proof) = &mut self.proof {
            proof.batch(after, payload);
        }
    }

    /// Compares it with the state at the end of the log.
    pub(super) fn finish(
        self,
        state: &Snapshot,
        report: &mut Report,
        on_progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<(), ViewError> {
        let Some(proof) = &self.proof else {
            return Ok(());
        };
        let before = report.findings_count;
        let mut listener = Listener {
            on_finding: &mut |place, problem| report.found(place, problem),
            on_progress: &mut |done, total| on_progress(VerifyProgress::Index { done, total }),
        };
        match proof.prove(state, GRAMS_TOGETHER, &mut listener) {
            Ok(Proven::Through {
                sequence,
                end,
                documents,
            }) => {
                report.index_documents = documents;
                if sequence < end {
                    report.remarks.push(format!(
                        "the search index goes up to batch {sequence} of {end} and was compared up to there; the next start \
                         brings it to the end"
                    ));
                }
                if report.findings_count > before {
                    let folder = self.folder.display();
                    report.remarks.push(format!(
                        "the search index does not say what the log says: delete the folder {folder}, and the next start \
                         makes it anew from the log"
                    ));
                }
            }
            Ok(Proven::TooFarBehind) => report.remarks.push(
                "the search index was not compared, since it is far behind the log; the next start brings it to the end"
                    .into(),
            ),
            Ok(Proven::OfAnotherLog(why)) => self.wrong(report, &why),
            Err(ProofError::View(error)) => return Err(error),
            Err(error) => self.wrong(report, &format!("it cannot be read: {error}")),
        }
        Ok(())
    }

    fn wrong(&self, report: &mut Report, why: &str) {
        let folder = self.folder.display();
        report.found(
            "index",
            format!("{why}; delete the folder {folder} or start the server: it is made anew from the log"),
        );
    }
}
