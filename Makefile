# One release build serves the demo, the tests and the benchmarks. Swift has to be on PATH; `make setup` sees to the rest.
# How long the demo runs, in seconds; 0: until Ctrl-C.
DURATION ?= 0
# The commit that `gate version` names, for every build alike: another value compiles Gate anew.
export GATE_COMMIT := $(shell git describe --always --abbrev=40 --exclude='*' --dirty=-modified 2>/dev/null || echo unknown)

# How long `make fuzz` feeds each target, in seconds.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(notdir $(wildcard Tests/Fuzz/corpora/*))

.PHONY: setup build demo test lint format bench fuzz address-sanitizer thread-sanitizer clean

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

# Direct, raw TCP hop, other proxies and Gate in alternating rounds, then overload, churn and observation; six minutes.
bench: build
	@scripts/setup haproxy nghttp2-proxy nginx
	swift build -c release --product gate-bench
	Benchmarks/run

# Each reader of strangers' bytes under libFuzzer and AddressSanitizer. Of several -sanitize the Swift compiler heeds the last, and
# would not count what Swift code was reached: it is told of both at once. What brings one down is kept in Tests/Fuzz/failures, where
# every test run reads it again; inputs that reach something new are gathered in .build-fuzz/corpora.
fuzz: setup
	swift build --scratch-path .build-fuzz --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address --product gate-fuzz
	@set -e; for target in $(FUZZ_TARGETS); do \
		mkdir -p .build-fuzz/corpora/$$target Tests/Fuzz/failures/$$target; \
		echo "fuzz: $$target for $(FUZZ_SECONDS) s"; \
		GATE_FUZZ_TARGET=$$target .build-fuzz/debug/gate-fuzz -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=4096 -print_final_stats=1 \
			-artifact_prefix=Tests/Fuzz/failures/$$target/ .build-fuzz/corpora/$$target Tests/Fuzz/corpora/$$target; \
	done

# All Swift tests with every access to memory checked, or every pair of accesses of two threads. Minutes: dependencies are built anew.
# Nothing is optimised then, and random tests take a twentieth of their cases.
address-sanitizer: setup
	swift build --scratch-path .build-asan --sanitize=address --product gate
	swift build --scratch-path .build-asan --sanitize=address --product gatePackageTests
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/leaks.txt \
		swift test --scratch-path .build-asan --sanitize=address --skip-build

thread-sanitizer: setup
	swift build --scratch-path .build-tsan --sanitize=thread --product gate
	swift build --scratch-path .build-tsan --sanitize=thread --product gatePackageTests
	swift test --scratch-path .build-tsan --sanitize=thread --skip-build

clean:
	rm -rf .build .build-fuzz .build-asan .build-tsan .venv .venv-bench
