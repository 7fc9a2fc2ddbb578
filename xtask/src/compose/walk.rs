//! What is done with the image and compose.yaml, in order: the cluster first, the server of one machine in the end.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;

use super::containers::{self, Container};
use super::engine::Engine;
use super::node::Node;
use super::{exercise, images, paste, step};

/// The addresses that compose.yaml publishes.
const NODES: [&str; 2] = ["http://127.0.0.1:3000", "http://127.0.0.1:8000"];
/// Containers of Tiro, which `docker stop` ends in time.
const STOPPED: [&str; 3] = ["tiro-api-1-1", "tiro-api-2-1", "tiro-worker-1"];
const ALONE: &str = "alone";
const ALONE_READY_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The line in which a server shows the key that it has made.
const KEY_LINE: &str = "TIRO_OPERATOR_KEY=";

pub(crate) fn all(engine: &Engine) -> anyhow::Result<()> {
    step("what an earlier run left", || containers::clear(engine))?;
    step("bases are imported", || images::import_bases(engine))?;
    step("STAND-INS, since nothing is downloaded", || {
        images::build_stand_ins(engine)
    })?;
    step("the image is built", || images::build_own(engine))?;
    cluster(engine)?;
    alone(engine)
}

fn cluster(engine: &Engine) -> anyhow::Result<()> {
    step("up, from nothing", || containers::up(engine))?;
    let nodes = || -> anyhow::Result<[Node; 2]> { Ok([Node::of(NODES[0])?, Node::of(NODES[1])?]) };
    for (address, node) in NODES.iter().zip(nodes()?) {
        step(&format!("the README's lines at {address}"), || {
            paste::readme(&node)
        })?;
    }
    let begun = Instant::now();
    let walked = exercise::walk(nodes()?)?;
    super::told(begun, "the exercise, at two nodes at once", "");
    let kept = |note: String| walked.is_kept().map(|()| note);
    for one in containers::containers(engine)? {
        step(&format!("kill -9 of {}, and healthy again", one.name), || {
            // Anew, since others may have been started again meanwhile.
            let now: Vec<Container> = containers::containers(engine)?;
            let now = now
                .into_iter()
                .find(|now| now.name == one.name)
                .context("it is gone")?;
            containers::kill(engine, &[now]).and_then(kept)
        })?;
    }
    step("kill -9 of all, and healthy again", || {
        containers::kill(engine, &containers::containers(engine)?).and_then(kept)
    })?;
    step("the exercise again", || {
        exercise::walk(nodes()?).map(|_| String::new())
    })?;
    step("down", || containers::down(engine))?;
    step("up again, with data kept", || {
        containers::up(engine).and_then(kept)
    })?;
    for name in STOPPED {
        step(&format!("docker stop {name}"), || containers::stop(engine, name))?;
    }
    step("down with volumes", || containers::clear(engine))
}

/// `docker run -p 3000:3000 IMAGE`: it serves, not everybody, and keeps what it has in its volume.
fn alone(engine: &Engine) -> anyhow::Result<()> {
    let node = Node::of(NODES[0])?;
    step("docker run -p 3000:3000 IMAGE", || {
        engine.docker(&["run", "--detach", "--name", ALONE, "-p", "3000:3000", images::OWN])?;
        is_ready(engine, &node)
    })?;
    let printed = engine.docker(&["logs", ALONE])?;
    let key = printed
        .lines()
        .find_map(|line| line.trim().strip_prefix(KEY_LINE));
    let key = key.with_context(|| format!("it shows no operator key:\n{printed}"))?;
    let mut application = String::new();
    step("strangers are refused, its own lines work when pasted", || {
        let new = json!({"name": "alone"});
        node.post("/v1/applications", None, &new)?.expect(401)?;
        let bearer = format!("Bearer {key}");
        let created = node.call(
            "POST",
            "/v1/applications",
            &[("Authorization", bearer.as_str())],
            Some(&new),
        )?;
        let created = created.expect(201)?;
        application = format!(
            "/v1/applications/{}",
            created["token"].as_str().context("no token")?
        );
        paste::printed(&printed, key)
    })?;
    step("docker stop", || containers::stop(engine, ALONE))?;
    step("started again, with data and key kept", || {
        engine.docker(&["start", ALONE])?;
        is_ready(engine, &node)?;
        node.get(&application)?.expect(200)?;
        let shown = engine.docker(&["logs", ALONE])?.matches(KEY_LINE).count();
        if shown != 1 {
            bail!("the key is shown {shown} times");
        }
        is_in_a_volume(engine)
    })
}

/// Waits until the image's own health check is content, and the port is published.
fn is_ready(engine: &Engine, node: &Node) -> anyhow::Result<String> {
    let begun = Instant::now();
    loop {
        if let Ok(answer) = node.get("/readyz") {
            answer.expect(200)?;
            break;
        }
        if begun.elapsed() > ALONE_READY_MAX {
            bail!("it does not answer:\n{}", engine.docker(&["logs", ALONE])?);
        }
        thread::sleep(LOOK_EVERY);
    }
    let answered = begun.elapsed();
    while engine
        .docker(&["inspect", "--format", "{{.State.Health.Status}}", ALONE])?
        .trim()
        != "healthy"
    {
        if begun.elapsed() > ALONE_READY_MAX {
            bail!("it is not healthy after {} s", ALONE_READY_MAX.as_secs());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(format!("answers after {} ms", answered.as_millis()))
}

fn is_in_a_volume(engine: &Engine) -> anyhow::Result<String> {
    let format = "{{range .Mounts}}{{.Type}} {{.Destination}} {{end}}";
    let mounts = engine.docker(&["inspect", "--format", format, ALONE])?;
    if mounts.trim() != "volume /data" {
        bail!("its data is in `{}`", mounts.trim());
    }
    Ok(mounts.trim().to_owned())
}
