internal import Foundation
internal import SwiftProtobuf
internal import Synchronization
internal import WeftModel
package import WeftProtos

/// Answers what the control plane asks about requests.
package struct RecordResponder: Sendable {
    /// The records asked for.
    package var answer: @Sendable (Weft_V1_RecordQuery) async -> Weft_V1_RecordAnswer
    /// Watches the rings and tells of what comes while `isWanted`.
    package var tap:
        @Sendable (
            Weft_V1_TapRequest, _ isWanted: @escaping @Sendable () -> Bool,
            _ send: @escaping @Sendable (Weft_V1_TapEvents) -> Bool
        ) async -> Void

    /// One that remembers nothing.
    package static let none = RecordResponder(
        answer: { query in .with { $0.id = query.id } }, tap: { _, _, _ in })

    package init(
        answer: @escaping @Sendable (Weft_V1_RecordQuery) async -> Weft_V1_RecordAnswer,
        tap:
            @escaping @Sendable (
                Weft_V1_TapRequest, _ isWanted: @escaping @Sendable () -> Bool,
                _ send: @escaping @Sendable (Weft_V1_TapEvents) -> Bool
            ) async -> Void
    ) {
        self.answer = answer
        self.tap = tap
    }

    /// The most that one answer may take, whatever is asked for.
    private static let maxBytes = 1 << 20
    /// How often taps look.
    private static let tapInterval = Duration.milliseconds(250)

    /// One that reads the rings of `server`.
    init(_ server: ProxyServer) {
        self.answer = { query in
            let limit = max(1, min(1000, Int(query.limit)))
            var records: [HopRecord]
            var truncated = false
            if query.requestID.isEmpty {
                (records, truncated) = await server.records(matching: RecordFilter(query.filter), limit: limit)
            } else {
                (records, truncated) = await server.records(of: query.requestID)
            }
            let most = query.maxBytes == 0 ? Self.maxBytes : min(Self.maxBytes, Int(query.maxBytes))
            let (encoded, isCut) = Self.encode(records, maxBytes: most)
            return .with {
                $0.id = query.id
                $0.records = encoded
                $0.truncated = truncated || isCut
            }
        }
        self.tap = { request, isWanted, send in
            let filter = RecordFilter(request.filter)
            let perSecond = max(1, min(1000, Int(request.perSecond)))
            var positions = await server.recordPositions()
            var dropped: UInt64 = 0
            // What a quarter of a second may send; fractions are carried over.
            var allowance = 0.0
            while isWanted(), (try? await Task.sleep(for: Self.tapInterval)) != nil {
                allowance = min(Double(perSecond), allowance + Double(perSecond) / 4)
                let (records, lost) = await server.records(
                    since: &positions, matching: filter, limit: Int(allowance))
                allowance -= Double(records.count)
                dropped += lost
                guard !records.isEmpty || dropped > 0 else { continue }
                let (encoded, _) = Self.encode(records, maxBytes: Self.maxBytes)
                let left = UInt64(records.count - encoded.count)
                let isSent = send(
                    .with {
                        $0.id = request.id
                        $0.records = encoded
                        $0.dropped = dropped + left
                    })
                dropped = isSent ? 0 : dropped + UInt64(records.count)
            }
        }
    }

    private static func encode(_ records: [HopRecord], maxBytes: Int) -> (records: [Data], isCut: Bool) {
        let encoder = JSONEncoder()
        var encoded: [Data] = []
        var size = 0
        for record in records {
            guard let data = try? encoder.encode(record) else { continue }
            size += data.count
            if size > maxBytes { return (encoded, true) }
            encoded.append(data)
        }
        return (encoded, false)
    }
}

extension RecordFilter {
    /// As the control plane sent it.
    init(_ message: Weft_V1_RecordFilter) {
        self.init()
        func some(_ text: String) -> String? { text.isEmpty ? nil : text }
        self.service = some(message.service)
        self.namespace = some(message.namespace)
        self.failed = message.failed
        self.reason = Reason(rawValue: message.reason)
        self.pathPrefix = some(message.pathPrefix)
        self.route = some(message.route)
        self.version = some(message.version)
        self.identity = some(message.identity)
    }
}

/// The taps that the control plane has asked for on one stream, and how much waits to be sent to it.
final class TapBook: Sendable {
    private struct State {
        var wanted: Set<UInt64> = []
        var waiting = 0
    }

    private let state = Mutex(State())
    /// More taps than these are not begun.
    private static let maxTaps = 16
    /// Records that wait for a stream that is stuck; more are counted and dropped.
    private static let maxWaiting = 4 << 20

    /// False where it is one too many, or runs already.
    func begin(_ id: UInt64) -> Bool {
        self.state.withLock { $0.wanted.count < Self.maxTaps && $0.wanted.insert(id).inserted }
    }

    func end(_ id: UInt64) { self.state.withLock { _ = $0.wanted.remove(id) } }
    func endAll() { self.state.withLock { $0.wanted.removeAll() } }
    func isWanted(_ id: UInt64) -> Bool { self.state.withLock { $0.wanted.contains(id) } }

    /// Whether so many bytes may wait besides those that do.
    func enqueue(_ bytes: Int) -> Bool {
        self.state.withLock { state in
            guard state.waiting + bytes <= Self.maxWaiting else { return false }
            state.waiting += bytes
            return true
        }
    }

    func sent(_ bytes: Int) { self.state.withLock { $0.waiting -= bytes } }
}

extension Weft_V1_TapEvents {
    /// What its records take.
    var size: Int { self.records.reduce(0) { $0 + $1.count } }
}
