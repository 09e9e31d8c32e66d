package import WeftTelemetry

/// Where a sidecar's traces and its access log go, and how much of them.
package struct TelemetryConfiguration: Hashable, Sendable {
    /// The collector; nil, the default, traces nothing and leaves trace headers as they come.
    package var otlp: OTLPEndpoint?
    /// Of traces that begin here and that nobody has decided about. Default 0.01.
    package var sampling = TraceSampling()
    /// Traces that no sampler picked and that are kept for being slow: at most so many every 10 s for each event loop and
    /// direction. Default 5; zero keeps none.
    package var slowest = 5
    package var accessLogOutput = AccessLogOutput.standardOutput
    /// Request headers that are written into the access log, in lower case. Default none.
    package var loggedHeaders: [String] = []
    package var redaction = Redaction()
    /// Requests remembered for `weft explain`, all loops together. Default 10 000, about 4 MB; zero remembers none.
    package var records = 10_000

    package init() {}
}

/// Where lines of the access log go.
package enum AccessLogOutput: Hashable, Sendable {
    case standardOutput
    /// Opened anew on SIGHUP and SIGUSR1, and when it was moved away.
    case file(path: String)
    /// To the collector, as log records.
    case otlp

    /// Reads `stdout`, `otlp`, or a path.
    package init?(_ text: String) {
        switch text {
        case "": return nil
        case "stdout", "-": self = .standardOutput
        case "otlp": self = .otlp
        default: self = .file(path: text)
        }
    }
}

/// A collector that takes OTLP.
package struct OTLPEndpoint: Hashable, Sendable, CustomStringConvertible {
    package enum Transport: String, Hashable, Sendable, CaseIterable { case grpc, http }

    package var transport: Transport
    package var isTLS: Bool
    /// A name or an address, without brackets.
    package var host: String
    package var port: Int
    /// Before `/v1/traces`; empty mostly. HTTP only.
    package var prefix: String

    /// Reads `http://host:4317`. Without a port it is the protocol's own, without a protocol the port's: 4318 is HTTP,
    /// everything else gRPC.
    package init?(_ text: String, transport: Transport? = nil) {
        let isTLS = text.hasPrefix("https://")
        guard isTLS || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isTLS ? 8 : 7)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        guard !authority.isEmpty, !path.contains("?"), !path.contains("#"), !authority.contains("@") else { return nil }
        var host = String(authority)
        var port: Int?
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
                return nil
            }
            port = number
            host = String(authority[..<colon])
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else { return nil }
        self.transport = transport ?? (port == 4318 ? .http : .grpc)
        self.isTLS = isTLS
        self.host = host
        self.port = port ?? (self.transport == .http ? 4318 : 4317)
        self.prefix = path == "/" ? "" : String(path.hasSuffix("/") ? path.dropLast() : path)
    }

    /// `host:port`.
    package var authority: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    package var description: String {
        "\(self.isTLS ? "https" : "http")://\(self.authority)\(self.prefix) (\(self.transport.rawValue))"
    }
}
