internal import GRPCCore
internal import Synchronization

/// The processes behind the live connections, and how many each user and process has.
final class CallerTable: Sendable {
    private struct State {
        var callers: [Int: CallerProcess] = [:]
        var byUser: [UInt32: Int] = [:]
        var byProcess: [Int32: Int] = [:]
        var last = 0
    }

    private let state = Mutex(State())
    private let limits: AgentConfiguration.Limits

    init(limits: AgentConfiguration.Limits) { self.limits = limits }

    /// Takes a connection up under a number; nil when its process, its user or all have too many already.
    func open(_ caller: CallerProcess) -> Int? {
        self.state.withLock { state in
            guard state.callers.count < self.limits.connections,
                state.byUser[caller.uid, default: 0] < self.limits.connectionsPerUser,
                state.byProcess[caller.pid, default: 0] < self.limits.connectionsPerProcess
            else { return nil }
            state.last += 1
            state.callers[state.last] = caller
            state.byUser[caller.uid, default: 0] += 1
            state.byProcess[caller.pid, default: 0] += 1
            return state.last
        }
    }

    func close(_ number: Int) {
        self.state.withLock { state in
            guard let caller = state.callers.removeValue(forKey: number) else { return }
            Self.release(&state.byUser, caller.uid)
            Self.release(&state.byProcess, caller.pid)
        }
    }

    /// How many connections there are.
    var count: Int { self.state.withLock { $0.callers.count } }

    subscript(number: Int) -> CallerProcess? { self.state.withLock { $0.callers[number] } }

    private static func release<Key>(_ counts: inout [Key: Int], _ key: Key) {
        let left = (counts[key] ?? 1) - 1
        counts[key] = left > 0 ? left : nil
    }
}

/// What the transport tells a service about the connection that a call came on.
struct AgentCaller: ServerContext.TransportSpecific {
    /// Nil when the connection has gone meanwhile.
    let process: CallerProcess?
}
