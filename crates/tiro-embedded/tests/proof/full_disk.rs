//! A disk that is full: opening says so, writes are refused with the right shortage, reads go on, and all heals by itself.

use tiro_conformance::eventually;
use tiro_core::{Engine, Shortage};
use tiro_embedded::EmbeddedEngine;

use crate::image::Fate;
use crate::judge::{Known, judge};
use crate::store::{SEGMENT_BYTES, Store, export};
use crate::workload::Workload;

/// Plays on until the workload is done, once there is room.
fn finish(store: &Store, engine: &EmbeddedEngine, workload: &Workload, from: usize) {
    let mut from = from;
    eventually("writes go on without a restart", || {
        let played = store.play(engine, workload, from);
        from = played.acknowledged;
        assert!(
            matches!(played.stopped, None | Some(Shortage::StorageFull)),
            "{played:?}"
        );
        played.stopped.is_none().then_some(())
    });
    assert_eq!(engine.health().writes_blocked, None);
}

#[test]
fn wherever_the_disk_is_full_writes_are_refused_reads_go_on_and_freed_space_heals_it() {
    let workload = Workload::new(150, 5);
    let (mut refused_opening, mut refused_writing) = (0, 0);
    for capacity in (0..7 * SEGMENT_BYTES).step_by(2 << 10) {
        // One by one: what follows a refused request may be small enough for the room that is left.
        let mut store = Store::empty();
        store.burst = 1;
        store.disk.set_capacity(Some(capacity));
        let engine = match store.open() {
            Ok(engine) => engine,
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains("No space left") && text.contains(store.path().to_str().unwrap()),
                    "{text}"
                );
                refused_opening += 1;
                store.disk.set_capacity(None);
                store.open().expect("there is room now")
            }
        };
        let played = store.play(&engine, &workload, 0);
        if let Some(shortage) = played.stopped {
            assert_eq!(shortage, Shortage::StorageFull);
            assert_eq!(engine.health().writes_blocked, Some(Shortage::StorageFull));
            assert!(
                export(&engine) == workload.states[played.acknowledged],
                "reads go on"
            );
            refused_writing += 1;
            store.disk.set_capacity(None);
            // A balancer that sends nothing to a server that is not ready must hear of it without a write.
            eventually("it is ready", || {
                engine.health().writes_blocked.is_none().then_some(())
            });
            finish(&store, &engine, &workload, played.acknowledged);
        }
        assert!(export(&engine) == workload.states[workload.len()]);
        let crashed = store
            .disk
            .media()
            .image(Fate::Dropped, &mut fastrand::Rng::with_seed(1));
        drop(engine);
        let known = Known {
            submitted: workload.len(),
            acknowledged: workload.len(),
            view_sequence: 0,
        };
        judge(
            &Store::holding(&crashed),
            &workload,
            known,
            &mut fastrand::Rng::with_seed(1),
        );
    }
    println!("{refused_opening} times opening was refused, {refused_writing} times writing");
    assert!(
        refused_opening > 10 && refused_writing > 10,
        "{refused_opening}, {refused_writing}"
    );
}
