/// Decides which connection to one endpoint a request gets, and when another is opened.
///
/// A value without IO: it knows connections by number. Its driver tells it what each can take, and does what it says.
/// A connection that carries one request at a time has room for one; one that multiplexes, for as many as its peer
/// allows. The connection freed last is used first, so that surplus ones grow old and are closed.
package struct ConnectionPool: Sendable {
    package typealias ConnectionID = Int

    package struct Limits: Hashable, Sendable {
        /// Connections, those being opened included. At least 1.
        package var connections: Int
        /// Requests waiting for a connection.
        package var waiting: Int
        /// Requests that one connection being opened is expected to serve: 1 for HTTP/1.1.
        package var expectedRoom: Int

        package init(connections: Int, waiting: Int, expectedRoom: Int) {
            self.connections = max(1, connections)
            self.waiting = waiting
            self.expectedRoom = max(1, expectedRoom)
        }
    }

    /// Where a request goes.
    package enum Placement: Equatable, Sendable {
        case use(ConnectionID)
        /// Queue it, and open a connection where one is named.
        case wait(opening: ConnectionID?)
        /// Too many wait already.
        case overflow
    }

    /// What follows from a connection's end.
    package struct Consequence: Equatable, Sendable {
        /// Waiting requests, oldest first, that nothing being opened could serve: they fail.
        package var failing = 0
        /// A connection to open for those that still wait.
        package var opening: ConnectionID?
    }

    private enum State: Sendable {
        case vacant
        case opening
        case open(room: Int)
        /// Takes no more requests.
        case closing
    }

    private var limits: Limits
    /// By connection number; numbers are used again.
    private var connections: [State] = []
    /// Connections of every state.
    package private(set) var count = 0
    private var opening = 0
    /// Connections with room; the last is used next.
    private var roomy: [ConnectionID] = []
    /// Requests queued by the driver.
    package private(set) var waiting = 0

    package init(limits: Limits) { self.limits = limits }

    /// Takes other limits; connections above them are not closed, and none is opened until others have ended.
    package mutating func update(_ limits: Limits) { self.limits = limits }

    package var isEmpty: Bool { self.count == 0 && self.waiting == 0 }

    /// A request wants a connection.
    package mutating func place() -> Placement {
        if let id = self.roomy.last { return .use(id) }
        guard self.waiting < self.limits.waiting else { return .overflow }
        self.waiting += 1
        return .wait(opening: self.openIfNeeded())
    }

    /// A connection that was to be opened may not be. Whether others are left that could serve those who wait.
    package mutating func refused(_ id: ConnectionID) -> Bool {
        guard case .opening = self.connections[id] else { return self.count > 0 }
        self.connections[id] = .vacant
        self.opening -= 1
        self.count -= 1
        return self.count > 0
    }

    /// A queued request was served, gave up, or failed.
    package mutating func left() { self.waiting -= 1 }

    /// A connection stands, or what it can take has changed. The driver then serves queued requests with `next()`.
    package mutating func update(_ id: ConnectionID, room: Int) {
        let hadRoom: Bool
        switch self.connections[id] {
        case .opening:
            self.opening -= 1
            hadRoom = false
        case .open(let oldRoom): hadRoom = oldRoom > 0
        case .closing, .vacant: return
        }
        self.connections[id] = .open(room: room)
        if room > 0, !hadRoom { self.roomy.append(id) }
        if room <= 0, hadRoom { self.forgetRoom(id) }
    }

    /// The connection that the oldest queued request gets now; nil when none has room or none waits.
    package func next() -> ConnectionID? { self.waiting > 0 ? self.roomy.last : nil }

    /// A connection takes nothing new; what it carries goes on.
    package mutating func stoppedAccepting(_ id: ConnectionID) -> Consequence {
        if case .vacant = self.connections[id] { return Consequence() }
        if case .opening = self.connections[id] { self.opening -= 1 }
        self.connections[id] = .closing
        self.forgetRoom(id)
        return Consequence(failing: 0, opening: self.openIfNeeded())
    }

    /// A connection is gone. `failed` when it never stood: what it was to serve fails rather than try for ever.
    package mutating func closed(_ id: ConnectionID, failed: Bool) -> Consequence {
        if case .vacant = self.connections[id] { return Consequence() }
        if case .opening = self.connections[id] { self.opening -= 1 }
        self.connections[id] = .vacant
        self.count -= 1
        self.forgetRoom(id)
        guard failed else { return Consequence(failing: 0, opening: self.openIfNeeded()) }
        let unserved = max(0, self.waiting - self.opening * self.limits.expectedRoom)
        // Where others stand, busy as they are, only those that this one was for go without.
        let othersServe = self.connections.contains { if case .open = $0 { true } else { false } }
        return Consequence(failing: othersServe ? min(unserved, self.limits.expectedRoom) : unserved, opening: nil)
    }

    private mutating func openIfNeeded() -> ConnectionID? {
        guard self.roomy.isEmpty, self.waiting > self.opening * self.limits.expectedRoom,
            self.count < self.limits.connections
        else { return nil }
        let vacant = self.connections.firstIndex { if case .vacant = $0 { true } else { false } }
        let id = vacant ?? self.connections.count
        if vacant == nil { self.connections.append(.opening) } else { self.connections[id] = .opening }
        self.count += 1
        self.opening += 1
        return id
    }

    private mutating func forgetRoom(_ id: ConnectionID) {
        if let index = self.roomy.lastIndex(of: id) { self.roomy.remove(at: index) }
    }
}
