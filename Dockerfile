# syntax=docker/dockerfile:1
# One image with both programs; the command chooses which one runs.

# A digest (name@sha256:…) makes the image the same everywhere.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUN_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY . .
# The queries were checked against a database when .sqlx was written.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package auth-service --package contacts-service \
    && mkdir /out \
    && cp target/release/auth-service target/release/contacts-service /out/

# glibc and nothing else: no shell, no package manager.
FROM ${RUN_IMAGE}
COPY --from=build /out/ /usr/local/bin/
COPY LICENSE /LICENSE
USER 65532:65532
EXPOSE 50051 50052
CMD ["auth-service", "--help"]
