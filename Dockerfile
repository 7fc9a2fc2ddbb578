# Tiro as an image: built from this tree, run by a user who is nobody. compose.yaml says how it is started.

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /tiro
# Without rust-toolchain.toml: the image's own Rust is that version, and tools for checks are not wanted here.
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY xtask xtask
# What was built stays for the next build of the image; only the program leaves.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/tiro/target,sharing=locked \
    cargo build --release --locked -p tiro && cp target/release/tiro /usr/local/bin/tiro

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/tiro /usr/local/bin/tiro
USER 10001:10001
EXPOSE 3000
ENTRYPOINT ["/usr/local/bin/tiro"]
