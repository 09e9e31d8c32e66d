import Testing

@testable import WeftTelemetry

@Suite struct ExportMachineTests {
    private static let second: Int64 = 1_000_000_000

    private func machine(_ edit: (inout ExportMachine<Int>.Limits) -> Void = { _ in }) -> ExportMachine<Int> {
        var limits = ExportMachine<Int>.Limits()
        limits.items = 10
        limits.batch = 4
        edit(&limits)
        return ExportMachine(limits: limits)
    }

    private func sent(_ step: ExportMachine<Int>.Step) -> [Int]? {
        if case .send(let batch) = step { batch } else { nil }
    }

    private func wait(_ step: ExportMachine<Int>.Step) -> Int64? {
        if case .wait(let until) = step { until } else { nil }
    }

    @Test func `a batch goes when it is full, or when its first item has waited`() {
        var machine = self.machine()
        for item in 0..<3 { #expect(machine.offer(item, cost: 1, now: Int64(item)) == true) }
        #expect(self.wait(machine.step(now: 5)) == Self.second)
        #expect(machine.offer(3, cost: 1, now: 6) == true)
        #expect(self.sent(machine.step(now: 7)) == [0, 1, 2, 3])
        // One at a time.
        #expect(machine.offer(4, cost: 1, now: 8) == true)
        #expect(self.sent(machine.step(now: 9)) == nil)
        machine.ended(.taken, now: 10, jitter: 0)
        #expect(self.sent(machine.step(now: 8 + Self.second)) == [4])
        machine.ended(.taken, now: 11, jitter: 0)
        #expect(machine.isEmpty && machine.sent == 5 && machine.dropped.isEmpty)
    }

    @Test func `what finds no place is counted and gone`() {
        var machine = self.machine()
        for item in 0..<15 { #expect(machine.offer(item, cost: 1, now: 0) == (item < 10)) }
        #expect(machine.dropped == [.queueFull: 5])
        var narrow = self.machine { $0.bytes = 100 }
        #expect(narrow.offer(0, cost: 60, now: 0) == true)
        #expect(narrow.offer(1, cost: 60, now: 0) == false)
        #expect(narrow.offer(2, cost: 40, now: 0) == true)
        #expect(narrow.dropped == [.queueFull: 1])
    }

    @Test func `a collector that is away is asked again, later each time, until the batch is given up`() {
        var machine = self.machine { $0.delay = 0 }
        #expect(machine.offer(1, cost: 1, now: 0) == true)
        var now: Int64 = 0
        var waits: [Int64] = []
        for _ in 0..<5 {
            #expect(self.sent(machine.step(now: now)) == [1])
            machine.ended(.retry(after: nil), now: now, jitter: 1)
            if let until = self.wait(machine.step(now: now)) {
                waits.append((until - now) / Self.second)
                #expect(self.sent(machine.step(now: until - 1)) == nil)
                now = until
            }
        }
        #expect(waits == [1, 2, 4, 8])
        #expect(machine.dropped == [.unreachable: 1] && machine.isEmpty)
        // Those that came in the meantime have their own tries.
        #expect(machine.offer(2, cost: 1, now: now) == true)
        #expect(self.sent(machine.step(now: now)) == [2])
        machine.ended(.taken, now: now, jitter: 0)
        #expect(machine.sent == 1)
    }

    @Test func `a wait is no shorter than half, and no shorter than was asked for`() {
        var machine = self.machine { $0.delay = 0 }
        #expect(machine.offer(1, cost: 1, now: 0) == true)
        _ = machine.step(now: 0)
        machine.ended(.retry(after: nil), now: 0, jitter: 0)
        #expect(self.wait(machine.step(now: 0)) == Self.second / 2)
        _ = machine.step(now: Self.second)
        machine.ended(.retry(after: 20 * Self.second), now: 0, jitter: 0)
        #expect(self.wait(machine.step(now: 0)) == 20 * Self.second)
        _ = machine.step(now: 20 * Self.second)
        // Nobody makes us wait for an hour.
        machine.ended(.retry(after: 3600 * Self.second), now: 0, jitter: 0)
        #expect(self.wait(machine.step(now: 0)) == 30 * Self.second)
    }

    @Test func `what was refused, or taken in part, is not sent again`() {
        var machine = self.machine { $0.delay = 0 }
        for item in 0..<4 { #expect(machine.offer(item, cost: 1, now: 0) == true) }
        _ = machine.step(now: 0)
        machine.ended(.partly(lost: 3), now: 0, jitter: 0)
        #expect(machine.isEmpty && machine.sent == 1 && machine.dropped == [.refused: 3])
        #expect(machine.offer(9, cost: 1, now: 0) == true)
        _ = machine.step(now: 0)
        machine.ended(.refused, now: 0, jitter: 0)
        #expect(machine.isEmpty && machine.dropped == [.refused: 4])
    }

    @Test func `memory does not grow while a collector hangs`() {
        var machine = self.machine { $0.delay = 0 }
        for item in 0..<4 { _ = machine.offer(item, cost: 1, now: 0) }
        _ = machine.step(now: 0)
        for item in 0..<10_000 { _ = machine.offer(item, cost: 1, now: 1) }
        #expect(machine.count == 14)
        #expect(machine.dropped == [.queueFull: 9_990])
    }

    @Test func `at the end what is left goes at once and once`() {
        var machine = self.machine()
        for item in 0..<6 { #expect(machine.offer(item, cost: 1, now: 0) == true) }
        machine.close()
        #expect(self.sent(machine.step(now: 0)) == [0, 1, 2, 3])
        machine.ended(.retry(after: nil), now: 0, jitter: 1)
        #expect(self.sent(machine.step(now: 0)) == [4, 5])
        #expect(machine.offer(7, cost: 1, now: 0) == false)
        machine.abandon()
        machine.ended(.taken, now: 0, jitter: 0)
        #expect(machine.isEmpty && machine.dropped == [.stopped: 7] && machine.sent == 0)
    }
}
