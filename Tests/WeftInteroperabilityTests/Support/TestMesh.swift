import Foundation
import Testing
import WeftCLI
import WeftModel

/// A mesh of real processes: `weft up` with a few services, an Envoy for each way of speaking xDS, and a gRPC client
/// that follows the mesh by itself. All of it is in one directory, and is gone afterwards.
struct TestMesh: Sendable {
    /// The mesh that the running test uses.
    @TaskLocal static var current: TestMesh?

    let directory: String
    /// Envoys by how they take configuration.
    let envoys: [Envoy.Variant: Envoy]
    /// Where each way's caller takes its orders.
    private let callers: [Way: Int]

    static var running: TestMesh { get throws { try #require(Self.current, "the suite starts a mesh") } }

    var file: String { "\(self.directory)/fleet.yaml" }
    private var paths: FleetPaths { FleetPaths(file: self.file) }

    // MARK: Life

    /// Runs `body` with a mesh, and takes everything down afterwards.
    static func with(_ body: (TestMesh) async throws -> Void) async throws {
        let directory = "/tmp/weft-i\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let failures = Failures()
        let processes = Guests()
        var failure: (any Error)?
        do {
            let mesh = try await Self.start(in: directory, guests: processes)
            try await Self.$current.withValue(mesh) {
                try await Failures.$current.withValue(failures) { try await body(mesh) }
            }
        } catch {
            failure = error
        }
        await processes.stopAll()
        let down = try? await PeerProcess.run(
            [Peers.weft, "down", "\(directory)/fleet.yaml"], environment: ["HOME": directory], in: directory)
        if failure != nil || failures.any || down?.code != 0 { Self.printLogs(of: directory) }
        try? FileManager.default.removeItem(atPath: directory)
        if let failure { throw failure }
        #expect(down?.code == 0, "the mesh went down: \(down?.errors ?? "")")
    }

    private static func start(in directory: String, guests: Guests) async throws -> TestMesh {
        try Self.fleet().write(toFile: "\(directory)/fleet.yaml", atomically: true, encoding: .utf8)
        let bare = TestMesh(directory: directory, envoys: [:], callers: [:])
        try await bare.weft("up", bare.file, "--detach")
        var envoys: [Envoy.Variant: Envoy] = [:]
        var callers: [Way: Int] = [:]
        let application = try bare.port("caller/application")
        for way in [Way.proxy, .connect, .upstream] { callers[way] = application }
        for variant in Envoy.Variant.allCases {
            let envoy = try await Envoy.start(variant, in: bare)
            await guests.add(envoy.process)
            envoys[variant] = envoy
        }
        // The application behind an Envoy knows nothing of the mesh but its proxy.
        let envoy = try #require(envoys[.incremental])
        callers[.envoy] = try await bare.startCaller(
            "behind-envoy", ["http_proxy": "http://127.0.0.1:\(envoy.outbound)"], guests)
        let bootstrap = try await bare.bootstrap(for: "grpc", service: "proxyless")
        callers[.xds] = try await bare.startCaller("proxyless", ["GRPC_XDS_BOOTSTRAP": bootstrap], guests)
        let mesh = TestMesh(directory: directory, envoys: envoys, callers: callers)
        for way in Way.allCases {
            try await eventually("the caller by \(way)") {
                try await Web.get(port: try mesh.caller(way), "/healthz").status == 200 ? () : nil
            }
        }
        return mesh
    }

    private func startCaller(_ name: String, _ environment: [String: String], _ guests: Guests) async throws -> Int {
        let port = try Ports.free()
        let process = try PeerProcess(
            name, [Peers.python, Peers.program("caller.py")],
            environment: environment.merging(["PORT": "\(port)"]) { $1 }, in: self.directory)
        await guests.add(process)
        return port
    }

    static func printLogs(of directory: String) {
        let files = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        var text = ""
        for file in files.sorted() where file.hasSuffix(".log") {
            guard let data = FileManager.default.contents(atPath: "\(directory)/\(file)"), !data.isEmpty else {
                continue
            }
            text += "---- \(file), the end of it\n\(String(decoding: data.suffix(6000), as: UTF8.self))\n"
        }
        FileHandle.standardError.write(Data(text.utf8))
    }

    // MARK: Using it

    /// Runs `weft` on this mesh; fails unless it succeeds.
    @discardableResult
    func weft(_ arguments: String..., environment: [String: String] = [:]) async throws -> String {
        let outcome = try await PeerProcess.run(
            [Peers.weft] + arguments,
            environment: ["HOME": self.directory, "WEFT_API": self.paths.apiSocket].merging(environment) { $1 },
            in: self.directory, within: .seconds(180))
        guard outcome.code == 0 else {
            throw NeverHappened(
                description: "weft \(arguments.joined(separator: " ")) ended with \(outcome.code): \(outcome.errors)")
        }
        return outcome.output
    }

    /// Applies documents.
    func apply(_ documents: String) async throws {
        let file = "\(self.directory)/applied-\(UUID().uuidString).yaml"
        try documents.write(toFile: file, atomically: true, encoding: .utf8)
        try await self.weft("apply", "-f", file)
    }

    func status() async throws -> StatusReport {
        try JSONDecoder().decode(StatusReport.self, from: Data(try await self.weft("status", "-o", "json").utf8))
    }

    /// Waits until every client has taken all that there is; throws what any of them refused.
    func settled() async throws {
        try await eventually("all clients to take the configuration") {
            let report = try await self.status()
            guard report.publishedRevision == report.revision else { return nil as Void? }
            for proxy in report.proxies {
                if let refused = proxy.discovery.compactMap(\.rejection).first {
                    throw NeverHappened(description: "\(proxy.identity) refused: \(refused.message)")
                }
            }
            return report.proxies.allSatisfy { $0.isCurrent && $0.connectedSince != nil } ? () : nil
        }
    }

    /// What a port of the fleet's is, `caller/application`.
    func port(_ owner: String) throws -> Int {
        try #require(try self.paths.load()?.ports.ports[owner], "\(owner) has a port")
    }

    /// The process of that name in the fleet.
    func process(_ name: String) throws -> ProcessMark? {
        try self.paths.load()?.processes.first { $0.name == name }?.mark
    }

    /// Joins as `service`, and returns the file with the bootstrap.
    func bootstrap(for client: String, service: String, _ more: String...) async throws -> String {
        let token = try await self.weft("token", "create", "--service", service).trimmingCharacters(
            in: .whitespacesAndNewlines)
        let outcome = try await PeerProcess.run(
            [
                Peers.weft, "proxy", "bootstrap", "--for", client, "--service", service, "--workload", service,
                "--directory", "\(self.directory)/\(service)", "--control-plane",
                "127.0.0.1:\(try self.port("control/discovery"))",
            ] + more, environment: ["HOME": self.directory, "WEFT_TOKEN": token], in: self.directory)
        guard outcome.code == 0 else { throw NeverHappened(description: "no bootstrap: \(outcome.errors)") }
        let file = "\(self.directory)/\(service).bootstrap"
        try outcome.output.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    /// Has a call of `caller.py` made one way, and returns what came of it.
    func call(_ name: String, by way: Way, _ parameters: [String: String] = [:]) async throws -> CallResult {
        var components = URLComponents()
        components.path = "/\(name)"
        components.queryItems =
            [URLQueryItem(name: "via", value: way.channel)]
            + parameters.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
        let answer = try await Web.get(port: try self.caller(way), components.string ?? "/")
        guard answer.status == 200 else { throw NeverHappened(description: "caller.py failed: \(answer.body)") }
        return try JSONDecoder().decode(CallResult.self, from: Data(answer.body.utf8))
    }

    private func caller(_ way: Way) throws -> Int { try #require(self.callers[way]) }
}

/// How a gRPC client reaches the mesh.
enum Way: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// HTTP/2 in the clear to its sidecar's proxy port.
    case proxy
    /// The library's own use of `http_proxy`.
    case connect
    /// A declared upstream's loopback port.
    case upstream
    /// By itself, driven by the control plane.
    case xds
    /// Through a stock Envoy.
    case envoy

    /// What `caller.py` calls it.
    var channel: String { self == .envoy ? "proxy" : self.rawValue }

    /// The account whose identity the service sees.
    var account: String {
        switch self {
        case .proxy, .connect, .upstream: "caller"
        case .xds: "proxyless"
        case .envoy: Envoy.Variant.incremental.service
        }
    }

    var testDescription: String { self.rawValue }
}

/// What `caller.py` says of a call.
struct CallResult: Decodable, Sendable {
    var code: String?
    var details: String?
    var initial: [String: String]?
    var trailing: [String: String]?
    var complete: Int?
    var replies: [String]?
    var reply: Reply?
    var server: Seen?
    var instances: [String: Int]?
    var failures: [String]?

    /// What the service saw of a call.
    struct Reply: Decodable, Sendable {
        var instance: String
        var metadata: [String: String]
        /// Seconds.
        var remaining: Double?
    }

    /// What the service saw of a call's end.
    struct Seen: Decodable, Sendable {
        var cancelled: Bool
    }
}
