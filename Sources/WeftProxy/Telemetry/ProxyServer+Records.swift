internal import FoundationEssentials
internal import NIOCore
internal import WeftModel
internal import WeftTelemetry

/// What the loops remember of requests, for who asks. A loop only copies bytes; they are read where the asker is.
extension ProxyServer {
    /// Records of one request of the sidecar, oldest first: of each loop the newest, up to `limit`. Whether there are more.
    func records(of requestID: String, limit: Int = 64) async -> (records: [HopRecord], truncated: Bool) {
        var records: [HopRecord] = []
        var truncated = false
        for batch in await self.batches({ _, ring in ring.find(requestID, limit: limit) }) {
            records += batch.spans.map { self.completed(batch.record($0)) }
            truncated = truncated || batch.skipped > 0
        }
        return (records.sorted { $0.startedAtMs < $1.startedAtMs }, truncated)
    }

    /// The newest that match, newest first; whether there may be more.
    func records(matching filter: RecordFilter, limit: Int) async -> (records: [HopRecord], truncated: Bool) {
        let head = RecordHead.Filter(failed: filter.failed, reason: filter.reason)
        var found: [HopRecord] = []
        var truncated = false
        for loop in self.loops.indices {
            var next = UInt64.max
            var mine = 0
            // A loop is asked again only while too few match; each time it looks at what is older. Enough for all that is
            // kept, unless somebody keeps a great deal.
            for _ in 0..<128 where next > 0 && mine < limit {
                let before = next
                guard
                    let batch = await self.batch(loop, { $0.newest(before: before, head, limit: max(256, limit)) })
                else { break }
                for span in batch.spans {
                    let record = self.completed(batch.record(span))
                    guard filter.matches(record) else { continue }
                    found.append(record)
                    mine += 1
                }
                next = batch.next
            }
            truncated = truncated || next > 0
        }
        found.sort { $0.startedAtMs > $1.startedAtMs }
        return (Array(found.prefix(limit)), truncated || found.count > limit)
    }

    /// Where each loop's ring stands: what comes from here on is new.
    func recordPositions() async -> [UInt64] {
        await self.batches { _, ring in
            var batch = RecordBatch()
            batch.next = ring.written
            return batch
        }.map(\.next)
    }

    /// What has come since `positions`, which move on: at most `limit` that match, oldest first, and how many were left out.
    func records(
        since positions: inout [UInt64], matching filter: RecordFilter, limit: Int
    ) async -> (records: [HopRecord], dropped: UInt64) {
        let head = RecordHead.Filter(failed: filter.failed, reason: filter.reason)
        let known = positions
        let batches = await self.batches { index, ring in
            ring.since(index < known.count ? known[index] : ring.written, head, limit: 1024)
        }
        var dropped: UInt64 = 0
        var records: [HopRecord] = []
        for batch in batches {
            dropped += batch.skipped
            records += batch.spans.map { self.completed(batch.record($0)) }.filter(filter.matches)
        }
        positions = batches.map(\.next)
        records.sort { $0.startedAtMs < $1.startedAtMs }
        if records.count > limit {
            dropped += UInt64(records.count - limit)
            records.removeLast(records.count - limit)
        }
        return (records, dropped)
    }

    // MARK: Asking loops

    private func batches(
        _ copy: @escaping @Sendable (_ loop: Int, RecordRing) -> RecordBatch
    ) async -> [RecordBatch] {
        var batches: [RecordBatch] = []
        for index in self.loops.indices { batches.append(await self.batch(index) { copy(index, $0) } ?? RecordBatch()) }
        return batches
    }

    private func batch(_ index: Int, _ copy: @escaping @Sendable (RecordRing) -> RecordBatch) async -> RecordBatch? {
        let loop = self.loops[index]
        var batch = try? await loop.eventLoop.submit { copy(loop.state.value.telemetry.records.ring) }.get()
        let uptime = Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds)
        batch?.clockOffset = Int64(Date().timeIntervalSince1970 * 1e9) &- uptime
        return batch
    }

    /// What is the same for every record of the sidecar.
    private func completed(_ record: HopRecord) -> HopRecord {
        var record = record
        record.proxy = self.workloadName
        switch record.direction {
        case .outbound: record.sourceIdentity = self.identityText
        case .inbound: record.destinationIdentity = self.identityText
        }
        return record
    }
}
