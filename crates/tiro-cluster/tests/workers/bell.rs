//! Redis: rings reach every node, limits hold on all of them, and nothing needs it.

use tiro_cluster::redis::{Doorbell, RateLimits, Rung};
use tiro_conformance::Proxy;
use tiro_conformance::address::in_database;
use tiro_core::{ApplicationId, RateLimit, RateLimiter, Take, Token};
use tokio::sync::{mpsc, watch};

use crate::cluster::{Cluster, with_cluster};

/// Hears what a doorbell tells.
fn listen(bell: &Doorbell, stop: &watch::Sender<bool>) -> mpsc::UnboundedReceiver<Rung> {
    let (tell, told) = mpsc::unbounded_channel();
    let listen = bell.clone().listen(
        move |rung| tell.send(rung).expect("the test listens"),
        stop.subscribe(),
    );
    tokio::spawn(listen);
    told
}

fn bell(cluster: &Cluster, url: &str) -> Doorbell {
    Doorbell::new(redis::Client::open(url).unwrap(), &cluster.config.name)
}

/// A node's view of a limit of 1 a second.
fn limits(cluster: &Cluster, url: &str, burst: u32) -> RateLimits {
    let client = redis::Client::open(url).unwrap();
    RateLimits::new(client, &cluster.config.name, RateLimit::new(1, burst).unwrap())
}

fn token(name: &str) -> Token {
    Token::parse(&format!("{name:_<24}")).unwrap()
}

fn moved(application: u32, position: u64) -> Option<Rung> {
    Some(Rung::Moved {
        application: ApplicationId(application),
        position,
    })
}

/// Some rings are lost while a connection is made anew; later ones arrive.
async fn ring_until_heard(bell: &Doorbell, told: &mut mpsc::UnboundedReceiver<Rung>) {
    let mut position = 0;
    loop {
        position += 1;
        bell.ring(ApplicationId(9), position);
        let next = tokio::time::timeout(std::time::Duration::from_millis(100), told.recv());
        if let Ok(Some(Rung::Moved { application, .. })) = next.await {
            return assert_eq!(application, ApplicationId(9));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_is_heard_on_every_node() {
    with_cluster(|cluster| async move {
        let stop = watch::Sender::new(false);
        let [one, other] = [(); 2].map(|()| bell(&cluster, &cluster.config.redis));
        let (mut first, mut second) = (listen(&one, &stop), listen(&other, &stop));
        for told in [&mut first, &mut second] {
            assert_eq!(told.recv().await, Some(Rung::MayHaveMissed));
        }
        tokio::spawn(one.clone().send(stop.subscribe()));
        one.ring(ApplicationId(7), 41);
        for told in [&mut first, &mut second] {
            assert_eq!(told.recv().await, moved(7, 41));
        }
        stop.send_replace(true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_is_made_anew_and_says_that_rings_may_be_missing() {
    with_cluster(|cluster| async move {
        let proxy = Proxy::start(&cluster.config.redis).await;
        let stop = watch::Sender::new(false);
        let bell = bell(&cluster, proxy.url());
        tokio::spawn(bell.clone().send(stop.subscribe()));
        let mut told = listen(&bell, &stop);
        assert_eq!(told.recv().await, Some(Rung::MayHaveMissed));
        ring_until_heard(&bell, &mut told).await;
        proxy.cut();
        while told.recv().await != Some(Rung::MayHaveMissed) {}
        ring_until_heard(&bell, &mut told).await;
        stop.send_replace(true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_holds_for_all_nodes_together() {
    with_cluster(|cluster| async move {
        let node = || limits(&cluster, &cluster.config.redis, 4);
        let nodes = [node(), node()];
        let somebody = token("somebody");
        let mut allowed = 0;
        for at in 0..10 {
            match nodes[at % 2].take(&somebody).await {
                Take::Allowed => allowed += 1,
                Take::Limited { retry_after } => {
                    assert!(retry_after.as_millis() <= 1_000, "{retry_after:?}");
                }
            }
        }
        assert!((4..=5).contains(&allowed), "{allowed} of a bucket of four");
        assert_eq!(nodes[0].take(&token("another")).await, Take::Allowed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_rings_survive_that_redis_forgets_everything() {
    with_cluster(|mut cluster| async move {
        // A database of its own: to this test it is all of Redis, and others keep theirs.
        cluster.config.redis = in_database(&cluster.config.redis, "9");
        let limits = limits(&cluster, &cluster.config.redis, 1);
        let somebody = token("somebody");
        let stop = watch::Sender::new(false);
        let bell = bell(&cluster, &cluster.config.redis);
        tokio::spawn(bell.clone().send(stop.subscribe()));
        let mut told = listen(&bell, &stop);
        assert_eq!(told.recv().await, Some(Rung::MayHaveMissed));
        assert_eq!(limits.take(&somebody).await, Take::Allowed);
        assert!(matches!(limits.take(&somebody).await, Take::Limited { .. }));

        let client = redis::Client::open(cluster.config.redis.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        for forget in [&["FLUSHDB"][..], &["SCRIPT", "FLUSH"]] {
            let mut command = redis::cmd(forget[0]);
            for word in &forget[1..] {
                command.arg(word);
            }
            command.exec_async(&mut connection).await.unwrap();
        }
        assert_eq!(limits.take(&somebody).await, Take::Allowed);
        assert!(matches!(limits.take(&somebody).await, Take::Limited { .. }));
        ring_until_heard(&bell, &mut told).await;
        stop.send_replace(true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_passes_while_redis_is_away() {
    with_cluster(|cluster| async move {
        let nobody = "redis://127.0.0.1:1";
        let limits = limits(&cluster, nobody, 1);
        let somebody = token("somebody");
        for _ in 0..100 {
            assert_eq!(limits.take(&somebody).await, Take::Allowed);
        }
        let mut cluster = cluster;
        cluster.config.redis = nobody.to_owned();
        let index = crate::index::NotedIndex::that_works();
        let worker = crate::work::Running::start(&cluster, &index);
        cluster.commit(0, 1).await;
        index.through(0, 1).await;
        worker.stop().await;
    })
    .await;
}
