//! What a restore that was given up leaves: nothing, at once.

use tiro_core::{Command, Epoch, Failure, Outcome, Rejection, Request, Token};

use super::Store;

/// An abandoned restore hid only what the newest span held of it: once its rows had reached the view, late entries were
/// taken until the purge came by.
#[test]
fn a_restore_that_has_reached_the_view_takes_nothing_after_it_was_given_up() {
    let store = Store::with_one_chat();
    for settle_in_between in [false, true] {
        let begun = store.write(Command::BeginRestore {
            token: Token::parse("application_moved_here").unwrap(),
            epoch: Epoch::generated([2; 5]),
            last_position: 10,
        });
        let Outcome::RestoreBegun(application) = begun else {
            panic!("a restore was begun, not {begun:?}")
        };
        store.engine().recent().settle().unwrap();
        store.write(Command::AbandonRestore { application });
        if settle_in_between {
            store.engine().recent().settle().unwrap();
        }
        let late = Request::new(Command::RestoreEntries {
            application,
            entries: Vec::new(),
        });
        let refused = store.engine().write_blocking(late).unwrap_err();
        assert_eq!(refused, Failure::Rejected(Rejection::NotRestoring));
    }
}
