# `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help build test race vet lint fmt docs fuzz torture bench bench-cluster readme check ci clean

GO ?= go
# The release, as in `make build VERSION=1.2.3`; empty: what Go knows of the source.
VERSION ?=
# The systems that vet must pass for. Only Linux is claimed to work well.
SYSTEMS ?= linux darwin freebsd
# How long each fuzz target runs, and how long the torture lasts.
FUZZTIME ?= 10s
FOR ?= 10m
# The race detector needs a C compiler; without one the tests run without it.
RACE ?= $(if $(shell command -v $$($(GO) env CC)),-race)

LDFLAGS := -s -w $(if $(VERSION),-X main.release=$(VERSION))
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

help: ## says what can be made (this)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the binary, bin/slavedriver, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/slavedriver ./cmd/slavedriver

test: ## the tests, once
	$(GO) test ./...

race: ## the tests under the race detector (where there is a C compiler)
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	$(GO) test $(RACE) -tags faultpoints ./internal/runfile
	$(GO) test $(RACE) ./...

vet: ## go vet for each system, and for the binary that the tests build
	@for system in $(SYSTEMS); do \
		echo "go vet ($$system)"; GOOS=$$system $(GO) vet ./... || exit 1; \
	done
	$(GO) vet -tags faultpoints ./...

lint: ## the linters of .golangci.yml, in the version that tools/go.mod pins
	$(LINT) run ./...

fmt: ## formats the source
	$(LINT) fmt ./...

docs: ## docs/reference.md, from the tables in the code
	$(GO) run docs/generate.go

fuzz: ## each fuzz target for FUZZTIME (10s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

torture: ## the crash test for FOR (10m): kills at random, checks the invariants
	SLAVEDRIVER_TORTURE=$(FOR) SLAVEDRIVER_RELIEFS=30 $(GO) test -count=1 -timeout 0 -v -run 'Torture|Relief' ./spec ./engine

bench: ## the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-cluster: ## 1,000 slaves x 100 due jobs at one redis-server (docs/scale.md), two minutes at most
	SLAVEDRIVER_BENCH_CLUSTER=1 $(GO) test -count=1 -timeout 5m -v -run '^TestLoad$$' ./lockstore

# The README promises these two; the state of the first stays out of the way.
readme: ## the two commands of the README
	state=$$(mktemp -d) && trap 'rm -rf "$$state"' EXIT && \
		SLAVEDRIVER_VAR_DIR="$$state" $(GO) run ./cmd/slavedriver examples/slavedriver.lua
	$(GO) test ./...

# Last come the README's commands, so that the output ends with go test's.
check: build vet lint race readme ## all that must pass before a change goes in

ci: ## what CI runs: installs what is missing, then check
	.ci/run

clean: ## removes what was built
	rm -rf bin
