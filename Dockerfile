# Builds what `make image` builds, with a container engine:
#
#   docker build --target convoy-operator --build-arg VERSION=v0.1.0 --tag convoy-operator:v0.1.0 .
#   docker build --target convoy-worker --build-arg VERSION=v0.1.0 --tag convoy-worker:v0.1.0 .
#
# Operator and worker are two images: the worker goes to every node that runs a pool, and brings nothing there that it
# does not run. Neither has a shell, or needs to write to its file system. With buildx, --platform
# linux/amd64,linux/arm64 makes both: the compiler runs on the machine's own.
FROM --platform=$BUILDPLATFORM golang:1.26 AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api api
COPY controllers controllers
COPY worker worker
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH

FROM source AS build-operator
RUN go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /convoy-operator ./controllers/cmd/operator

FROM source AS build-worker
RUN go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /convoy-worker ./worker/cmd/worker

FROM scratch AS convoy-operator
ARG VERSION=dev
LABEL org.opencontainers.image.title=convoy-operator org.opencontainers.image.version=$VERSION
COPY --from=build-operator /convoy-operator /convoy-operator
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/convoy-operator"]

FROM scratch AS convoy-worker
ARG VERSION=dev
LABEL org.opencontainers.image.title=convoy-worker org.opencontainers.image.version=$VERSION
COPY --from=build-worker /convoy-worker /convoy-worker
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/convoy-worker"]
