# opgate as an image: one static program, and nothing else that could run.
#
#   docker build -t opgate .
#
# docs/deployment.md says how to run it.

FROM rust:1.95.0-slim-trixie AS build
# The architecture of the image, as Docker names it. This stage runs on that
# architecture too, natively or emulated, so no cross compiler is needed.
ARG TARGETARCH
ENV CARGO_TARGET_DIR=/build DESTDIR=/out
WORKDIR /source
COPY . .
# The target is named so that the flags are the program's alone: what cargo runs
# while it builds cannot be static. The folder is for the sockets of the gate.
RUN set -eu; \
    case "$TARGETARCH" in \
        amd64) target=x86_64-unknown-linux-gnu ;; \
        arm64) target=aarch64-unknown-linux-gnu ;; \
        *) echo "no target is named for \`$TARGETARCH\`" >&2; exit 1 ;; \
    esac; \
    RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --release --locked --bin opgate --target "$target"; \
    install -D "$CARGO_TARGET_DIR/$target/release/opgate" "$DESTDIR/opgate"; \
    install -d "$DESTDIR/run/opgate"

FROM scratch
LABEL org.opencontainers.image.title="opgate" \
      org.opencontainers.image.description="A declarative, schema-aware gate for the Docker Engine API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build /out/opgate /opgate
COPY LICENSE NOTICE /licenses/
# A new volume that is mounted here becomes the user's own.
COPY --from=build --chown=65532:65532 /out/run/opgate/ /run/opgate/
# Nobody's id: the group of the Engine's socket comes with `--group-add`.
USER 65532:65532
ENTRYPOINT ["/opgate"]
CMD ["run"]
STOPSIGNAL SIGTERM
# `health` asks twice at most, 4 s each.
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=30s --start-interval=1s \
    CMD ["/opgate", "health"]
