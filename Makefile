# runsc: build, run, test, bench, install. `make help` lists the targets.

GO      ?= go
PREFIX  ?= /usr/local
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
ARGS    ?= sh
OUT     ?= $(CURDIR)/bin
LDFLAGS := -s -w
PLATFORMS ?= systrap ptrace
DURATION ?= 15m
FUZZTIME ?= 10m
RACE ?=
BUSY ?=

PLATFORM ?=
SECONDS_EACH ?= 3
.PHONY: all build deps run test test-quick test-kvm bench bench-net fuzz stress install clean help

all: build

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' Makefile

deps: ## install what building and running needs (Debian packages)
	@tools/deps build

build: deps ## bin/runsc, bin/runsc-sentry, bin/runsc-gofer, all static
	@mkdir -p $(OUT)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/runsc-sentry ./sentry
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/runsc-gofer ./gofer
	CGO_ENABLED=1 $(GO) build -trimpath -tags netgo,osusergo \
		-ldflags '$(LDFLAGS) -X main.version=$(VERSION) -extldflags -static' -o $(OUT)/runsc ./runsc

run: build ## a shell in a sandbox, or ARGS='command…'
	@tools/run $(OUT)/runsc $(ARGS)

test: build ## every test, on a fresh machine too
	@tools/deps test
	@tools/deps kvm
	@tools/test

test-quick: ## unit tests and the rules of the house
	$(GO) vet ./...
	$(GO) test ./abi/... ./platform/... ./sentry/... ./gofer/... ./runsc/... ./tools/...

test-kvm: build ## of those: the KVM platform on /dev/kvm and inside QEMU's software emulation
	@tools/deps kvm
	test/kvm/all

bench: build ## costs per call and of whole programs, native and sandboxed side by side; BUSY=1: with every core kept busy
	@tools/deps test
	$(GO) run ./test/bench -runsc $(OUT)/runsc -platforms '$(PLATFORMS)' $(if $(BUSY),-busy)

bench-net: build ## the network beside runc's over a bridge: PLATFORM=, SECONDS_EACH=3, ARGS='-only REGEXP', PEER_RUNSC=
	@tools/deps net
	$(GO) run ./test/benchnet -runsc $(OUT)/runsc -platform '$(PLATFORM)' -seconds $(SECONDS_EACH) $(filter-out sh,$(ARGS))

fuzz: ## every fuzz target, each for FUZZTIME=10m
	@tools/fuzz $(FUZZTIME)

stress: ## random system calls: DURATION=15m, RACE=1 for a sentry that looks for races and lock order, PLATFORMS=
	@tools/deps build
	RUNSC_STRESS=$(DURATION) RUNSC_STRESS_RACE=$(RACE) RUNSC_PLATFORMS='$(PLATFORMS)' $(GO) test -count=1 -v -timeout 0 ./test/stress

install: build ## copy the three programs to PREFIX/bin
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(OUT)/runsc $(OUT)/runsc-sentry $(OUT)/runsc-gofer $(DESTDIR)$(PREFIX)/bin

clean: ## remove what make built
	rm -rf $(OUT)
