internal import Foundation
internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// Asks the proxies that are connected about the requests they remember, and gathers what they say.
actor RecordDesk {
    /// What came together.
    struct Gathered: Sendable {
        var records: [HopRecord] = []
        /// Proxies that did not answer in time.
        var silent: [String] = []
        var truncated = false
    }

    struct Limits: Hashable, Sendable {
        /// How long proxies may take to answer.
        var wait = Duration.seconds(2)
        /// Questions under way; more are refused.
        var questions = 64
        var taps = 16
        /// What all answers to one question may take, in bytes.
        var bytes = 32 << 20
        /// What one record may take.
        var recordBytes = 65_536
    }

    private struct Proxy {
        let workload: String
        let send: @Sendable (Weft_V1_ControlMessage) -> Void
    }

    private struct Question {
        var waiting: Set<Registry.ConnectionID>
        var gathered = Gathered()
        var bytes = 0
        var done: CheckedContinuation<Void, Never>?
    }

    private struct Tap {
        let request: Weft_V1_TapRequest
        let events: AsyncStream<TapLine>.Continuation
        var dropped: UInt64 = 0
    }

    private let limits: Limits
    private var proxies: [Registry.ConnectionID: Proxy] = [:]
    private var questions: [UInt64: Question] = [:]
    private var taps: [UInt64: Tap] = [:]
    private var lastID: UInt64 = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    // MARK: Proxies

    /// A workload has registered; `send` writes to its stream.
    func joined(
        _ connection: Registry.ConnectionID, workload: String,
        send: @escaping @Sendable (Weft_V1_ControlMessage) -> Void
    ) {
        self.proxies[connection] = Proxy(workload: workload, send: send)
        for tap in self.taps.values { send(.with { $0.tap = tap.request }) }
    }

    func left(_ connection: Registry.ConnectionID) {
        guard let proxy = self.proxies.removeValue(forKey: connection) else { return }
        for id in self.questions.keys where self.questions[id]?.waiting.contains(connection) == true {
            self.questions[id]?.gathered.silent.append(proxy.workload)
            self.settle(id, connection)
        }
    }

    func answered(_ answer: Weft_V1_RecordAnswer, from connection: Registry.ConnectionID) {
        guard let proxy = self.proxies[connection],
            self.questions[answer.id]?.waiting.contains(connection) == true
        else { return }
        let (records, bytes) = self.read(answer.records, of: proxy.workload)
        let isTooMuch = (self.questions[answer.id]?.bytes ?? 0) + bytes > self.limits.bytes
        if !isTooMuch { self.questions[answer.id]?.gathered.records += records }
        self.questions[answer.id]?.bytes += bytes
        if answer.truncated || isTooMuch { self.questions[answer.id]?.gathered.truncated = true }
        self.settle(answer.id, connection)
    }

    func tapped(_ events: Weft_V1_TapEvents, from connection: Registry.ConnectionID) {
        guard let proxy = self.proxies[connection], let tap = self.taps[events.id] else { return }
        var dropped = events.dropped &+ (self.taps[events.id]?.dropped ?? 0)
        for record in self.read(events.records, of: proxy.workload).records {
            let line = TapLine(request: record, dropped: dropped == 0 ? nil : dropped)
            if case .enqueued = tap.events.yield(line) { dropped = 0 } else { dropped += 1 }
        }
        self.taps[events.id]?.dropped = dropped
    }

    /// What a proxy says of itself is its own; the name is the one under which it registered.
    private func read(_ texts: [Data], of workload: String) -> (records: [HopRecord], bytes: Int) {
        let decoder = JSONDecoder()
        var records: [HopRecord] = []
        var bytes = 0
        for text in texts.prefix(1000) where text.count <= self.limits.recordBytes {
            guard var record = try? decoder.decode(HopRecord.self, from: text) else { continue }
            bytes += text.count
            record.proxy = workload
            records.append(record)
        }
        return (records, bytes)
    }

    // MARK: Questions

    /// Records of one request from all proxies.
    func find(_ requestID: String) async throws(APIError) -> Gathered {
        try await self.ask(.with { $0.requestID = requestID })
    }

    /// The newest that match, of each proxy up to `limit`.
    func newest(_ filter: RecordFilter, limit: Int) async throws(APIError) -> Gathered {
        try await self.ask(
            .with {
                $0.filter = Weft_V1_RecordFilter(filter)
                $0.limit = UInt32(clamping: limit)
            })
    }

    private func ask(_ query: Weft_V1_RecordQuery) async throws(APIError) -> Gathered {
        guard self.questions.count < self.limits.questions else {
            throw APIError(
                status: 429, code: .exhausted, message: "too many questions about requests at once",
                remedy: "try again in a moment")
        }
        self.lastID += 1
        let id = self.lastID
        guard !self.proxies.isEmpty else { return Gathered() }
        var query = query
        query.id = id
        self.questions[id] = Question(waiting: Set(self.proxies.keys))
        let message = query
        for proxy in self.proxies.values { proxy.send(.with { $0.records = message }) }
        // Only ends the wait; it is cancelled below, and does nothing to a question that is over.
        let timer = Task {
            try? await Task.sleep(for: self.limits.wait)
            self.ranOut(id)
        }
        await withCheckedContinuation { done in
            if self.questions[id]?.waiting.isEmpty != false { return done.resume() }
            self.questions[id]?.done = done
        }
        timer.cancel()
        var gathered = self.questions.removeValue(forKey: id)?.gathered ?? Gathered()
        gathered.silent.sort()
        return gathered
    }

    private func settle(_ id: UInt64, _ connection: Registry.ConnectionID) {
        self.questions[id]?.waiting.remove(connection)
        guard self.questions[id]?.waiting.isEmpty == true else { return }
        self.questions[id]?.done?.resume()
        self.questions[id]?.done = nil
    }

    private func ranOut(_ id: UInt64) {
        guard let question = self.questions[id] else { return }
        let silent = question.waiting.compactMap { self.proxies[$0]?.workload }
        self.questions[id]?.gathered.silent += silent
        self.questions[id]?.waiting = []
        self.questions[id]?.done?.resume()
        self.questions[id]?.done = nil
    }

    // MARK: Taps

    /// What ends from now on and matches, at most `perSecond` of each proxy, until the stream is let go.
    func tap(_ filter: RecordFilter, perSecond: Int) throws(APIError) -> AsyncStream<TapLine> {
        guard self.taps.count < self.limits.taps else {
            throw APIError(
                status: 429, code: .exhausted, message: "too many taps are open",
                cause: "\(self.limits.taps) is the most", remedy: "end another first")
        }
        self.lastID += 1
        let id = self.lastID
        let (lines, events) = AsyncStream.makeStream(of: TapLine.self, bufferingPolicy: .bufferingOldest(1000))
        let request = Weft_V1_TapRequest.with {
            $0.id = id
            $0.filter = Weft_V1_RecordFilter(filter)
            $0.perSecond = UInt32(clamping: perSecond)
        }
        self.taps[id] = Tap(request: request, events: events)
        // Called from wherever the reader ends, which waits for nobody.
        events.onTermination = { _ in Task { await self.endTap(id) } }
        for proxy in self.proxies.values { proxy.send(.with { $0.tap = request }) }
        return lines
    }

    private func endTap(_ id: UInt64) {
        guard self.taps.removeValue(forKey: id) != nil else { return }
        for proxy in self.proxies.values {
            proxy.send(
                .with {
                    $0.tap.id = id
                    $0.tap.stop = true
                })
        }
    }
}

extension Weft_V1_RecordFilter {
    init(_ filter: RecordFilter) {
        self.init()
        self.service = filter.service ?? ""
        self.namespace = filter.namespace ?? ""
        self.failed = filter.failed
        self.reason = filter.reason?.rawValue ?? ""
        self.pathPrefix = filter.pathPrefix ?? ""
        self.route = filter.route ?? ""
        self.version = filter.version ?? ""
        self.identity = filter.identity ?? ""
    }
}
