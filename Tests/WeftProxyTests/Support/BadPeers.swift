import Crypto
import Foundation
import NIOCore
import NIOPosix
import Testing
import WeftIdentity
import WeftModel
import WeftTelemetry
import WeftTestSupport

@testable import WeftProxy

extension BadPeer {
    /// An identity that is well, with the root that all of the bad ones are to be judged by.
    func identity(_ name: String) throws -> WorkloadIdentity {
        try WorkloadIdentity(
            key: P256.Signing.PrivateKey(pemRepresentation: self.text("\(name).key")),
            chain: PEM.decode(self.text("\(name).pem")).map(\.der),
            bundle: PEM.decode(self.text("root.pem")).map(\.der),
            now: Date())
    }
}

extension TestSidecar {
    /// Handshakes by what came of them; those of a side.
    func handshakes(_ side: String, on group: MultiThreadedEventLoopGroup) async throws -> [String: UInt64] {
        let counted = try await self.server.metrics(on: group.next()).get().families[MetricNames.handshakes] ?? [:]
        return Dictionary(
            counted.compactMap { labels, value in
                guard labels.first == side, let result = labels.last, case .counter(let count) = value else {
                    return nil
                }
                return (result, count)
            }
        ) { $0 + $1 }
    }

    /// What was counted since `before`, once there is anything.
    func handshakes(
        _ side: String, since before: [String: UInt64], on group: MultiThreadedEventLoopGroup
    ) async throws -> [String] {
        while true {
            let now = try await self.handshakes(side, on: group)
            if now != before {
                return now.flatMap { label, count in
                    Array(repeating: label, count: Int(count - (before[label] ?? 0)))
                }
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Waits until nobody is connected any more.
    func isEmptied() async throws {
        while await self.server.load(.inbound).connections > 0 { try await Task.sleep(for: .milliseconds(2)) }
    }
}
