//! What the system allows this process, and what it starts.

/// Lets this process, and what it starts from now on, hold as many connections as the system allows.
pub(crate) fn raise_the_limit_of_connections(needed: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.unwrap_or(u64::MAX);
    assert!(
        maximum >= needed,
        "the hard limit of open files is {maximum}, this test needs {needed}: ulimit -Hn"
    );
    if limit.current.is_some_and(|current| current < needed) {
        let raised = Rlimit {
            current: Some(needed),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    }
}
