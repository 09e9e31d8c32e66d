import Foundation

/// The programs of others that this suite talks to, and where they are.
///
/// `scripts/setup test` installs them into `.build-peers` at the root of the repository; `WEFT_TEST_PEERS` names another
/// Python environment that has them.
enum Peers {
    /// Path of the repository's root.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private static let home = ProcessInfo.processInfo.environment["WEFT_TEST_PEERS"] ?? "\(Self.root)/.build-peers"

    static let python = "\(Self.home)/bin/python3"
    static let envoy = "\(Self.home)/bin/envoy"

    /// Whether `redis-server` and its client are here.
    static let redis: String? = Self.onPath("redis-server").flatMap { Self.onPath("redis-cli") == nil ? nil : $0 }
    /// The folder of PostgreSQL's programs, of which Debian puts only the clients on the path.
    static let postgres: String? = {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let folders = versions.sorted().reversed().map { "/usr/lib/postgresql/\($0)/bin" }
        return folders.first { folder in
            ["initdb", "postgres", "psql", "pgbench"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)")
            }
        }
    }()
    static let nghttp = Self.onPath("nghttp") != nil && Self.onPath("h2load") != nil

    static let prometheus = Self.onPath("prometheus") ?? ""
    static let promtool = Self.onPath("promtool") ?? ""

    private static func onPath(_ program: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
    }

    /// One of this suite's own programs.
    static func program(_ name: String) -> String { "\(Self.root)/Tests/WeftInteroperabilityTests/Peers/\(name)" }

    /// The executable under test: `WEFT_EXECUTABLE`, or the one built beside the tests.
    static let weft =
        ProcessInfo.processInfo.environment["WEFT_EXECUTABLE"]
        ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path + "/weft"

    /// Why the suite cannot run here; nil where it can.
    static let missing: String? = {
        let remedy = "run `scripts/setup test`, or name a Python environment that has it in WEFT_TEST_PEERS"
        guard FileManager.default.isExecutableFile(atPath: Self.python) else {
            return "there is no \(Self.python): \(remedy)"
        }
        guard FileManager.default.isExecutableFile(atPath: Self.envoy) else {
            return "there is no Envoy at \(Self.envoy): \(remedy)"
        }
        let trial = try? PeerProcess.runBlocking([Self.python, "-c", "import grpc.experimental, websockets"])
        guard trial?.code == 0 else {
            return
                "\(Self.python) has no gRPC or no websockets (\(trial?.errors.suffix(200) ?? "it does not run")): \(remedy)"
        }
        guard FileManager.default.isExecutableFile(atPath: Self.weft) else {
            return "there is no weft at \(Self.weft): build it, or name it in WEFT_EXECUTABLE"
        }
        return nil
    }()
    /// Why the tests of traces cannot run here; nil where they can.
    static let withoutOpenTelemetry: String? = {
        guard FileManager.default.isExecutableFile(atPath: Self.weft) else {
            return "there is no weft at \(Self.weft): build it, or name it in WEFT_EXECUTABLE"
        }
        guard FileManager.default.isExecutableFile(atPath: Self.python) else {
            return "there is no \(Self.python): run `scripts/setup test`"
        }
        let trial = try? PeerProcess.runBlocking([Self.python, "-c", "import grpc, opentelemetry.proto"])
        return trial?.code == 0 ? nil : "\(Self.python) has no `opentelemetry-proto`: run `scripts/setup test`"
    }()

    /// Why the tests with a Prometheus cannot run here; nil where they can.
    static let withoutPrometheus: String? = {
        guard !Self.prometheus.isEmpty, !Self.promtool.isEmpty else {
            return "there is no prometheus or no promtool: run `scripts/setup test`"
        }
        guard FileManager.default.isExecutableFile(atPath: Self.weft) else {
            return "there is no weft at \(Self.weft): build it, or name it in WEFT_EXECUTABLE"
        }
        return nil
    }()

    /// Why the dashboard cannot be looked at here; nil where it can.
    static let withoutBrowser: String? = {
        guard ["chromium", "google-chrome"].contains(where: { Self.onPath($0) != nil }) else {
            return "there is no Chromium: run `scripts/setup test`"
        }
        let trial = try? PeerProcess.runBlocking([Self.python, "-c", "import websockets"])
        guard trial?.code == 0 else { return "\(Self.python) has no `websockets`: run `scripts/setup test`" }
        return FileManager.default.isExecutableFile(atPath: Self.weft) ? nil : "there is no weft at \(Self.weft)"
    }()

    /// Why the tests of the host's agent cannot run here; nil where they can.
    static let withoutSPIFFE: String? = {
        if let missing = Self.missing { return missing }
        let trial = try? PeerProcess.runBlocking([Self.python, "-c", "import spiffe"])
        return trial?.code == 0 ? nil : "\(Self.python) has no `spiffe`: run `scripts/setup test`"
    }()
}
