// swift-tools-version: 6.2
import PackageDescription

/// Settings every target of ours is built with.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    // The request path crosses targets: without this, every access to a header is an opaque call.
    .unsafeFlags(
        ["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

// Short names for the products used in several targets.
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let grpcCore: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let grpcProtobuf: Target.Dependency = .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let grpcTransport: Target.Dependency = .product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

func library(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

func tests(of name: String, _ more: [Target.Dependency] = [], files: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.target(name: name), "WeftTestSupport"] + more,
        // Read where they lie, not bundled.
        exclude: files,
        swiftSettings: settings)
}

let package = Package(
    name: "weft",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "weft", targets: ["weft"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", from: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.2"),
    ],
    targets: [
        // Vocabulary
        library("WeftModel", []),
        library("WeftMessage", []),
        .target(
            name: "WeftProtos", dependencies: [protobuf, grpcCore, grpcProtobuf], exclude: ["Protos"],
            swiftSettings: settings),
        // Pure decisions
        library("WeftConfig", ["WeftModel", yams]),
        library("WeftCompiler", ["WeftModel"]),
        library("WeftDiscovery", ["WeftModel", "WeftProtos", protobuf, crypto]),
        library("WeftIdentity", ["WeftModel", x509, crypto, cryptoExtras, asn1]),
        library("WeftTraffic", ["WeftModel", "WeftMessage"]),
        // Protocol and IO
        library("WeftHTTP", ["WeftMessage", nioCore, crypto, collections]),
        library("WeftTelemetry", ["WeftModel"]),
        library("WeftStore", ["WeftModel", grdb]),
        // Assemblies
        library(
            "WeftProxy",
            [
                "WeftModel", "WeftMessage", "WeftProtos", "WeftDiscovery", "WeftIdentity", "WeftTraffic", "WeftHTTP",
                "WeftTelemetry",
                nioCore, nioPosix, nioTLS, nioSSL, nioHTTP1, crypto, protobuf, grpcCore, grpcTransport, asyncHTTPClient,
                logging, collections, lifecycle, unixSignals,
            ]),
        library(
            "WeftControlPlane",
            [
                "WeftModel", "WeftProtos", "WeftConfig", "WeftCompiler", "WeftDiscovery", "WeftIdentity", "WeftStore",
                "WeftTelemetry", nioCore, nioPosix, nioSSL, nioTLS, nioHTTP1, crypto, protobuf, grpcCore, grpcTransport,
                hummingbird,
                asyncHTTPClient, logging, lifecycle,
            ],
            // What `scripts/generate-dashboard` makes Swift of.
            exclude: ["Dashboard/Assets"]),
        library(
            "WeftAgent",
            [
                "WeftModel", "WeftProtos", "WeftDiscovery", "WeftIdentity", "WeftProxy", nioCore, nioPosix, protobuf,
                grpcCore, grpcTransport, logging, lifecycle, crypto,
            ]),
        library(
            "WeftCLI",
            [
                "WeftModel", "WeftConfig", "WeftTelemetry", "WeftProxy", "WeftAgent", "WeftControlPlane",
                "WeftIdentity",
                arguments,
                asyncHTTPClient, yams, logging, lifecycle, subprocess, system, nioCore, nioPosix, nioSSL, nioHTTP1,
                unixSignals,
            ]),
        .executableTarget(name: "weft", dependencies: ["WeftCLI"], swiftSettings: settings),
        .target(
            name: "WeftTestSupport",
            dependencies: [logging],
            swiftSettings: settings),
        // Tests mirror the targets.
        tests(of: "WeftModel"),
        tests(of: "WeftMessage"),
        tests(of: "WeftConfig", ["WeftModel"]),
        tests(of: "WeftCompiler", ["WeftModel", "WeftConfig"], files: ["Cases"]),
        tests(of: "WeftProtos", [protobuf]),
        tests(of: "WeftDiscovery", ["WeftModel", "WeftProtos", protobuf]),
        tests(of: "WeftIdentity", ["WeftModel", x509, crypto, cryptoExtras, asn1]),
        tests(of: "WeftTraffic", ["WeftModel", "WeftMessage"]),
        tests(of: "WeftHTTP", ["WeftMessage", nioCore, nioEmbedded]),
        tests(of: "WeftTelemetry", ["WeftModel"]),
        tests(of: "WeftStore", ["WeftModel", grdb]),
        tests(
            of: "WeftProxy",
            [
                "WeftModel", "WeftMessage", "WeftHTTP", "WeftIdentity", "WeftTelemetry", "WeftTraffic",
                "WeftCompiler", "WeftProtos", protobuf, nioCore, nioPosix, nioTLS,
                nioEmbedded,
                crypto, logging, grpcCore,
            ]),
        tests(
            of: "WeftControlPlane",
            [
                "WeftModel", "WeftConfig", "WeftDiscovery", "WeftIdentity", "WeftProtos", "WeftTelemetry", "WeftProxy",
                protobuf,
                grpcCore,
                grpcProtobuf,
                grpcTransport, crypto, nioCore, nioPosix, nioHTTP1, nioSSL, asyncHTTPClient, logging, lifecycle,
            ]),
        tests(
            of: "WeftAgent",
            [
                "WeftModel", "WeftProtos", "WeftIdentity", "WeftDiscovery", "WeftProxy", crypto,
                protobuf, grpcCore, grpcTransport, logging, nioCore, nioPosix,
            ]),
        tests(of: "WeftCLI", ["WeftModel", "WeftProxy", "WeftIdentity", crypto, yams, arguments]),
        // The executable with programs that others wrote.
        .testTarget(
            name: "WeftInteroperabilityTests",
            dependencies: ["weft", "WeftCLI", "WeftModel", asyncHTTPClient, nioCore, nioHTTP1], exclude: ["Peers"],
            swiftSettings: settings),
    ]
)
