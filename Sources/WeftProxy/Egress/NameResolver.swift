internal import NIOCore
internal import NIOPosix
internal import Synchronization
package import WeftTraffic

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Looks up the names of destinations outside the mesh, when `NameRefresh` says so, on threads of its own: the resolver of
/// the host blocks.
package final class NameResolver: Sendable {
    /// Looks a name up; blocks.
    package typealias LookUp = @Sendable (_ name: String) -> Result<[String], NameFailure>

    private struct State {
        var refresh: NameRefresh
        var random = SystemRandomNumberGenerator()
    }

    private let state: Mutex<State>
    private let lookUp: LookUp
    private let concurrency: Int
    private let wakeUps: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    package init(_ settings: NameRefresh.Settings = .init(), lookUp: @escaping LookUp = NameResolver.askHost) {
        self.state = Mutex(State(refresh: NameRefresh(settings)))
        self.lookUp = lookUp
        self.concurrency = settings.concurrency
        (self.wakeUps, self.wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The names needed from now on. Answers what is known without asking.
    func want(_ names: Set<String>) -> [String: NameAnswer] {
        let known = self.state.withLock { $0.refresh.want(names, now: Self.now) }
        self.wake.yield()
        return known
    }

    /// Looks up and tells `answered`; until cancelled.
    package func run(answered: @escaping @Sendable ([String: NameAnswer]) -> Void) async {
        var pool: NIOThreadPool?
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.followTime(answered) }
            for await _ in self.wakeUps {
                let due = self.state.withLock { $0.refresh.due(now: Self.now) }
                if due.isEmpty { continue }
                let threads = pool ?? NIOThreadPool(numberOfThreads: self.concurrency)
                if pool == nil { threads.start() }
                pool = threads
                for name in due {
                    threads.submit { state in
                        guard case .active = state else { return }
                        let result = self.lookUp(name)
                        let answer = self.state.withLock {
                            $0.refresh.answered(name, result, now: Self.now, random: &$0.random)
                        }
                        if let answer { answered([name: answer]) }
                        self.wake.yield()
                    }
                }
            }
            tasks.cancelAll()
        }
        // A thread that still waits for the host's resolver ends when that does.
        pool?.shutdownGracefully { _ in }
    }

    /// Wakes when something is due, and tells of look-ups that take too long.
    private func followTime(_ answered: @Sendable ([String: NameAnswer]) -> Void) async {
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: .milliseconds(250))) != nil else { return }
            let (expired, isDue) = self.state.withLock { state in
                let now = Self.now
                return (state.refresh.expired(now: now), state.refresh.next.map { $0 <= now } ?? false)
            }
            if !expired.isEmpty { answered(expired) }
            if isDue { self.wake.yield() }
        }
    }

    private static var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds))
    }

    /// What the host's resolver says, which reads `/etc/hosts` and asks the name servers.
    package static let askHost: LookUp = { name in
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0 else { return .failure(NameFailure(cause: String(cString: gai_strerror(code)))) }
        var addresses: [String] = []
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if let address = entry.pointee.ai_addr,
                getnameinfo(
                    address, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            {
                addresses.append(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
            next = entry.pointee.ai_next
        }
        // Where both kinds are there, IPv4 is the one that is routed everywhere.
        let old = addresses.filter { !$0.contains(":") }
        return .success(old.isEmpty ? addresses : old)
    }
}
