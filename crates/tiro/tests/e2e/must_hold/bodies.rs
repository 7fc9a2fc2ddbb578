//! What was sent is what is read, byte for byte, also after a restart.

use tiro_client::{Client, Sending};
use tiro_conformance::generator::Generator;

use crate::requests::{create_application, create_chat, list_messages, message};
use crate::support::{Tiro, temp_folder};

/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 65_536;

fn bodies() -> Vec<String> {
    let mut bodies: Vec<String> = [
        "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏿 🇪🇬 1️⃣",
        "שלום עולם, مرحبا بالعالم, mixed with English \u{202e}and an override\u{202c}",
        "e\u{301} is not é; Z\u{336}a\u{334}l\u{337}g\u{338}o\u{335} \u{0b95}\u{0bcd}\u{0bb7}",
        "\u{1} \u{8} \t \n \r \u{b} \u{1b}[31m \u{7f} \u{85} \u{2028} \u{feff}",
        "\"quotes\" \\backslashes\\ \\u0041 </script> {{curly}} %00 ' -- ;",
        "\u{fffd} \u{ffff} \u{10ffff} \u{e000} 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﷽ \u{200b}zero\u{200d}width",
        "   leading and trailing white space stay   \n",
        ".",
    ]
    .map(str::to_owned)
    .into();
    bodies.push("x".repeat(BODY_BYTES_MAX));
    bodies.push("😀".repeat(BODY_BYTES_MAX / 4));
    bodies.push("\u{1}".repeat(BODY_BYTES_MAX - 1) + "x");
    let mut generator = Generator::new(7);
    bodies.extend((0..500).map(|_| generator.message().body));
    bodies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_body_is_read_byte_for_byte_as_it_was_sent() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let (single, batched) = (
        create_chat(&client, &token).await,
        create_chat(&client, &token).await,
    );
    let bodies = bodies();
    for body in &bodies {
        let created = client
            .create_message(&token, single, &message(body), &Sending::default())
            .await
            .unwrap();
        assert_same(created.value.body.as_deref(), body);
    }
    for bodies in bodies.chunks(50) {
        let messages: Vec<_> = bodies.iter().map(|body| message(body)).collect();
        client
            .create_messages(&token, batched, &messages, &Sending::default())
            .await
            .unwrap();
    }
    assert_both_hold(&client, &token, &bodies).await;
    tiro.kill();
    let tiro = Tiro::start(folder.path(), &[]);
    assert_both_hold(&tiro.client(), &token, &bodies).await;
}

async fn assert_both_hold(client: &Client, token: &str, bodies: &[String]) {
    for chat in [1, 2] {
        let listed = list_messages(client, token, chat).await;
        let listed: Vec<_> = listed
            .iter()
            .map(|message| message.body.as_deref().unwrap())
            .collect();
        assert!(listed == bodies, "the list of chat {chat} differs");
        for (number, body) in (1..).zip(bodies).step_by(7) {
            let read = client.message(token, chat, number).await.unwrap().value;
            assert_same(read.body.as_deref(), body);
        }
    }
}

/// Shows the beginning of what differs, since a body may have 65,536 bytes.
fn assert_same(read: Option<&str>, sent: &str) {
    let read = read.unwrap();
    let beginning = |text: &str| text.chars().take(40).collect::<String>();
    assert!(
        read == sent,
        "sent {} bytes {:?}, read {} bytes {:?}",
        sent.len(),
        beginning(sent),
        read.len(),
        beginning(read)
    );
}
