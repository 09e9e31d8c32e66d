internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// Sends requests at a steady rate and keeps count of what came back.
package final class TrafficGenerator: Sendable {
    /// What a stretch of traffic looked like.
    package struct Tally: Hashable, Sendable {
        package var sent = 0
        package var answered = 0
        /// By cause: a status with the mesh's reason, or why no answer came.
        package var failures: [String: Int] = [:]
        /// Milliseconds of the answers that were good.
        package var latencies: [Double] = []
        /// Answers by the version of billing that took part.
        package var versions: [String: Int] = [:]
        /// Answers by the replica of billing that took part.
        package var replicas: [String: Int] = [:]

        package init() {}

        package var failed: Int { self.failures.values.reduce(0, +) }
        package var latency: LatencySummary { LatencySummary(self.latencies) }

        /// The causes, most frequent first; empty when there were none.
        package var causes: String {
            self.failures.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
                .map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
        }
    }

    private let url: String
    private let client: HTTPClient
    private let tally = Guarded(Tally())

    package init(url: String) {
        self.url = url
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        configuration.connectionPool.idleTimeout = .seconds(2)
        self.client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func shutdown() async { try? await self.client.shutdown() }

    /// What was counted since the last call.
    package func take() -> Tally {
        self.tally.with { tally in
            defer { tally = Tally() }
            return tally
        }
    }

    /// Sends `rate` requests a second until the task is cancelled; those under way are waited for. A slow answer does
    /// not slow the next request down, as it would not with real users; at most 512 are open at once.
    package func run(rate: Int, headers: [String: String] = [:]) async {
        let clock = ContinuousClock()
        let start = clock.now
        let open = Guarded(0)
        await withDiscardingTaskGroup { group in
            var number = 0
            while !Task.isCancelled {
                try? await clock.sleep(until: start + .nanoseconds(Int64(number) * 1_000_000_000 / Int64(rate)))
                if Task.isCancelled { break }
                number += 1
                guard
                    open.with({ count in
                        count < 512
                            ? {
                                count += 1; return true
                            }() : false
                    })
                else { continue }
                // Cancelling ends the sending, not the requests: each is counted with its answer.
                group.addTask {
                    await Task { await self.send(headers: headers) }.value
                    open.with { $0 -= 1 }
                }
            }
        }
    }

    /// Sends `count` requests, `width` at a time.
    package func send(_ count: Int, width: Int = 16, headers: [String: String] = [:]) async {
        await withDiscardingTaskGroup { group in
            let left = Guarded(count)
            for _ in 0..<width {
                group.addTask {
                    while !Task.isCancelled,
                        left.with({ left in
                            left -= 1; return left >= 0
                        })
                    {
                        await self.send(headers: headers)
                    }
                }
            }
        }
    }

    private func send(headers: [String: String]) async {
        var request = HTTPClientRequest(url: self.url)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        self.tally.with { $0.sent += 1 }
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let response = try await self.client.execute(request, timeout: .seconds(20))
            let data = Data(try await response.body.collect(upTo: 1 << 20).readableBytesView)
            let (seconds, attoseconds) = start.duration(to: clock.now).components
            let answer = try? JSONDecoder().decode(ServiceAnswer.self, from: data)
            let status = Int(response.status.code)
            let reason = response.headers.first(name: "x-weft-reason") ?? Self.cause(answer)
            self.tally.with { tally in
                tally.answered += 1
                if (200..<300).contains(status) {
                    tally.latencies.append(Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
                    if let billing = answer?.part(of: "billing") {
                        tally.versions[billing.version, default: 0] += 1
                        tally.replicas[billing.instance, default: 0] += 1
                    }
                } else {
                    tally.failures["\(status)\(reason.map { " \($0)" } ?? "")", default: 0] += 1
                }
            }
        } catch let error {
            self.tally.with { $0.failures["no answer: \(error)", default: 0] += 1 }
        }
    }

    /// The innermost thing that went wrong.
    private static func cause(_ answer: ServiceAnswer?) -> String? {
        guard let answer else { return nil }
        for call in answer.answers ?? [] where call.error != nil {
            return "\(call.service): \(self.cause(call.answer) ?? call.error ?? "")"
        }
        return answer.error
    }
}
