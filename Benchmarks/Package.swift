// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "lethe-benchmarks",
    dependencies: [
        .package(name: "lethe", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "lethe-bench",
            dependencies: [
                .product(name: "LetheModel", package: "lethe"),
                .product(name: "LetheUnlearning", package: "lethe"),
                .product(name: "LetheEvaluation", package: "lethe"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [.enableUpcomingFeature("ExistentialAny")]
        )
    ]
)
