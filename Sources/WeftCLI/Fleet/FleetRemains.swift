internal import Foundation

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Ends a fleet from outside: asks its supervisor, then ends whatever it wrote down and left behind.
package struct FleetRemains: Sendable {
    package let paths: FleetPaths

    package init(paths: FleetPaths) { self.paths = paths }

    /// Whether a `weft up` looks after this fleet now.
    package static func isRunning(_ state: FleetState?) -> Bool { state?.supervisor?.isAlive ?? false }

    /// Asks the supervisor to stop, and waits; false when it did not within the time.
    package func stopSupervisor(within patience: Duration) async throws -> Bool {
        guard let mark = try self.paths.load()?.supervisor, mark.isAlive else { return true }
        kill(mark.pid, SIGTERM)
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while mark.isAlive {
            if clock.now > deadline { return false }
            try await Task.sleep(for: .milliseconds(50))
        }
        return true
    }

    /// Ends recorded processes and their groups that still run: politely, then not. Says which.
    package func sweep() async throws -> [String] {
        guard var state = try self.paths.load() else { return [] }
        var ended: [String] = []
        if let mark = state.supervisor, mark.isAlive {
            kill(mark.pid, SIGKILL)
            ended.append("weft up")
        }
        let groups = state.processes.compactMap { report in report.mark.map { (report.name, $0) } }
        for signal in [SIGTERM, SIGKILL] {
            var isAnyLeft = false
            for (name, mark) in groups {
                for process in ProcessStat.members(ofGroup: mark.pid, since: mark.startTime) {
                    if !ended.contains(name) { ended.append(name) }
                    kill(process.pid, signal)
                    isAnyLeft = true
                }
            }
            guard isAnyLeft else { break }
            for _ in 0..<50 {
                if groups.allSatisfy({ ProcessStat.members(ofGroup: $0.1.pid, since: $0.1.startTime).isEmpty }) {
                    break
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        state.processes = []
        state.supervisor = nil
        state.phase = .stopped
        state.message = "stopped"
        try self.paths.save(state)
        FleetRegister(home: Machine.home).remove(self.paths)
        return ended
    }
}
