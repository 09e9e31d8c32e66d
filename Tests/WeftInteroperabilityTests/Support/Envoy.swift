import Foundation

/// A stock Envoy, started with what `weft proxy bootstrap` prints and nothing else.
struct Envoy: Sendable {
    /// How it takes configuration.
    enum Variant: String, CaseIterable, Sendable {
        /// Delta xDS, as the bootstrap says.
        case incremental
        /// The bootstrap with one word changed.
        case stateOfTheWorld

        /// The service it joins for.
        var service: String { "envoy-\(self.rawValue.lowercased())" }
    }

    let process: PeerProcess
    /// Where its application's calls go.
    let outbound: Int
    let admin: Int

    static func start(_ variant: Variant, in mesh: TestMesh) async throws -> Envoy {
        let (outbound, admin) = (try Ports.free(), try Ports.free())
        let file = try await mesh.bootstrap(
            for: "envoy", service: variant.service, "--outbound-port", "\(outbound)", "--admin-port", "\(admin)")
        let configuration = file + ".yaml"
        var text = try String(contentsOfFile: file, encoding: .utf8)
        if variant == .stateOfTheWorld {
            text = text.replacing("api_type: DELTA_GRPC", with: "api_type: GRPC")
        }
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
        let process = try PeerProcess(
            variant.service,
            [Peers.envoy, "-c", configuration, "--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"],
            in: mesh.directory)
        let envoy = Envoy(process: process, outbound: outbound, admin: admin)
        do {
            try await eventually("Envoy to be ready") {
                guard process.isRunning else { throw NeverHappened(description: "Envoy ended") }
                return try await Web.get(port: admin, "/ready").status == 200 ? () : nil
            }
        } catch {
            await process.stop()
            throw NeverHappened(
                description: "\(error)\n\((try? String(contentsOfFile: process.log, encoding: .utf8)) ?? "")")
        }
        return envoy
    }

    /// Its counters and gauges whose names contain `filter`.
    func statistics(_ filter: String) async throws -> [String: Int] {
        let text = try await Web.get(port: self.admin, "/stats?filter=\(filter)").body
        var numbers: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.range(of: ": ", options: .backwards), let number = Int(line[colon.upperBound...])
            else { continue }
            numbers[String(line[..<colon.lowerBound])] = number
        }
        return numbers
    }
}
