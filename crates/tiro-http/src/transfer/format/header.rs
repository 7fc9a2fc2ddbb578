//! The first line of an exported application.

use serde::Deserialize;
use tiro_api::{LINES_FORMAT, LinesHeader};
use tiro_core::{Application, Epoch, Token};

use super::{LineFault, fault};

/// Which application follows, and how far its feed goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::transfer) struct Header {
    /// The application's token.
    pub(in crate::transfer) token: Token,
    /// The epoch of its cursors.
    pub(in crate::transfer) epoch: Epoch,
    /// The position of its last entry, at least 1.
    pub(in crate::transfer) last_position: u64,
}

impl Header {
    /// The header of an application.
    pub(in crate::transfer) fn of(application: &Application) -> Header {
        Header {
            token: application.token.clone(),
            epoch: application.epoch.clone(),
            last_position: application.last_position,
        }
    }

    /// The line, without its line feed.
    pub(in crate::transfer) fn to_line(&self) -> Vec<u8> {
        let header = LinesHeader {
            tiro: LINES_FORMAT,
            token: self.token.as_str().into(),
            epoch: self.epoch.as_str().into(),
            last_position: self.last_position,
        };
        serde_json::to_vec(&header).expect("numbers and strings always encode")
    }

    /// Reads a header.
    ///
    /// # Errors
    /// Not a header, one of another format, or a value that no export writes.
    pub(in crate::transfer) fn parse(line: &[u8]) -> Result<Header, LineFault> {
        #[derive(Deserialize)]
        struct Format {
            tiro: Option<u64>,
        }
        let format: Format = fault::decoded(line)?;
        match format.tiro {
            Some(LINES_FORMAT) => {}
            Some(other) => return Err(LineFault::Format(other)),
            None => return Err(LineFault::Missing("tiro")),
        }
        let header: LinesHeader<'_> = fault::decoded(line)?;
        if header.last_position == 0 {
            return Err(LineFault::Contradiction("`last_position` is at least 1"));
        }
        Ok(Header {
            token: Token::parse(&header.token).map_err(fault::of("token"))?,
            epoch: Epoch::parse(&header.epoch).ok_or(LineFault::Contradiction(
                "`epoch` is not 1 to 16 characters of a-z and 2-7",
            ))?,
            last_position: header.last_position,
        })
    }
}
