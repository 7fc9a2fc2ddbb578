//! What an index goes through: deleted, of something else, ahead of the database, made anew, all under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tiro_conformance::Generator;

use crate::opensearch::http;
use crate::{IndexError, Indexer, IndexerError, SearchIndex};

use super::world::{PARTITIONS, World, Write, run};

/// An index behind the cluster's alias, with this `_meta` and mapping of the grams.
async fn put_index(world: &World, meta: serde_json::Value, grams: serde_json::Value) {
    let alias = format!("{}-messages", world.config.name);
    let index = format!("{alias}-v1-1");
    let keyword = json!({"type": "keyword"});
    let long = json!({"type": "long"});
    let body = json!({
        "settings": {"number_of_shards": 2, "number_of_replicas": 0},
        "aliases": {&alias: {}, format!("{index}-write"): {}},
        "mappings": {"dynamic": "strict", "_meta": meta, "properties": {
            "state": keyword, "application": keyword, "chat": keyword, "token": keyword, "grams": grams,
            "position": long, "created_at": long, "application_number": long, "chat_number": long, "number": long,
            "watermark_of": keyword,
        }},
    });
    let url = format!("{}/{index}", world.config.opensearch);
    let answer = http(&world.config)
        .unwrap()
        .put(url)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[test]
fn an_index_that_was_deleted_is_made_anew_and_holds_everything() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["one text"]).await;
        world.index_all().await;
        world.index.delete_all().await.unwrap();
        world.send(1, 1, 2, &["two text"]).await;
        world.index_all().await;
        assert_eq!(world.found(1, "text").await, [(1, 2), (1, 1)]);
    });
}

#[test]
fn a_write_into_an_index_that_was_deleted_does_not_bring_it_back_empty() {
    run(|world| async move {
        let generation = world.index.ensure().await.unwrap();
        world.index.delete_all().await.unwrap();
        let answer = world.index.set_watermark(&generation, 1, 5).await;
        assert!(matches!(answer, Err(IndexError::Missing)), "{answer:?}");
        assert!(matches!(world.index.current().await, Err(IndexError::Missing)));
    });
}

#[test]
fn an_index_of_another_database_or_an_earlier_folding_is_made_anew() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["one text"]).await;
        let another = Indexer::new(
            world.pool.clone(),
            SearchIndex::new(&world.config, [8; 16]).unwrap(),
        );
        assert_eq!(another.index_partition(1, 1).await.unwrap(), 1);
        another
            .index()
            .refresh(&another.index().current().await.unwrap())
            .await
            .unwrap();
        assert!(matches!(world.index.current().await, Err(IndexError::Missing)));
        let (_, watermarks) = world
            .candidates(&World::in_application(1), "text", 9)
            .await
            .unwrap();
        assert_eq!(watermarks, [].into(), "what another one indexed does not count");
        world.index_all().await;
        assert_eq!(world.found(1, "text").await, [(1, 1)]);
    });
}

#[test]
fn an_index_of_a_later_folding_is_left_alone() {
    run(|world| async move {
        let meta = json!({"data_set": "07".repeat(16), "folding_version": tiro_core::FOLDING_VERSION + 1});
        put_index(&world, meta, json!({"type": "keyword"})).await;
        for answer in [world.index.ensure().await, world.index.current().await] {
            assert!(matches!(answer, Err(IndexError::Newer { .. })), "{answer:?}");
        }
    });
}

#[test]
fn an_index_ahead_of_the_database_is_made_anew() {
    run(|world| async move {
        world.create_application(1).await;
        let end = world.send(1, 1, 1, &["one text", "two text"]).await;
        world.index_all().await;
        // The database was put back to an earlier state.
        sqlx::query("UPDATE partitions SET position = 1 WHERE id = 1")
            .execute(&world.pool)
            .await
            .unwrap();
        for table in ["messages WHERE number = 2", "changes WHERE number = 2"] {
            let delete = sqlx::AssertSqlSafe(format!("DELETE FROM {table}"));
            sqlx::query(delete).execute(&world.pool).await.unwrap();
        }
        let answer = world.indexer.index_partition(1, end).await;
        assert!(
            matches!(answer, Err(IndexerError::Index(IndexError::Missing))),
            "{answer:?}"
        );
        world.index_all().await;
        let (found, watermarks) = world
            .candidates(&World::in_application(1), "text", 9)
            .await
            .unwrap();
        assert_eq!((found, watermarks), (vec![(1, 1, 1)], [(1, 1)].into()));
    });
}

#[test]
fn a_document_that_is_refused_is_a_candidate_of_every_search() {
    run(|world| async move {
        let identity = json!({"data_set": "07".repeat(16), "folding_version": tiro_core::FOLDING_VERSION});
        put_index(&world, identity, json!({"type": "long"})).await;
        world.create_application(1).await;
        let end = world.send(1, 1, 1, &["one text", "two text"]).await;
        world.index_all().await;
        let (found, watermarks) = world
            .candidates(&World::in_application(1), "123", 9)
            .await
            .unwrap();
        assert_eq!(
            (found, watermarks),
            (vec![(1, 1, 2), (1, 1, 1)], [(1, end)].into())
        );
        world.indexer.rebuild(&mut |_| {}).await.unwrap();
        assert_eq!(world.found(1, "one").await, [(1, 1)]);
    });
}

#[test]
fn several_who_make_the_index_at_once_make_one() {
    run(|world| async move {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let index = world.index.clone();
            tasks.spawn(async move { index.ensure().await.unwrap() });
        }
        let made = tasks.join_all().await;
        assert!(made.iter().all(|one| one.number() == 1), "{made:?}");
    });
}

#[test]
fn a_rebuild_replaces_the_index_goes_on_where_it_was_cut_off_and_tells_how_far_it_is() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["one text", "two text"]).await;
        world.index_all().await;
        let serving = world.index.current().await.unwrap();
        let begun = world.index.begin_next(&serving).await.unwrap();
        assert_eq!(world.indexer.index_into(&begun, 1, 1, |_| {}).await.unwrap(), 1);
        assert_eq!(
            world.index.current().await.unwrap(),
            serving,
            "it does not serve before it is complete"
        );
        let mut told = Vec::new();
        world
            .indexer
            .rebuild(&mut |progress| told.push((progress.indexed, progress.positions)))
            .await
            .unwrap();
        assert_eq!(told, [(2, 2)], "the first position was there");
        let rebuilt = world.index.current().await.unwrap();
        assert_eq!(rebuilt, begun);
        assert_eq!(rebuilt.number(), serving.number() + 1);
        assert_eq!(world.found(1, "text").await, [(1, 2), (1, 1)]);
        let old = world.index.watermark(&serving, 1).await;
        assert!(matches!(old, Err(IndexError::Missing)), "{old:?}");
    });
}

/// Two of those who look for an index and make one at different moments can each make one.
#[test]
fn of_two_that_serve_the_later_stays_and_nothing_is_missing_meanwhile() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["one text", "two text"]).await;
        world.index_all().await;
        let first = world.index.current().await.unwrap();
        let second = world.index.begin_next(&first).await.unwrap();
        let alias = format!("{}-messages", world.config.name);
        let body = json!({"actions": [{"add": {"index": second.index(), "alias": alias}}]});
        let url = format!("{}/_aliases", world.config.opensearch);
        let answer = http(&world.config)
            .unwrap()
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
        assert_eq!(world.found(1, "text").await, [(1, 2), (1, 1)]);
        assert_eq!(world.index.ensure().await.unwrap(), second);
        assert_eq!(world.found(1, "text").await, []);
        world.index_all().await;
        assert_eq!(world.found(1, "text").await, [(1, 2), (1, 1)]);
    });
}

/// Writes, two indexers, a rebuild and a deletion of the index at once: at no moment does a watermark promise more than
/// there is.
#[test]
fn no_watermark_is_ever_ahead_of_what_is_found_while_all_goes_on() {
    run(|world| async move {
        for application in 1..=3 {
            world.create_application(application).await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let mut indexers = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (world, stop) = (world.clone(), Arc::clone(&stop));
            indexers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    for partition in 0..PARTITIONS {
                        match world.indexer.index_partition(partition, u64::MAX).await {
                            Ok(_) | Err(IndexerError::Index(IndexError::Missing)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
        let writer = tokio::spawn(write_for_a_while(world.clone()));
        let mut checks = 0;
        while !writer.is_finished() {
            for query in ["an", "the", "ing"] {
                world.assert_complete(query).await;
            }
            checks += 1;
            match checks {
                3 => world.index.delete_all().await.unwrap(),
                6 => match world.indexer.rebuild(&mut |_| {}).await {
                    Ok(()) | Err(IndexerError::Index(IndexError::Missing)) => {}
                    Err(error) => panic!("{error}"),
                },
                _ => {}
            }
        }
        writer.await.unwrap();
        stop.store(true, Ordering::Relaxed);
        indexers.join_all().await;
        assert!(checks > 6, "{checks}");
        world.index_all().await;
        for query in ["an", "the", "ing", "e"] {
            world.assert_complete(query).await;
        }
    });
}

async fn write_for_a_while(world: World) {
    let (mut generator, mut random) = (Generator::new(9), fastrand::Rng::with_seed(9));
    let mut last = [0_u64; 4];
    for _ in 0..3_000 {
        let application = random.u32(1..=3);
        let last = &mut last[application as usize];
        let place = (application, 1, random.u64(1..=(*last).max(1)));
        let body = generator.message().body;
        match random.u8(0..10) {
            0 | 1 if *last > 0 => world.write(place, &Write::Edit(&body)).await,
            2 if *last > 0 => world.write(place, &Write::Delete).await,
            _ => {
                *last += 1;
                world.write((application, 1, *last), &Write::Create(&body)).await
            }
        };
    }
}
