# An image that is the binary and nothing else: no shell, no libraries, no files to read.

FROM rust:1.95-alpine@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
RUN apk add --no-cache gcc musl-dev
WORKDIR /src
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
COPY src src
# The targets that Cargo.toml names must exist; the image needs none of them.
COPY tests tests
# Alpine's Rust links musl statically. The toolchain is the image's own: the pin of rust-toolchain.toml would fetch it again.
RUN rm rust-toolchain.toml && cargo build --release --locked --bin leeward
RUN mkdir -p /out/run/leeward /out/certificates && chmod 0750 /out/run/leeward && chmod 0700 /out/certificates \
    && cp target/release/leeward /out/leeward

FROM scratch
LABEL org.opencontainers.image.title="Leeward" \
      org.opencontainers.image.description="Traefik's configuration from container labels, for isolated containers only, and without the Docker socket" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build /out/leeward /leeward
# The folder of the gate's socket belongs to the user that both gate and serve run as; a new volume takes that over.
COPY --from=build --chown=65532:65532 /out/run/ /run/
# And that of Traefik's certificates, of the same user: compose.yaml makes the volume with this image.
COPY --from=build --chown=65532:65532 /out/certificates/ /certificates/
USER 65532:65532
EXPOSE 9000
HEALTHCHECK --interval=30s --timeout=5s --retries=3 CMD ["/leeward", "health"]
ENTRYPOINT ["/leeward"]
CMD ["serve", "--listen=0.0.0.0:9000"]
