# Convoy. `make help` lists the targets; each installs what it needs.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TOOL := hack/tool
ARCH ?= amd64,arm64

##@ Everyday

.PHONY: help
help: ## Print this list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  \033[36m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: prepare ## Run every test: units, properties, a short simulation, the API on a real API server. Race detector on.
	@hack/test.sh

.PHONY: verify
verify: prepare ## Check generated files, formatting, lint, import boundaries, tidiness, licence headers. Changes nothing.
	@hack/verify.sh

.PHONY: generate
generate: ## Regenerate deep copies and CRDs from api/.
	@hack/generate.sh

.PHONY: fmt
fmt: ## Format every Go file.
	$(TOOL) golangci-lint-kube-api-linter fmt ./...

.PHONY: lint
lint: ## Run the linters alone.
	@hack/lint.sh

##@ See it

.PHONY: demo
demo: ## Run Convoy on this machine for DEMO_SECONDS (60): order kept while a pool scales, parks, rolls out and loses a worker.
	@exec hack/demo.sh

.PHONY: plugin
plugin: ## Build the plugin of kubectl as bin/kubectl-convoy, of VERSION (dev). Put both files on the PATH.
	go build -ldflags "-s -w -X main.version=$(or $(VERSION),dev)" -o bin/kubectl-convoy ./controllers/cmd/kubectl-convoy
	@ln -sf kubectl-convoy bin/kubectl_complete-convoy

##@ Proof

.PHONY: sim
sim: ## Simulate the protocol under an adversary: RUNS schedules (default 10000) from SEED (default: random, printed).
	go run ./hack/sim/cmd/sim $(if $(SEED),-seed $(SEED)) -runs $(or $(RUNS),10000)

.PHONY: model
model: ## Check the protocol's models exhaustively, and that each rule's removal is found. Under 5 minutes.
	go run ./hack/model

.PHONY: soak
soak: ## Long proofs: MESSAGES (default 1000000) through faults, each rule of the simulation taken away, every model, RUNS schedules (default 1000000); from SEED. Hours.
	@SEED=$(SEED) MESSAGES=$(MESSAGES) hack/soak.sh
	go run ./hack/sim/cmd/sim -faults $(if $(SEED),-seed $(SEED))
	go run ./hack/model
	go run ./hack/sim/cmd/sim $(if $(SEED),-seed $(SEED)) -runs $(or $(RUNS),1000000)

.PHONY: e2e
e2e: ## Run the end-to-end story on the cluster that KUBECONFIG names, or on one started here (Linux, root).
	@exec hack/e2e.sh

.PHONY: bench
bench: ## Run every benchmark: the cores' COUNT times (5), summarised; then the data plane's promises and its peer, with ratios.
	@hack/bench.sh

##@ Kubernetes on this machine

.PHONY: control-plane
control-plane: devcluster ## Run etcd, an API server, controllers and a scheduler on loopback until interrupted.
	@exec bin/devcluster up

.PHONY: cluster-up
cluster-up: devcluster ## Start a cluster of one node in the background and load the images of ARCHIVES. Linux, root.
	@bin/devcluster cluster-up $(if $(STATE),--state $(STATE)) $(ARCHIVES)

.PHONY: cluster-down
cluster-down: devcluster ## Stop that cluster and remove all of it.
	@bin/devcluster cluster-down $(if $(STATE),--state $(STATE))

.PHONY: image
image: devcluster ## Make images as dist/*.tar, without a container engine: of IMAGES, for ARCH (amd64,arm64), tagged VERSION (dev).
	@bin/devcluster image --version $(or $(VERSION),dev) --arch $(ARCH) $(IMAGES)

.PHONY: devcluster
devcluster:
	@go build -C hack/devcluster -o $(CURDIR)/bin/devcluster ./cmd/devcluster

##@ Owners

.PHONY: rename
rename: ## Rename the module and the API group: make rename MODULE=example.org/convoy GROUP=convoy.example.org
	@hack/rename.sh "$(MODULE)" "$(GROUP)"

.PHONY: prepare
prepare:
	@hack/prepare.sh
