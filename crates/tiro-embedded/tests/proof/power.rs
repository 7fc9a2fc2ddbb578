//! A process is killed, another one shows what it finds, and then the power goes.

use fastrand::Rng;

use crate::crashes::record;
use crate::image::Fate;
use crate::judge::Known;
use crate::media::{Media, Step};
use crate::store::{Store, export};
use crate::workload::Workload;

#[test]
fn what_was_read_after_a_kill_between_write_and_sync_is_still_there_after_a_power_loss() {
    let workload = Workload::with_readers(120, 3);
    let steps = record(&workload);
    let mut media = Media::default();
    let mut shown_unsynced = 0;
    for (index, step) in steps.iter().enumerate() {
        media.apply(step);
        if !matches!(step, Step::Write { .. }) {
            continue;
        }
        let known = Known::after(&steps[..=index]);
        let restarted = Store::on(media.clone());
        let engine = restarted.open().unwrap();
        let shown = export(&engine);
        let present = workload.requests_in(&shown, known.acknowledged, known.submitted);
        shown_unsynced += usize::from(present > known.acknowledged);
        let lost_power = restarted
            .disk
            .media()
            .image(Fate::Dropped, &mut Rng::with_seed(1));
        drop(engine);
        let engine = Store::holding(&lost_power).open().unwrap();
        assert!(
            export(&engine) == shown,
            "after step {index}, what was shown is gone"
        );
    }
    println!("{shown_unsynced} times a batch was shown that the killed process had not synced");
    assert!(shown_unsynced > 20, "{shown_unsynced}");
}
