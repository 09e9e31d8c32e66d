import Testing

@testable import WeftProxy

@Suite struct ConnectionPoolTests {
    private func pool(connections: Int = 4, waiting: Int = 10, room: Int = 1) -> ConnectionPool {
        ConnectionPool(limits: .init(connections: connections, waiting: waiting, expectedRoom: room))
    }

    @Test func `the first request opens a connection and waits for it`() {
        var pool = self.pool()
        #expect(pool.place() == .wait(opening: 0))
        #expect(pool.next() == nil)
        pool.update(0, room: 1)
        #expect(pool.next() == 0)
        pool.left()
        #expect(pool.next() == nil)
    }

    @Test func `requests that one multiplexing connection will serve open no second one`() {
        var pool = self.pool(room: 100)
        #expect(pool.place() == .wait(opening: 0))
        for _ in 0..<9 { #expect(pool.place() == .wait(opening: nil)) }
    }

    @Test func `each request opens its own connection where a connection carries one, up to the limit`() {
        var pool = self.pool(connections: 2)
        #expect(pool.place() == .wait(opening: 0))
        #expect(pool.place() == .wait(opening: 1))
        #expect(pool.place() == .wait(opening: nil))
    }

    @Test func `the connection freed last is used first`() {
        var pool = self.pool()
        _ = pool.place()
        _ = pool.place()
        pool.update(0, room: 1)
        pool.left()
        pool.update(0, room: 0)
        pool.update(1, room: 1)
        pool.left()
        pool.update(1, room: 0)
        pool.update(1, room: 1)
        pool.update(0, room: 1)
        #expect(pool.place() == .use(0))
    }

    @Test func `beyond the waiting limit a request is turned away`() {
        var pool = self.pool(connections: 1, waiting: 2)
        _ = pool.place()
        _ = pool.place()
        #expect(pool.place() == .overflow)
        pool.left()
        #expect(pool.place() == .wait(opening: nil))
    }

    @Test func `a connection that could not be opened fails those that nothing else will serve`() {
        var pool = self.pool(connections: 2)
        _ = pool.place()
        _ = pool.place()
        _ = pool.place()
        #expect(pool.closed(0, failed: true) == .init(failing: 2, opening: nil))
    }

    @Test func `a connection that ends makes way for another while requests wait`() {
        var pool = self.pool(connections: 1)
        _ = pool.place()
        pool.update(0, room: 1)
        pool.left()
        pool.update(0, room: 0)
        _ = pool.place()
        #expect(pool.closed(0, failed: false) == .init(failing: 0, opening: 0))
    }

    @Test func `a connection that stops accepting gets nothing more`() {
        var pool = self.pool()
        _ = pool.place()
        pool.update(0, room: 1)
        pool.left()
        #expect(pool.stoppedAccepting(0) == .init())
        #expect(pool.place() == .wait(opening: 1))
        pool.update(0, room: 1)
        #expect(pool.next() == nil)
    }
}
