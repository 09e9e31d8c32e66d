internal import Foundation

/// How the bundled service answers; changed while it runs by `/_behave`.
package struct ServiceBehaviour: Hashable, Sendable, Codable {
    /// Wait before each answer, milliseconds.
    package var latency: Double = 0
    /// Up to this much more, uniformly, milliseconds.
    package var jitter: Double = 0
    /// Share of requests answered with `status`, 0–1.
    package var errors: Double = 0
    /// What a failed request is answered with, 400–599. Default 503.
    package var status = 503

    package init() {}

    /// Takes `latency=200ms&jitter=20ms&errors=0.5&status=500`; says what is wrong with it.
    package mutating func apply(query: String) throws {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            let (name, value) = (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            switch name {
            case "latency", "jitter":
                guard let duration = DurationText.parse(value) else {
                    throw CommandFailure.usage("'\(value)' is not a duration such as 200ms", at: name)
                }
                let milliseconds =
                    Double(duration.components.seconds) * 1e3 + Double(duration.components.attoseconds) / 1e15
                if name == "latency" { self.latency = milliseconds } else { self.jitter = milliseconds }
            case "errors":
                guard let share = Double(value), (0...1).contains(share) else {
                    throw CommandFailure.usage("'\(value)' is not a share from 0 to 1", at: name)
                }
                self.errors = share
            case "status":
                guard let status = Int(value), (400...599).contains(status) else {
                    throw CommandFailure.usage("'\(value)' is not a status from 400 to 599", at: name)
                }
                self.status = status
            default:
                throw CommandFailure.usage("is not known", at: name, remedy: "Known: latency, jitter, errors, status.")
            }
        }
    }

    /// What one request gets.
    package func decide(using random: inout some RandomNumberGenerator) -> (delay: Duration, fails: Bool) {
        let delay = self.latency + (self.jitter > 0 ? Double.random(in: 0...self.jitter, using: &random) : 0)
        return (.microseconds(Int64(delay * 1000)), Double.random(in: 0..<1, using: &random) < self.errors)
    }
}

/// A call that the bundled service makes for each request: `billing=/charge`.
package struct ServiceCall: Hashable, Sendable {
    /// A name in the mesh, or what `WEFT_UPSTREAM_NAME` stands for.
    package var target: String
    package var path: String

    package init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let target = parts.first, !target.isEmpty else { return nil }
        self.target = String(target)
        self.path = parts.count > 1 && parts[1].hasPrefix("/") ? String(parts[1]) : "/"
        if parts.count > 1 && !parts[1].hasPrefix("/") { return nil }
    }

    /// Where to send it: the declared upstream's loopback port, else the HTTP proxy, else the name itself.
    ///
    /// The proxy is asked by `Host` alone. A sidecar takes that as well as a full URL, and async-http-client would ask
    /// a proxy that it knows as one for a tunnel.
    package func url(environment: [String: String]) -> String {
        if let base = environment[FleetPlan.upstreamVariable(self.target)] { return base + self.path }
        if let proxy = environment["http_proxy"], !proxy.isEmpty {
            return (proxy.hasSuffix("/") ? String(proxy.dropLast()) : proxy) + self.path
        }
        return "http://\(self.target)\(self.path)"
    }
}

/// What the bundled service answers, and what it got from those it called.
package struct ServiceAnswer: Hashable, Sendable, Codable {
    package var service: String
    package var version: String
    package var instance: String
    package var path: String
    /// In the order of `--call`.
    package var answers: [Call]?
    /// Why it failed; nil when it did not.
    package var error: String?

    package struct Call: Hashable, Sendable, Codable {
        package var service: String
        /// Zero when no response came.
        package var status: Int
        package var milliseconds: Double
        package var answer: ServiceAnswer?
        package var error: String?
    }

    /// What a service answered, searched through all calls.
    package func part(of service: String) -> ServiceAnswer? {
        if self.service == service { return self }
        for call in self.answers ?? [] {
            if let answer = call.answer?.part(of: service) { return answer }
        }
        return nil
    }
}
