//! Search servers as the jars that Maven Central has, and the Java that runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::stored::{store, stored};
use super::unpacked::{self, Packages};
use crate::root::root;
use crate::steps::succeed;
use crate::tools::{JAVA, MAVEN, Tool};

const COPY_JARS: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const FETCHES_MAX: u32 = 3;
/// In seconds: some 60 MB, and Maven's own parts.
const FETCH_MAX: &str = "600";
const BETWEEN_FETCHES: Duration = Duration::from_secs(3);

/// One version of a search server.
pub(crate) struct Jars {
    /// Its folder in `xtask`, with `pom.xml` and the node's class.
    project: &'static str,
    version: &'static str,
    java: Java,
    /// Parts of the server that are loaded as plugins are, each with its jars in a folder of its own.
    modules: &'static [Module],
}

enum Java {
    /// This Debian's, which is 17 at least.
    Installed,
    /// One that is newer than some Debians have.
    Unpacked,
}

/// A plugin of Elasticsearch.
struct Module {
    name: &'static str,
    class: &'static str,
    /// How the names of its jars begin.
    jars: &'static [&'static str],
}

/// The oldest that all of them run on; the single-file programs need its compiler.
const UNPACKED_JAVA: &str = "java-21";
const JAVA_PACKAGES: Packages = Packages {
    suite: "trixie",
    packages: &["openjdk-21-jdk-headless"],
};

pub(crate) const OPENSEARCH_2: Jars = opensearch("2.19.1.0", Java::Installed);
pub(crate) const OPENSEARCH_3: Jars = opensearch("3.8.0.0", Java::Unpacked);
pub(crate) const ELASTICSEARCH_8: Jars = elasticsearch("8.19.21");
pub(crate) const ELASTICSEARCH_9: Jars = elasticsearch("9.5.3");

const fn opensearch(version: &'static str, java: Java) -> Jars {
    Jars {
        project: "opensearch",
        version,
        java,
        modules: &[],
    }
}

const fn elasticsearch(version: &'static str) -> Jars {
    Jars {
        project: "elasticsearch",
        version,
        java: Java::Unpacked,
        modules: &[Module {
            name: "transport-netty4",
            class: "org.elasticsearch.transport.netty4.Netty4Plugin",
            jars: &["netty-", "transport-netty4-"],
        }],
    }
}

impl Jars {
    /// What a node of these cannot do. Elasticsearch's module that deletes by query is not at Maven Central.
    pub(crate) fn lacks(&self) -> &'static [&'static str] {
        if self.is_modular() {
            &["delete-by-query"]
        } else {
            &[]
        }
    }

    fn name(&self) -> String {
        format!("{}-{}", self.project, self.version)
    }

    /// Where they are.
    pub(crate) fn folder(&self) -> PathBuf {
        stored(&self.name())
    }

    /// Whether the server's own jars are Java modules, and its parts folders beside them.
    pub(crate) fn is_modular(&self) -> bool {
        !self.modules.is_empty()
    }

    /// The folder of the program that starts a node, and the program.
    pub(crate) fn program(&self) -> PathBuf {
        let class = if self.is_modular() {
            "ElasticsearchNode.java"
        } else {
            "OpenSearchNode.java"
        };
        self.project().join(class)
    }

    /// The programs that have to be installed to fetch and run them now.
    pub(crate) fn needs(&self) -> anyhow::Result<Vec<&'static Tool>> {
        let mut tools = Vec::new();
        if !self.folder().try_exists()? {
            tools.push(&MAVEN);
        }
        // Maven brings a Java that cannot compile.
        if matches!(self.java, Java::Installed) {
            tools.push(&JAVA);
        }
        Ok(tools)
    }

    /// A Java that runs them, and finds these folders.
    pub(crate) fn java(&self, cluster: &Path) -> anyhow::Result<Command> {
        if matches!(self.java, Java::Installed) {
            return Ok(Command::new("java"));
        }
        let virtual_machines = stored(UNPACKED_JAVA).join("usr/lib/jvm");
        let java = fs::read_dir(&virtual_machines)
            .with_context(|| format!("cannot list {}", virtual_machines.display()))?
            .filter_map(Result::ok)
            .map(|entry| entry.path().join("bin/java"))
            .find(|java| java.is_file())
            .with_context(|| format!("no folder of {} has bin/java", virtual_machines.display()))?;
        let inside = Path::new("/").join(java.strip_prefix(stored(UNPACKED_JAVA))?);
        let (jars, project) = (self.folder(), self.project());
        Ok(unpacked::run(UNPACKED_JAVA, &[cluster, &jars, &project], inside))
    }

    /// Fetches what is not there yet.
    pub(crate) fn fetch(&self) -> anyhow::Result<()> {
        if matches!(self.java, Java::Unpacked) {
            JAVA_PACKAGES.fetch(UNPACKED_JAVA)?;
        }
        store(&self.name(), |folder| {
            println!("{}: fetching its jars with Maven (some 60 MB, once)", self.name());
            self.fetch_into(&folder.join("lib"))?;
            self.modules
                .iter()
                .try_for_each(|module| module.make(folder, self.version))
        })
    }

    fn fetch_into(&self, lib: &Path) -> anyhow::Result<()> {
        for attempt in 1..=FETCHES_MAX {
            let Err(error) = succeed(&mut self.maven(lib)) else {
                break;
            };
            if attempt == FETCHES_MAX {
                return Err(error).context(format!(
                    "cannot fetch {} from Maven Central: see above; when the network is well, run this again",
                    self.name()
                ));
            }
            println!(
                "{}: attempt {attempt} of {FETCHES_MAX} failed: {error:#}",
                self.name()
            );
            thread::sleep(BETWEEN_FETCHES * attempt);
        }
        Ok(())
    }

    fn maven(&self, into: &Path) -> Command {
        let mut command = Command::new("timeout");
        // Strict: a jar whose checksum is wrong is not taken.
        command.args([FETCH_MAX, "mvn", "--quiet", "--batch-mode", "--strict-checksums"]);
        command.args(["-Dstyle.color=never", "-DincludeScope=runtime", COPY_JARS]);
        command.arg(format!("-Dsearch.version={}", self.version));
        command.arg(format!("-DoutputDirectory={}", into.display()));
        command.arg("--file").arg(self.project().join("pom.xml"));
        command
    }

    fn project(&self) -> PathBuf {
        root().join("xtask").join(self.project)
    }
}

impl Module {
    /// Moves its jars out of `lib` into a folder of its own, and describes it.
    fn make(&self, server: &Path, version: &str) -> anyhow::Result<()> {
        let own = server.join("modules").join(self.name);
        fs::create_dir_all(&own)?;
        for entry in fs::read_dir(server.join("lib"))? {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            let text = name.to_string_lossy();
            if self.jars.iter().any(|begins| text.starts_with(begins)) {
                fs::rename(path, own.join(name))?;
            }
        }
        let Module { name, class, .. } = self;
        let description = format!(
            "description={name}\nversion={version}\nname={name}\nclassname={class}\njava.version=17\n\
             elasticsearch.version={version}\nhas.native.controller=false\nlicensed=false\n"
        );
        Ok(fs::write(own.join("plugin-descriptor.properties"), description)?)
    }
}
