//! Whole searches over index, tail and rows: complete whether the indexer runs, lags, stands still or has no index.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::mysql::MySqlConnectOptions;
use tiro_core::{Found, IfBehind, Limits, Query, SearchAfter, SearchRequest, SearchScope, Searched};

use crate::SearchIndex;
use crate::lookups::Lookups;
use crate::search::{Indexed, Search};

use super::world::{World, Write, run};

fn search_over(world: &World, index: SearchIndex) -> (Search, Arc<Indexed>) {
    let options: MySqlConnectOptions = world.config.mysql.parse().unwrap();
    let lookups = Lookups::new(options);
    let pool = lookups.pool.another(4);
    let index = Arc::new(Indexed::new(index, lookups));
    (Search::new(pool, index.clone()), index)
}

fn request(scope: SearchScope, query: &str, after: Option<SearchAfter>, limit: u32) -> SearchRequest {
    SearchRequest {
        scope,
        query: Query::parse(query, &Limits::default()).unwrap(),
        after,
        limit,
        if_behind: IfBehind::Refuse,
    }
}

async fn page(search: &Search, request: &SearchRequest) -> Found {
    match search.answer(request).await {
        Ok(Searched::Found(found)) => found,
        other => panic!("{other:?}"),
    }
}

/// Chat and number of every hit in an application, by pages.
async fn hits(search: &Search, application: u32, query: &str, limit: u32) -> Vec<(u64, u64)> {
    let scope = SearchScope::Application(World::token(application));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = page(search, &request(scope.clone(), query, after, limit)).await;
        assert!(
            page.hits
                .iter()
                .all(|hit| hit.application == World::token(application))
        );
        found.extend(page.hits.iter().map(|hit| (hit.chat, hit.message.number)));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

#[test]
fn a_search_is_complete_without_an_index_with_half_of_one_and_with_all() {
    run(|world| async move {
        for application in [1, 5] {
            world.create_application(application).await;
        }
        let (search, index) = search_over(&world, world.index.clone());
        let bodies = ["an Apple a day", "no pears", "世界 apple C++", "apple"];
        for application in [1, 5] {
            world.send(application, 1, 1, &bodies).await;
            world.send(application, 2, 1, &bodies[..1]).await;
        }
        world.write((1, 1, 4), &Write::Delete).await;
        world.write((1, 1, 2), &Write::Edit("pineAPPLEs")).await;
        for indexed in [0, 3, 11, 12] {
            if indexed > 0 {
                assert_eq!(world.indexer.index_partition(1, indexed).await.unwrap(), indexed);
                world
                    .index
                    .refresh(&world.index.current().await.unwrap())
                    .await
                    .unwrap();
            }
            assert!(index.trouble().is_none(), "{indexed}");
            for limit in [1, 2, 50] {
                let found = |query| hits(&search, 1, query, limit);
                assert_eq!(
                    found("apple").await,
                    [(2, 1), (1, 3), (1, 2), (1, 1)],
                    "{indexed}"
                );
                assert_eq!(found("pears").await, [], "{indexed}");
                assert_eq!(found("世界").await, [(1, 3)], "{indexed}");
                assert_eq!(found("c++ p").await, [(1, 3)], "{indexed}");
                assert_eq!(found("x").await, [], "{indexed}");
                assert_eq!(found("y").await, [(2, 1), (1, 1)], "{indexed}");
            }
            assert_eq!(index.trouble().is_some(), indexed == 0, "{indexed}");
            if indexed == 0 {
                world.index.ensure().await.unwrap();
                hits(&search, 1, "apple", 9).await;
            }
        }
    });
}

#[test]
fn over_everything_hits_of_all_partitions_come_in_one_order() {
    run(|world| async move {
        for application in 1..=5 {
            world.create_application(application).await;
        }
        for number in 1..=8 {
            for application in 1..=5 {
                world
                    .write((application, 1, number), &Write::Create("the same text"))
                    .await;
            }
            if number == 5 {
                world.index_all().await;
            }
        }
        let (search, _) = search_over(&world, world.index.clone());
        let mut walks = Vec::new();
        for limit in [3, 200] {
            let (mut places, mut after) = (Vec::new(), None);
            loop {
                let request = request(SearchScope::Everything, "same", after, limit);
                let found = page(&search, &request).await;
                places.extend(found.hits.iter().map(|hit| hit.place()));
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(places.len(), 40);
            assert!(
                places.windows(2).all(|pair| pair[0] > pair[1]),
                "newest first, each once"
            );
            walks.push(places);
        }
        assert_eq!(walks[0], walks[1]);
    });
}

/// What C3 promises, with an indexer at work, one that is often cut off, and an index that goes away in between.
#[test]
fn every_write_is_found_by_the_next_search_while_the_index_comes_and_goes() {
    run(|world| async move {
        world.create_application(1).await;
        let stop = Arc::new(AtomicBool::new(false));
        let indexing = {
            let (world, stop) = (world.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let work = world.indexer.index_partition(1, u64::MAX);
                    // Cut off now and then, wherever it is.
                    let cut_off = tokio::time::timeout(std::time::Duration::from_millis(40), work).await;
                    if let Ok(Err(error)) = cut_off {
                        assert!(error.to_string().contains("no search index"), "{error}");
                    }
                }
            })
        };
        let (search, _) = search_over(&world, world.index.clone());
        for number in 1..=150 {
            let (new, edited) = (format!("new{number}x end"), format!("edited{number}x end"));
            world.write((1, 1, number), &Write::Create(&new)).await;
            assert_eq!(hits(&search, 1, &format!("W{number}X"), 5).await, [(1, number)]);
            world.write((1, 1, number), &Write::Edit(&edited)).await;
            assert_eq!(hits(&search, 1, &format!("w{number}x"), 5).await, []);
            assert_eq!(hits(&search, 1, &format!("d{number}x"), 5).await, [(1, number)]);
            if number % 3 == 0 {
                world.write((1, 1, number), &Write::Delete).await;
                assert_eq!(hits(&search, 1, &format!("d{number}x"), 5).await, []);
            }
            if number % 60 == 0 {
                world.index.delete_all().await.unwrap();
            }
        }
        stop.store(true, Ordering::Relaxed);
        indexing.await.unwrap();
        assert_eq!(hits(&search, 1, "end", 30).await.len(), 100);
    });
}

#[test]
fn an_index_that_is_too_far_behind_is_said_and_answered_in_part_where_that_is_wanted() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["one text", "two text"]).await;
        world.index_all().await;
        world.change_application_until(1, 60_000).await;
        let (search, _) = search_over(&world, world.index.clone());
        let mut request = request(SearchScope::Application(World::token(1)), "text", None, 9);
        let Ok(Searched::Behind(behind)) = search.answer(&request).await else {
            panic!("60,000 changes are too many");
        };
        assert!(!behind.retry_after.is_zero());
        request.if_behind = IfBehind::AnswerInPart;
        let found = page(&search, &request).await;
        assert_eq!(found.hits.len(), 2);
        assert_eq!(found.searched_through, behind.searched_through);
        request.if_behind = IfBehind::Refuse;
        world.index_all().await;
        assert_eq!(page(&search, &request).await.hits.len(), 2);
    });
}

#[test]
fn with_opensearch_away_a_search_is_answered_from_the_tail_and_says_what_is_amiss() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["one text", "two text"]).await;
        world.index_all().await;
        let mut config = world.config.clone();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        config.opensearch = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let (search, index) = search_over(&world, SearchIndex::new(&config, [7; 16]).unwrap());
        assert_eq!(hits(&search, 1, "text", 1).await, [(1, 2), (1, 1)]);
        let trouble = index.trouble().unwrap();
        assert!(trouble.contains("cannot be reached"), "{trouble}");
    });
}
