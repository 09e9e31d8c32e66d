import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct PlaintextBookTests {
    typealias Key = PlaintextBook.Key
    typealias Counters = PlaintextBook.Counters

    @Test func `loops and proxies add up, a proxy's report replaces its last, a gone proxy counts no more`() {
        var book = PlaintextBook()
        let key = Key(address: "10.0.0.9", destination: "billing.default", port: 8080)
        let one = Counters(requests: 2, refused: 1, lastSeen: 100)
        book.record([(key, one), (key, one)], from: "default/billing-1")
        book.record([(key, Counters(requests: 5, refused: 0, lastSeen: 90))], from: "default/billing-2")
        var callers = book.callers { $0 == "10.0.0.9" ? ["default/web-1"] : [] }
        #expect(
            callers == [
                PlaintextReport.Caller(
                    address: "10.0.0.9", workloads: ["default/web-1"], destination: "billing.default", port: 8080,
                    requests: 9, refused: 2, lastSeen: 100)
            ])
        book.record([(key, one)], from: "default/billing-1")
        book.forget(proxy: "default/billing-2")
        callers = book.callers { _ in [] }
        #expect(callers.map(\.requests) == [2])
    }

    @Test func `a proxy cannot grow it beyond a bound`() {
        var book = PlaintextBook()
        book.record(
            (0..<10_000).map { (Key(address: "\($0)", destination: "d", port: 1), Counters(requests: 1)) }, from: "p")
        #expect(book.callers { _ in [] }.count == PlaintextBook.perProxy)
    }
}
