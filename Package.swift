// swift-tools-version: 6.2
import PackageDescription

/// One list for every target of ours: language mode 6 comes with the tools version; the upcoming features make
/// existentials, imports and their visibility explicit; a warning is an error.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// What the order thread runs. That no two accesses to one variable overlap is proved by the compiler where it can; where it cannot,
/// debug builds and those of the sanitizers check it at run time, and all tests run in them. Here the checks cost two orders in a
/// hundred.
let fast: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

/// The commit that `gate version` names. The Makefile passes it; `Context.gitInformation` is not used because SwiftPM
/// caches what a manifest says and would go on naming an older commit, while a changed environment is read anew.
let commit = Context.environment["GATE_COMMIT"] ?? "unknown"

let package = Package(
    name: "gate",
    products: [
        .executable(name: "gate", targets: ["GateMain"]),
        .executable(name: "demo-exchange", targets: ["DemoExchange"]),
        .executable(name: "gate-bench", targets: ["GateBench"]),
        .executable(name: "gate-fuzz", targets: ["GateFuzz"]),
        .executable(name: "risk-bench", targets: ["RiskBench"]),
        .executable(name: "journal-bench", targets: ["JournalBench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", exact: "2.9.2"),
    ],
    targets: [
        .systemLibrary(name: "CNghttp2"),
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "COpenSSL"),
        .target(name: "CShortest"),
        .target(name: "CChecksum"),
        .target(name: "CBuild", cSettings: [.define("GATE_COMMIT", to: "\"\(commit)\"")]),
        .target(name: "RiskRules", swiftSettings: strict + fast),
        // Only the entry: a library can be linked with tests and fuzzers too.
        .executableTarget(name: "GateMain", dependencies: ["Gate"], swiftSettings: strict),
        .target(
            name: "Gate",
            dependencies: [
                "CBuild", "CChecksum", "CLinux", "CNghttp2", "CHiredis", "COpenSSL", "CShortest", "RiskRules",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                // For its libyaml, the module CYaml: the strict reader builds its own tree from that parser's events.
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict + fast
        ),
        // The messages of the API that the shipped mapping is for, generated.
        .target(
            name: "OrderAPI", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
            swiftSettings: strict),
        .executableTarget(
            name: "DemoExchange",
            dependencies: [
                "CHiredis", "OrderAPI",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "GateTests",
            dependencies: [
                "CChecksum", "FuzzTargets", "Gate", "OrderAPI", "RiskRules",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        // What reads bytes of strangers, for the tests' short run of it and for libFuzzer's long one.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "CNghttp2", "Gate", "RiskRules", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: strict),
        // Links only where the build is sanitized with the fuzzer, which brings its main: `make fuzz`.
        .executableTarget(
            name: "GateFuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/GateFuzz",
            swiftSettings: strict),
        // Servers of a test's own.
        .target(
            name: "TestSupport", dependencies: ["CHiredis", "CLinux"], path: "Tests/Support", swiftSettings: strict),
        // Knows nothing of Gate, so that every proxy it measures is measured alike.
        .executableTarget(
            name: "GateBench",
            dependencies: [
                "CLinux", "CNghttp2",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/GateBench",
            swiftSettings: strict
        ),
        // The rule engine by itself. Its calls of the allocator are counted, so nothing else may link it.
        .target(name: "CAllocations", path: "Benchmarks/CAllocations"),
        .executableTarget(
            name: "RiskBench", dependencies: ["CAllocations", "CLinux", "RiskRules"], path: "Benchmarks/RiskBench",
            swiftSettings: strict),
        // The journal by itself, with its keeper on a thread of its own.
        .executableTarget(
            name: "JournalBench",
            dependencies: ["CLinux", "Gate", "RiskRules", .product(name: "Logging", package: "swift-log")],
            path: "Benchmarks/JournalBench", swiftSettings: strict),
        .testTarget(
            name: "GateIntegrationTests",
            dependencies: [
                "Gate", "RiskRules", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .testTarget(name: "RiskRulesTests", dependencies: ["RiskRules"], swiftSettings: strict),
        .testTarget(name: "DemoExchangeTests", dependencies: ["DemoExchange"], swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)
