// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "lethe",
    products: [
        .executable(name: "lethe", targets: ["lethe"]),
        .library(name: "LetheModel", targets: ["LetheModel", "LetheTensor", "LetheCore"]),
        .library(name: "LetheUnlearning", targets: ["LetheUnlearning"]),
        .library(name: "LetheEvaluation", targets: ["LetheEvaluation"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
        .target(name: "CKernels", dependencies: ["COneDNN"]),
        .target(name: "LetheCore"),
        .target(name: "LetheTensor", dependencies: ["COneDNN", "CKernels", "LetheCore"]),
        .target(name: "LetheTokenizers", dependencies: ["LetheCore"]),
        .target(
            name: "LetheModel",
            dependencies: [
                "LetheTensor", "LetheTokenizers", "LetheCore",
            ]
        ),
        .target(name: "LetheCorpus", dependencies: ["LetheCore"]),
        .target(
            name: "LetheUnlearning",
            dependencies: ["LetheModel", "LetheCorpus", "LetheTensor", "LetheTokenizers", "LetheCore"]
        ),
        .target(
            name: "LetheEvaluation",
            dependencies: [
                "LetheUnlearning", "LetheCorpus", "LetheModel", "LetheTensor", "LetheTokenizers", "LetheCore", "CZlib",
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        .target(name: "Migrations", path: "Migrations", resources: [.embedInCode("Schema")]),
        .target(
            name: "LetheStore",
            dependencies: [
                "LetheCore", "Migrations",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        .target(
            name: "LetheService",
            dependencies: [
                "LetheCore", "LetheStore", "LetheModel", "LetheUnlearning", "LetheEvaluation", "LetheTokenizers",
                "LetheTensor", "CCurl",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "lethe",
            dependencies: [
                "LetheService", "LetheStore", "LetheEvaluation", "LetheUnlearning", "LetheCorpus", "LetheModel",
                "LetheTokenizers", "LetheTensor", "LetheCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(name: "LetheCoreTests", dependencies: ["LetheCore"]),
        .target(
            name: "LetheTestSupport", dependencies: ["LetheModel", "LetheTensor", "LetheCore"],
            path: "Tests/LetheTestSupport"
        ),
        .testTarget(name: "LetheTensorTests", dependencies: ["LetheTestSupport", "LetheTensor", "LetheCore"]),
        .testTarget(name: "LetheTokenizersTests", dependencies: ["LetheTokenizers", "LetheCore"]),
        .testTarget(
            name: "LetheModelTests",
            dependencies: ["LetheTestSupport", "LetheModel", "LetheTensor", "LetheTokenizers", "LetheCore"]
        ),
        .testTarget(
            name: "LetheUnlearningTests",
            dependencies: [
                "LetheTestSupport", "LetheUnlearning", "LetheModel", "LetheTensor", "LetheTokenizers", "LetheCore",
            ]
        ),
        .testTarget(
            name: "LetheEvaluationTests",
            dependencies: [
                "LetheTestSupport", "LetheEvaluation", "LetheUnlearning", "LetheCorpus", "LetheModel", "LetheTensor",
                "LetheTokenizers", "LetheCore",
            ]
        ),
        .testTarget(
            name: "LetheStoreTests",
            dependencies: [
                "LetheStore", "LetheCore", "Migrations",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        .testTarget(
            name: "LetheServiceTests",
            dependencies: [
                "LetheProcessSupport", "LetheCore", "LetheStore", "LetheService", "LetheUnlearning",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .testTarget(
            name: "RealModelTests",
            dependencies: [
                "LetheEvaluation", "LetheUnlearning", "LetheModel", "LetheTensor", "LetheTokenizers", "LetheCore",
            ]
        ),
        .target(name: "LetheProcessSupport", dependencies: ["LetheCore"], path: "Tests/LetheProcessSupport"),
        .testTarget(name: "CommandTests", dependencies: ["LetheProcessSupport", "LetheCore", "lethe"]),
        .testTarget(name: "CrashTests", dependencies: ["LetheProcessSupport", "LetheCore", "lethe"]),
    ]
)

for target in package.targets where target.type == .regular || target.type == .executable || target.type == .test {
    target.swiftSettings = (target.swiftSettings ?? []) + swiftSettings
}
