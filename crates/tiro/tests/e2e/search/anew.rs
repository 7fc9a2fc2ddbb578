//! The index is disposable: deleted or damaged it is made anew, and until then no search claims to be complete.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tiro_client::api::Code;
use tiro_client::{Client, Options, Patience, Search, SearchScope};

use super::{PAGE_HITS_MAX, find_all, mark};
use crate::counts::{count, seed};
use crate::requests::{create_application, create_chat, create_messages};
use crate::support::{Tiro, temp_folder};

const BATCH_MESSAGES: usize = 1_000;
/// Messages with the mark, spread over all batches.
const MARKED: usize = 5;
/// Longest time until the index is whole; far beyond what a busy machine needs.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// What stands in the data folder.
struct Stored {
    token: String,
    mark: String,
}

/// What was answered while the index was made.
#[derive(Debug, Default)]
struct Seen {
    complete: usize,
    refused: usize,
    in_part: usize,
    remarks: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_index_is_made_anew_and_no_search_is_incomplete_meanwhile() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let stored = fill(&tiro.client(), count(100, 1_000)).await;
    tiro.stop();
    fs::remove_dir_all(index(folder.path())).unwrap();
    let tiro = Tiro::start(folder.path(), &[]);
    let seen = watch(&tiro, &stored).await;
    println!("{seen:?}");
    let shows_progress = |remark: &String| remark.contains('%');
    assert!(
        seen.remarks.iter().any(shows_progress),
        "nobody was told: {seen:?}"
    );
    assert!(seen.complete > 0 && seen.in_part > 0, "{seen:?}");
    assert_complete(&tiro.client(), &stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_of_the_index_costs_nothing_but_time() {
    let mut random = fastrand::Rng::with_seed(seed());
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let stored = fill(&tiro.client(), 5).await;
    assert_complete(&tiro.client(), &stored).await;
    for _ in 0..count(5, 50) {
        tiro.stop();
        let damaged = damage_a_file(&index(folder.path()), &mut random);
        tiro = Tiro::start(folder.path(), &[]);
        println!("{}", damaged.display());
        watch(&tiro, &stored).await;
        assert_complete(&tiro.client(), &stored).await;
    }
}

/// The index cannot be made where a file stands in place of its folder; all else is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_there_is_no_index_a_search_is_refused_as_behind_and_one_in_part_says_how_far_it_goes() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let stored = fill(&tiro.client(), MARKED).await;
    tiro.stop();
    fs::remove_dir_all(index(folder.path())).unwrap();
    fs::write(index(folder.path()), "in the way").unwrap();
    let tiro = Tiro::start(folder.path(), &[]);
    let (client, mut seen) = (client_of_one_attempt(&tiro), Seen::default());
    for _ in 0..3 {
        search_all_or_be_refused(&client, &stored, &mut seen).await;
        search_in_part(&client, &stored, &mut seen).await;
    }
    assert_eq!((seen.refused, seen.complete, seen.in_part), (3, 0, 3), "{seen:?}");
    let remarks = client.readyz().await.unwrap().remarks;
    assert!(
        remarks.iter().any(|remark| remark.contains("search index")),
        "{remarks:?}"
    );
    tiro.stop();
    fs::remove_file(index(folder.path())).unwrap();
    let tiro = Tiro::start(folder.path(), &[]);
    watch(&tiro, &stored).await;
    assert_complete(&tiro.client(), &stored).await;
}

fn index(data: &Path) -> PathBuf {
    data.join("index")
}

async fn fill(client: &Client, batches: usize) -> Stored {
    let stored = Stored {
        token: create_application(client).await,
        mark: mark(&mut fastrand::Rng::new()),
    };
    let chat = create_chat(client, &stored.token).await;
    for batch in 0..batches {
        let mut bodies: Vec<String> = (0..BATCH_MESSAGES)
            .map(|index| format!("message {index} of batch {batch}"))
            .collect();
        if batch % (batches / MARKED) == 0 {
            bodies[batch % BATCH_MESSAGES] = format!("marked {} in {batch}", stored.mark);
        }
        create_messages(client, &stored.token, chat, &bodies).await;
    }
    stored
}

/// Flips a bit of some file that is not empty.
fn damage_a_file(index: &Path, random: &mut fastrand::Rng) -> PathBuf {
    let files = fs::read_dir(index).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect();
    files.sort();
    let file = files.swap_remove(random.usize(..files.len()));
    let mut bytes = fs::read(&file).unwrap();
    let place = random.usize(..bytes.len());
    bytes[place] ^= 1 << random.u32(..8);
    fs::write(&file, bytes).unwrap();
    file
}

fn client_of_one_attempt(tiro: &Tiro) -> Client {
    let options = Options {
        operator_key: None,
        patience: Patience::one_attempt(),
    };
    Client::new(&tiro.address, options).unwrap()
}

/// Searches until no remark speaks of the index any more.
async fn watch(tiro: &Tiro, stored: &Stored) -> Seen {
    let client = client_of_one_attempt(tiro);
    let mut seen = Seen::default();
    let begun = Instant::now();
    loop {
        let remarks = client.readyz().await.unwrap().remarks;
        let of_index = remarks.into_iter().find(|remark| remark.contains("search index"));
        search_in_part(&client, stored, &mut seen).await;
        search_all_or_be_refused(&client, stored, &mut seen).await;
        match of_index {
            Some(remark) => seen.remarks.push(remark),
            None if seen.complete > 0 => return seen,
            None => {}
        }
        assert!(begun.elapsed() < WAIT_MAX, "the index does not come: {seen:?}");
    }
}

async fn search_in_part(client: &Client, stored: &Stored, seen: &mut Seen) {
    let search = Search::of(&stored.mark).limit(PAGE_HITS_MAX).in_part();
    let scope = SearchScope::Application(&stored.token);
    let page = client.search(scope, &search).await.unwrap();
    assert!(page.searched_through.is_some() && page.data.len() <= MARKED);
    seen.in_part += 1;
}

async fn search_all_or_be_refused(client: &Client, stored: &Stored, seen: &mut Seen) {
    let search = Search::of(&stored.mark).limit(PAGE_HITS_MAX);
    match client
        .search(SearchScope::Application(&stored.token), &search)
        .await
    {
        Ok(page) => {
            let is_whole = page.data.len() == MARKED;
            assert!(is_whole || page.has_more, "an incomplete search: {page:?}");
            seen.complete += usize::from(is_whole);
        }
        Err(error) => {
            let refusal = error.refusal().unwrap_or_else(|| panic!("{error}"));
            assert_eq!((refusal.status, refusal.problem.code), (503, Code::SearchBehind));
            assert!(refusal.retry_after.is_some(), "{error}");
            assert!(refusal.problem.searched_through.is_some(), "{error}");
            seen.refused += 1;
        }
    }
}

async fn assert_complete(client: &Client, stored: &Stored) {
    let scopes = [
        SearchScope::Chat {
            token: &stored.token,
            number: 1,
        },
        SearchScope::Application(&stored.token),
        SearchScope::Everything,
    ];
    for scope in scopes {
        let hits = find_all(client, scope, &stored.mark, 2).await;
        assert_eq!(hits.len(), MARKED, "{scope:?}");
    }
}
