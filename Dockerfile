# Tiro as an image, built from this tree: `docker run -p 3000:3000 IMAGE` is the server of one machine, compose.yaml starts
# a cluster of it. docs/decisions/0020-image.md says why it is as it is.

# The manifests with their build scripts, and programs that do nothing. It yields the same files until a manifest changes, so the layer of the
# dependencies below stays.
FROM debian:bookworm-slim AS manifests
WORKDIR /tiro
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY xtask xtask
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name build.rs ! -path '*/src/lib.rs' ! -path '*/src/main.rs' -delete && \
    find . -type d -empty -delete && \
    for file in */src/*.rs */*/src/*.rs; do echo '//! Nothing.' >"$file"; done && \
    for file in */src/main.rs */*/src/main.rs; do echo 'fn main() {}' >>"$file"; done

FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /tiro
# Without rust-toolchain.toml: the image's own Rust is that version, and tools for checks are not wanted here.
# Symbols are a quarter of the program.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
COPY --from=manifests /tiro ./
RUN cargo build --release --locked -p tiro
COPY crates crates
# Touched, or Cargo takes sources that are older than the layer above for built.
RUN find crates -name '*.rs' -exec touch {} + && \
    cargo build --release --locked -p tiro && \
    install -D target/release/tiro /image/usr/local/bin/tiro && \
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt && \
    install -d -o 10001 -g 10001 /image/data

FROM debian:bookworm-slim
COPY --from=build /image /
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
ENV TIRO_LISTEN=0.0.0.0:3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${TIRO_LISTEN##*:} && printf 'GET /readyz HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r -t 4 status <&3 && [[ $status == 'HTTP/1.1 200'* ]]"]
ENTRYPOINT ["/usr/local/bin/tiro"]
# Everyone reaches a published port, so there is an operator key: made at the first start, printed once, kept in /data.
CMD ["serve", "--operator-key-file", "/data/operator-key"]
