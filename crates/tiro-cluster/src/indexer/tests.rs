//! The indexer against real servers: nothing that a watermark promises is ever missing.
#![allow(
    clippy::large_futures,
    reason = "statements of sqlx on a pool are; tests need no boxes for them"
)]

mod outages;
mod searches;
mod world;

use tiro_conformance::Generator;
use tiro_conformance::generator::Queries;

use crate::opensearch::{Below, CandidateScope, CandidatesAfter, message_document};
use crate::{IndexError, IndexerError};

use super::chunk::Chunk;
use world::{World, Write, run, soon};

#[test]
fn parts_of_words_and_every_character_are_found_literally() {
    run(|world| async move {
        world.create_application(1).await;
        let bodies = [
            "The Wireless driver",
            "C++ a:b 5\" 100% _x* ? (y) \\z",
            "CAFÉ 世界 ok",
            "a\tb  c\u{1}d",
            "plain",
        ];
        world.send(1, 1, 1, &bodies).await;
        world.index_all().await;
        let expected: &[(&str, &[(u64, u64)])] = &[
            ("IRELES", &[(1, 1)]),
            ("wire the", &[(1, 1)]),
            ("c++", &[(1, 2)]),
            ("a:b", &[(1, 2)]),
            ("\" 5\"\"", &[(1, 2)]),
            ("100%", &[(1, 2)]),
            ("_x*", &[(1, 2)]),
            ("(y)", &[(1, 2)]),
            ("\") \\z\"", &[(1, 2)]),
            ("cafe", &[(1, 3)]),
            ("世界", &[(1, 3)]),
            ("\"b  c\"", &[(1, 4)]),
            ("c\u{1}d", &[(1, 4)]),
            ("zzz", &[]),
            // Too short for the index: everything is a candidate.
            ("x", &[(1, 5), (1, 4), (1, 3), (1, 2), (1, 1)]),
        ];
        for (query, places) in expected {
            assert_eq!(world.found(1, query).await, *places, "{query}");
        }
    });
}

#[test]
fn random_queries_propose_everything_that_matches() {
    run(|world| async move {
        let (mut generator, mut bodies) = (Generator::new(5), Vec::new());
        for application in 1..=2 {
            world.create_application(application).await;
            let texts: Vec<String> = (0..150).map(|_| generator.message().body).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            world.send(application, 1, 1, &texts).await;
            bodies.extend(texts.into_iter().map(str::to_owned));
        }
        world.index_all().await;
        let mut queries = Queries::new(6, bodies);
        for _ in 0..150 {
            world.assert_complete(&queries.query()).await;
        }
    });
}

#[test]
fn each_scope_proposes_what_lies_in_it_newest_first_by_pages_of_any_size() {
    run(|world| async move {
        // 1 and 5 share a partition.
        for application in [1, 2, 5] {
            world.create_application(application).await;
        }
        for number in 1..=6 {
            for application in [1, 2, 5] {
                for chat in [1, 11] {
                    world
                        .write((application, chat, number), &Write::Create("the same text"))
                        .await;
                }
            }
        }
        world.index_all().await;
        let chat = CandidateScope::Chat {
            partition: 1,
            application: tiro_core::ApplicationId(1),
            chat: 1,
        };
        for limit in [1, 2, 5, 200] {
            for query in ["same", "e"] {
                let (found, watermarks) = world.candidates(&chat, query, limit).await.unwrap();
                assert_eq!(
                    found,
                    (1..=6).rev().map(|number| (1, 1, number)).collect::<Vec<_>>()
                );
                assert_eq!(watermarks, [(1, 24)].into());
                let (found, _) = world
                    .candidates(&World::in_application(5), query, limit)
                    .await
                    .unwrap();
                let expected = (1..=6).rev().flat_map(|number| [(5, 11, number), (5, 1, number)]);
                assert_eq!(found, expected.collect::<Vec<_>>());
                let (found, watermarks) = world
                    .candidates(&World::everywhere(), query, limit)
                    .await
                    .unwrap();
                assert_eq!(found.len(), 36);
                assert_eq!(watermarks, [(1, 24), (2, 12)].into());
                // Created later comes first, then the higher token.
                assert_eq!(
                    found[..6],
                    [
                        (5, 11, 6),
                        (5, 1, 6),
                        (1, 11, 6),
                        (1, 1, 6),
                        (5, 11, 5),
                        (5, 1, 5)
                    ]
                );
            }
        }
    });
}

#[test]
fn documents_that_come_out_of_order_never_bring_an_older_state_back() {
    run(|world| async move {
        world.create_application(1).await;
        world.send(1, 1, 1, &["first text", "going away"]).await;
        let (partition, token) = (World::partition(1), World::token(1));
        let old = Chunk::read(&world.pool, partition, 0, 2).await.unwrap();
        world.write((1, 1, 1), &Write::Edit("second text")).await;
        world.write((1, 1, 2), &Write::Delete).await;
        world.index_all().await;
        let generation = world.index.current().await.unwrap();
        let documents: Vec<_> = old
            .touched
            .iter()
            .map(|one| message_document(&one.message, &token, partition))
            .collect();
        assert_eq!(documents.len(), 2);
        assert!(
            world
                .index
                .store(&generation, &documents)
                .await
                .unwrap()
                .is_empty()
        );
        world
            .index
            .set_watermark(&generation, partition, 2)
            .await
            .unwrap();
        world.index.refresh(&generation).await.unwrap();
        assert_eq!(world.found(1, "first").await, []);
        assert_eq!(world.found(1, "going").await, []);
        assert_eq!(world.found(1, "second").await, [(1, 1)]);
        assert_eq!(
            world.index.watermark(&generation, partition).await.unwrap(),
            4,
            "it never goes back"
        );
    });
}

#[test]
fn an_indexer_that_dies_before_its_watermark_has_promised_nothing() {
    run(|world| async move {
        world.create_application(1).await;
        let end = world.send(1, 1, 1, &["one text", "two text"]).await;
        let generation = world.index.ensure().await.unwrap();
        let chunk = Chunk::read(&world.pool, 1, 0, end).await.unwrap();
        world.indexer.store(&generation, 1, chunk.touched).await.unwrap();
        world.index.refresh(&generation).await.unwrap();
        let (found, watermarks) = world
            .candidates(&World::in_application(1), "text", 9)
            .await
            .unwrap();
        assert_eq!(
            (found.len(), watermarks.len()),
            (2, 0),
            "it is there, but nobody says so"
        );
        world.index_all().await;
        let (found, watermarks) = world
            .candidates(&World::in_application(1), "text", 9)
            .await
            .unwrap();
        assert_eq!((found.len(), watermarks), (2, [(1, end)].into()));
    });
}

#[test]
fn a_call_indexes_no_further_than_it_was_told_and_not_past_the_end() {
    run(|world| async move {
        world.create_application(1).await;
        let bodies = vec!["some text"; 5];
        world.send(1, 1, 1, &bodies).await;
        assert_eq!(world.indexer.index_partition(1, 3).await.unwrap(), 3);
        assert_eq!(
            world.indexer.index_partition(1, 2).await.unwrap(),
            3,
            "it was further already"
        );
        assert_eq!(world.indexer.index_partition(1, 99).await.unwrap(), 5);
        assert_eq!(world.indexer.index_partition(2, 99).await.unwrap(), 0);
        let none = world.indexer.index_partition(99, 1).await.unwrap_err();
        assert!(matches!(none, IndexerError::Mysql(_)), "{none}");
    });
}

#[test]
fn restores_of_one_token_that_stand_at_one_place_are_each_proposed() {
    run(|world| async move {
        for application in [1, 5, 9] {
            world.create_application(application).await;
        }
        // As restores of one application: the same token, times and positions.
        for application in [5_u32, 9] {
            let token = World::token(1);
            let restoring = sqlx::query("UPDATE applications SET token = ?, restoring = id WHERE id = ?")
                .bind(token.as_str().as_bytes())
                .bind(application);
            restoring.execute(&world.pool).await.unwrap();
        }
        for application in [1, 5, 9] {
            world.send(application, 1, 1, &["one text", "two text"]).await;
        }
        sqlx::query("UPDATE messages SET created_at = number, created_position = number")
            .execute(&world.pool)
            .await
            .unwrap();
        world.index_all().await;
        let expected = [(9, 1, 2), (5, 1, 2), (1, 1, 2), (9, 1, 1), (5, 1, 1), (1, 1, 1)];
        for limit in [1, 2, 3, 9] {
            let (found, _) = world
                .candidates(&World::everywhere(), "text", limit)
                .await
                .unwrap();
            assert_eq!(found, expected, "{limit}");
        }
        let place = tiro_core::HitPlace {
            created_at: tiro_core::Timestamp::from_millis(2),
            token: World::token(1),
            position: 2,
        };
        let after = CandidatesAfter::Place {
            place,
            application: tiro_core::ApplicationId(0),
        };
        let behind = world
            .index
            .candidates(&World::everywhere(), &[], Some(&after), 9, soon())
            .await
            .unwrap();
        assert_eq!(behind.candidates.len(), 3, "0 is behind all of one place");
    });
}

#[test]
fn what_was_purged_is_no_candidate_and_the_rest_stays() {
    if tiro_conformance::is_lacking("delete-by-query") {
        return;
    }
    run(|world| async move {
        world.create_application(1).await;
        world.create_application(5).await;
        for (application, chat) in [(1, 1), (1, 2), (5, 1)] {
            world
                .send(application, chat, 1, &["some text", "more text"])
                .await;
        }
        world.index_all().await;
        let below = |chat| Below {
            application: tiro_core::ApplicationId(1),
            chat,
        };
        let purge = async |chats: &[Option<u64>]| {
            let things: Vec<Below> = chats.iter().copied().map(below).collect();
            world.index.purge(1, &things).await.unwrap()
        };
        assert_eq!(purge(&[Some(1), Some(3)]).await, 2);
        assert_eq!(purge(&[Some(1), Some(3)]).await, 0);
        world
            .index
            .refresh(&world.index.current().await.unwrap())
            .await
            .unwrap();
        assert_eq!(world.found(1, "text").await, [(2, 2), (2, 1)]);
        assert_eq!(purge(&[Some(1), None]).await, 2);
        world
            .index
            .refresh(&world.index.current().await.unwrap())
            .await
            .unwrap();
        assert_eq!(world.found(1, "text").await, []);
        let (found, watermarks) = world
            .candidates(&World::in_application(5), "text", 9)
            .await
            .unwrap();
        assert_eq!((found.len(), watermarks), (2, [(1, 6)].into()));
    });
}

#[test]
fn without_an_index_a_search_says_so() {
    run(|world| async move {
        let answer = world.candidates(&World::everywhere(), "text", 9).await;
        assert!(matches!(answer, Err(IndexError::Missing)), "{answer:?}");
    });
}
