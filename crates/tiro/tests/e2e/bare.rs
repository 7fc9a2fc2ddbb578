//! `tiro serve` where there is little else: what a container or a hardened unit leaves of a system.
//!
//! Each world is made in name spaces of its own (user, mount), which takes no rights. Where the system forbids them, the
//! test fails with what `unshare` says.

use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Ended, Tiro, block_on, temp_folder};

/// The data folder is all that can be written. The first argument is that folder.
const READ_ONLY: &str = "
    mount -t tmpfs tmpfs \"$1\"
    mount -o remount,bind,ro /
    if touch /tiro-was-here 2>/dev/null; then echo 'the root file system can be written' >&2; exit 1; fi";
/// No accounts, no names of hosts, no certificates, no time zone.
const EMPTY_ETC: &str = "
    mount -t tmpfs tmpfs /etc
    if id -un >/dev/null 2>&1; then echo 'the user has a name' >&2; exit 1; fi";
/// As a user of this number, which owns what the test made.
const BECOME: &str = "shift; exec unshare --user --map-user=10001 --map-group=10001 -- \"$@\"";

/// Serves in a world that `setup` makes, without a single variable; writes, and stops.
fn serves_in(setup: &str) -> Ended {
    let folder = temp_folder();
    let data = folder.path().to_str().unwrap();
    let script = format!("set -eu\n{setup}\n{BECOME}");
    let world = [
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
        "sh",
        data,
    ];
    let tiro = Tiro::launch(Tiro::command(folder.path(), &[]).under("unshare", &world));
    let client = tiro.client();
    block_on(async {
        let token = create_application(&client).await;
        let chat = create_chat(&client, &token).await;
        assert_eq!(create_message(&client, &token, chat, "still here").await, 1);
    });
    tiro.stop()
}

#[test]
fn a_root_file_system_that_cannot_be_written_is_enough() {
    let ended = serves_in(READ_ONLY);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_user_without_a_name_and_an_empty_etc_are_enough() {
    let ended = serves_in(EMPTY_ETC);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
