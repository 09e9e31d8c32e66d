# make demo   build, start the learning platform as a mesh on this machine, show live traffic
# make test   build and run every test
# make build  the release executable, .build/release/weft
# make lint   formatting, targets' dependencies and the documentation's paths, as CI checks them
# make bench  benchmarks of the request path, as ratios
# make chaos  five minutes of load while replicas are slow, fail, die and fall silent: what callers notice, in figures

SWIFT ?= swift
SOURCES := Package.swift $(shell find Sources Tests -name '*.swift' -not -path '*/Generated/*' 2>/dev/null)
RELEASE := -c release --static-swift-stdlib

.PHONY: demo test build lint bench chaos

demo: setup-demo build
	.build/release/weft demo

test: setup-test
	$(SWIFT) test

build: setup-build
	$(SWIFT) build $(RELEASE) --product weft

lint:
	@scripts/lint-targets
	@scripts/lint-references
	@$(SWIFT) format lint --strict $(SOURCES)

bench: build
	Benchmarks/run

chaos: build
	Benchmarks/chaos

SETUPS := setup-build setup-demo setup-test
.PHONY: $(SETUPS)
$(SETUPS): setup-%:
	@scripts/setup $*
