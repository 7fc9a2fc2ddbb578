//! The examples of `docs/clients`, each run as it stands, with an operator key and through a network that loses answers.

mod lossy;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::requests::list_messages;
use crate::support::{Tiro, block_on, temp_folder};
use lossy::LossyNetwork;
use tiro_client::Client;

const INDEX: &str = include_str!("../../../../docs/clients/README.md");
const KEY: &str = "a-key-that-nobody-guesses";

/// A page of `docs/clients` and what runs its program.
struct Example {
    page: &'static str,
    language: &'static str,
    file: &'static str,
    /// The program that runs it with the arguments that come before the file; then the other programs it uses.
    runs_with: &'static [&'static str],
    needs: &'static [Needed],
}

/// A program that has to be there, and how to get it.
struct Needed {
    program: &'static str,
    /// What it answers with 0.
    asked: &'static str,
    install: &'static str,
}

impl Example {
    /// The one block of the page in its language.
    fn program(&self) -> &'static str {
        let fence = format!("```{}\n", self.language);
        let mut blocks = self.page.split(&*fence).skip(1);
        let (block, more) = (blocks.next(), blocks.next());
        assert!(
            more.is_none(),
            "the page of {} has more than one program",
            self.file
        );
        let end = block.and_then(|rest| rest.split("```\n").next());
        end.unwrap_or_else(|| panic!("the page has no block in {}", self.language))
    }

    /// Runs it; what it printed.
    fn run(&self, server: &str) -> String {
        for needed in self.needs {
            let found = Command::new(needed.program).arg(needed.asked).output();
            assert!(
                found.is_ok_and(|output| output.status.success()),
                "this test runs an example with `{}`, which is missing: {}",
                needed.program,
                needed.install
            );
        }
        let folder = temp_folder();
        let file = folder.path().join(self.file);
        fs::write(&file, self.program()).unwrap();
        let [program, arguments @ ..] = self.runs_with else {
            panic!("nothing runs {}", self.file);
        };
        let output = command(program, arguments, &file)
            .env("TIRO_URL", server)
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{printed}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        printed
    }
}

fn command(program: &str, arguments: &[&str], file: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments.iter().map(OsStr::new).chain([file.as_os_str()]))
        .env("TIRO_OPERATOR_KEY", KEY)
        // Nothing may be downloaded to run an example.
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off");
    command
}

/// What the index says that they print.
fn promised() -> &'static str {
    let blocks = INDEX.split("```text\n").nth(1);
    blocks.and_then(|rest| rest.split("```").next()).unwrap()
}

fn assert_prints_what_is_promised(example: &Example) {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &["--operator-key", KEY]);
    let network = LossyNetwork::to(tiro.host());
    assert_eq!(example.run(&network.address), promised());
    assert!(network.lost() >= 4, "the network lost {} answers", network.lost());
    // Nothing was stored twice.
    let client = tiro.client_with(Some(KEY));
    let messages = block_on(async {
        let token = only_application(&client).await;
        list_messages(&client, &token, 1).await
    });
    assert_eq!(messages.len(), 3, "{messages:?}");
}

async fn only_application(client: &Client) -> String {
    let page = client
        .applications(&tiro_client::Paging::default())
        .await
        .unwrap();
    let [application] = page.data.as_slice() else {
        panic!("not one application: {page:?}");
    };
    assert_eq!(application.chats_count, 1);
    application.token.clone().into_owned()
}

#[test]
fn the_example_in_curl_prints_what_is_promised() {
    assert_prints_what_is_promised(&Example {
        page: include_str!("../../../../docs/clients/curl.md"),
        language: "bash",
        file: "chat.sh",
        runs_with: &["bash"],
        needs: &[
            Needed {
                program: "curl",
                asked: "--version",
                install: "apt-get install curl",
            },
            Needed {
                program: "jq",
                asked: "--version",
                install: "apt-get install jq",
            },
        ],
    });
}

#[test]
fn the_example_in_python_prints_what_is_promised() {
    assert_prints_what_is_promised(&Example {
        page: include_str!("../../../../docs/clients/python.md"),
        language: "python",
        file: "chat.py",
        runs_with: &["python3"],
        needs: &[Needed {
            program: "python3",
            asked: "--version",
            install: "apt-get install python3",
        }],
    });
}

#[test]
fn the_example_in_javascript_prints_what_is_promised() {
    assert_prints_what_is_promised(&Example {
        page: include_str!("../../../../docs/clients/javascript.md"),
        language: "javascript",
        file: "chat.mjs",
        runs_with: &["node"],
        needs: &[Needed {
            program: "node",
            asked: "--version",
            install: "apt-get install nodejs",
        }],
    });
}

#[test]
fn the_example_in_go_prints_what_is_promised() {
    assert_prints_what_is_promised(&Example {
        page: include_str!("../../../../docs/clients/go.md"),
        language: "go",
        file: "chat.go",
        runs_with: &["go", "run"],
        needs: &[Needed {
            program: "go",
            asked: "version",
            install: "apt-get install golang",
        }],
    });
}
