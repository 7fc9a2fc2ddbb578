//! The README's lines, pasted into a shell.

use std::process::Command;

use crate::support::{Tiro, temp_folder};

const README: &str = include_str!("../../../../README.md");
const ADDRESS: &str = "http://127.0.0.1:3000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_curl_lines_of_the_readme_work_when_pasted() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let blocks = README
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let session = blocks.filter(|block| block.contains("curl")).collect::<String>();
    assert!(session.contains(ADDRESS), "the README has no curl session");
    let session = session.replace(ADDRESS, &tiro.address);
    let pasted = tokio::task::spawn_blocking(move || Command::new("sh").args(["-euc", &session]).output());
    let output = pasted.await.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [chat, first, second, list, found, changes, application] = answers.as_slice() else {
        panic!("not seven answers: {said}");
    };
    assert_eq!(
        (&chat["number"], &chat["title"]),
        (&1.into(), &"Order 4711".into())
    );
    assert_eq!(
        (&first["number"], &first["body"]),
        (&1.into(), &"Where is my parcel? 📦".into())
    );
    assert_eq!(
        (&second["number"], &second["body"]),
        (&2.into(), &"On its way.".into())
    );
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["data"][0]["message"], *first);
    assert_eq!(found["data"][0]["highlights"][0]["start"], 12);
    let changes = changes["data"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[2]["data"]), (4, first));
    assert_eq!(
        (&application["name"], &application["chats_count"]),
        (&"My shop".into(), &1.into())
    );
}
