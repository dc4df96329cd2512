# One release build serves the demo, the tests and the benchmarks. Swift has to be on PATH; `make setup` sees to the rest.
# How long the demo runs, in seconds; 0: until Ctrl-C.
DURATION ?= 0
# The commit that `gate version` names, for every build alike: another value compiles Gate anew.
export GATE_COMMIT := $(shell git describe --always --abbrev=40 --exclude='*' --dirty=-modified 2>/dev/null || echo unknown)

.PHONY: setup build demo test lint format bench clean

setup:
	@scripts/setup

build: setup
	swift build -c release --product gate
	swift build -c release --product demo-exchange

# Redis, the exchange, Gate and a strategy together.
demo: build
	.build/release/demo-exchange demo --duration $(DURATION)

# Everything that has to hold: unit, property and integration tests, then real gRPC clients and servers. Not `swift test`
# alone: in release mode it compiles every dependency a second time, for @testable, which no test uses. Nor `--build-tests`:
# it builds what the dependencies' plugins would use too, a whole protoc among it.
test: build lint
	swift build -c release --product gatePackageTests
	swift test -c release --skip-build
	Tests/Interop/run

# Generated sources ask in their first lines to be left alone.
lint:
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

# Direct, raw TCP hop, other proxies and Gate in alternating rounds; takes about three minutes.
bench: build
	@scripts/setup haproxy nghttp2-proxy
	swift build -c release --product gate-bench
	Benchmarks/run

clean:
	rm -rf .build .venv
