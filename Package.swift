// swift-tools-version: 6.0
import PackageDescription

/// `path` says the layer: what a target may import stands beside it, and the build enforces it
/// (`--explicit-target-dependency-import-check error`).
let package = Package(
    name: "liaison",
    products: [
        .executable(name: "ingest", targets: ["Ingest"]),
        .executable(name: "worker", targets: ["Worker"]),
        .executable(name: "console", targets: ["Console"]),
        .executable(name: "sandbox", targets: ["Sandbox"]),
        .executable(name: "bench", targets: ["Bench"]),
    ],
    dependencies: [],
    targets: system + shared + services + tests,
    swiftLanguageModes: [.v6]
)

var system: [Target] {
    [
        .systemLibrary(name: "CPostgres", path: "Shared/System/CPostgres", pkgConfig: "libpq"),
        .systemLibrary(name: "CCurl", path: "Shared/System/CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CCrypto", path: "Shared/System/CCrypto", pkgConfig: "libcrypto"),
        .systemLibrary(name: "CPCRE2", path: "Shared/System/CPCRE2", pkgConfig: "libpcre2-8"),
        .systemLibrary(name: "CEpoll", path: "Shared/System/CEpoll"),
        .systemLibrary(name: "CMalloc", path: "Shared/System/CMalloc"),
    ]
}

var shared: [Target] {
    [
        .target(
            name: "JSON", path: "Shared/JSON", linkerSettings: [.linkedLibrary("m")]),
        .target(name: "Models", dependencies: ["JSON"], path: "Shared/Models"),
        .target(
            name: "Automation", dependencies: ["Models", "JSON", "CPCRE2"],
            path: "Shared/Automation"),
        .target(name: "Runtime", dependencies: ["CMalloc"], path: "Shared/Runtime"),
        .target(name: "HTTP", dependencies: ["CCurl", "CEpoll"], path: "Shared/HTTP"),
        .target(name: "Crypto", dependencies: ["CCrypto"], path: "Shared/Crypto"),
        .target(name: "Postgres", dependencies: ["CPostgres"], path: "Shared/Postgres"),
        .target(
            name: "Store", dependencies: ["Models", "JSON", "Runtime", "Postgres", "Crypto"],
            path: "Shared/Store", exclude: ["Queue.md"]),
    ]
}

var services: [Target] {
    [
        .target(
            name: "Connectors", dependencies: ["Models", "JSON", "HTTP", "Crypto"],
            path: "Services/Connectors",
            exclude: ["PagerDuty/PagerDuty.md", "Salesforce/Salesforce.md"]),
        .executableTarget(
            name: "Ingest",
            dependencies: [
                "JSON", "Models", "Automation", "Runtime", "HTTP", "Crypto", "Postgres", "Store",
            ],
            path: "Services/Ingest"),
        .executableTarget(
            name: "Worker",
            dependencies: [
                "JSON", "Models", "Automation", "Runtime", "HTTP", "Crypto", "Postgres", "Store",
                "Connectors",
            ],
            path: "Services/Worker"),
        .executableTarget(
            name: "Console",
            dependencies: [
                "JSON", "Models", "Automation", "Runtime", "Crypto", "Postgres", "Store",
            ],
            path: "Services/Console"),
        .executableTarget(
            name: "Sandbox", dependencies: ["JSON", "Models", "Runtime", "HTTP", "Crypto"],
            path: "Services/Sandbox"),
    ]
}

var tests: [Target] {
    func tests(
        _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
    ) -> Target {
        .testTarget(
            name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude)
    }
    return [
        .executableTarget(
            name: "Bench",
            dependencies: [
                "JSON", "Models", "Automation", "Runtime", "HTTP", "Crypto", "Postgres", "Store",
                "CEpoll",
            ],
            path: "Tests/Bench"),
        .target(name: "TestSupport", dependencies: ["Postgres"], path: "Tests/TestSupport"),
        tests("JSONTests", ["JSON"]),
        tests("ModelsTests", ["Models", "JSON"]),
        tests("AutomationTests", ["Automation", "Models", "JSON"]),
        tests("RuntimeTests", ["Runtime"]),
        tests("HTTPTests", ["HTTP", "CEpoll"]),
        tests("CryptoTests", ["Crypto"]),
        tests("PostgresTests", ["Postgres", "TestSupport"]),
        tests("StoreTests", ["Store", "Models", "JSON", "Postgres", "TestSupport"]),
        tests("ConnectorsTests", ["Connectors", "Models", "JSON", "HTTP", "Crypto"]),
        tests(
            "SandboxTests", ["Sandbox", "Models", "JSON", "HTTP", "Crypto"],
            exclude: ["clients.py"]),
        tests(
            "IngestTests",
            [
                "Ingest", "Models", "JSON", "Runtime", "HTTP", "Crypto", "Store", "Postgres",
                "TestSupport",
            ]),
        tests(
            "WorkerTests",
            [
                "Worker", "JSON", "Models", "Automation", "Runtime", "HTTP", "Postgres", "Store",
                "Connectors", "TestSupport",
            ]),
        tests(
            "ConsoleTests",
            ["Console", "Models", "JSON", "Store", "Postgres", "Crypto", "TestSupport"]),
        tests(
            "EndToEndTests",
            [
                "Ingest", "Worker", "JSON", "Models", "Automation", "Runtime", "HTTP", "Crypto",
                "Postgres", "Store", "Connectors", "Sandbox", "TestSupport",
            ]),
        tests("TidyTests", []),
    ]
}
