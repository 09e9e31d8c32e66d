internal import Foundation
internal import Subprocess
internal import SystemPackage

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Keeps the processes of a fleet running: starts them, starts them again with backoff, stops them on request.
///
/// Each process leads a process group of its own, so that nothing it starts outlives it and no signal of the terminal
/// reaches it. `run()` does the work; everything else states what is wanted.
package actor Supervisor {
    /// How one process is.
    package struct Report: Hashable, Sendable, Codable {
        package var name: String
        package var role: ProcessPlan.Role
        package var state: State
        /// The running process; nil when none runs.
        package var mark: ProcessMark?
        /// How often it was started again.
        package var restarts: Int
        /// How it last ended; nil while it never did.
        package var lastEnd: String?

        package enum State: String, Hashable, Sendable, Codable {
            case running
            /// Ended, and waits to be started again.
            case waiting
            /// Kept from starting.
            case held
        }
    }

    /// What is wanted of one process, and what it is.
    private struct Entry {
        var plan: ProcessPlan
        var report: Report
        /// Wanted at all; a keeper ends when it is not.
        var isWanted = true
        var isHeld = false
        /// The running one is to be replaced.
        var mustRestart = false
        /// Wakes the keeper; renewed for every wait.
        var signal: AsyncStream<Void>.Continuation?
    }

    private let logs: String
    private let environment: [String: String]
    /// Makes a join token for a sidecar about to start; nil when there is nobody to ask.
    private let token: @Sendable (ProcessPlan.Joining) async -> String?
    /// Hears of every change, in order.
    private let journal: @Sendable ([Report]) -> Void
    private var entries: [String: Entry] = [:]
    /// Names in the order they were first wanted.
    private var order: [String] = []
    private let arrivals: AsyncStream<String>
    private let arrival: AsyncStream<String>.Continuation

    /// How long a process may take to stop before it is killed: of a sidecar, as long as it gives the requests that it has.
    private static func grace(of role: ProcessPlan.Role) -> Duration {
        switch role {
        case .sidecar: .seconds(35)
        case .control, .application: .seconds(8)
        }
    }

    package init(
        logs: String, environment: [String: String],
        token: @escaping @Sendable (ProcessPlan.Joining) async -> String?,
        journal: @escaping @Sendable ([Report]) -> Void
    ) {
        self.logs = logs
        self.environment = environment
        self.token = token
        self.journal = journal
        (self.arrivals, self.arrival) = AsyncStream.makeStream()
    }

    /// Runs until `shutdown()` has stopped everything.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await name in self.arrivals {
                group.addTask { await self.keep(name) }
            }
        }
    }

    package var reports: [Report] { self.order.compactMap { self.entries[$0]?.report } }

    /// Wanted processes that do not run, or still run by an older plan, with how they last ended.
    package var unsettled: [String] {
        self.order.compactMap { name in
            guard let entry = self.entries[name], entry.mustRestart || entry.report.state != .running else {
                return nil
            }
            return "\(name): \(entry.mustRestart ? "is being replaced" : entry.report.lastEnd ?? "is starting")"
        }
    }

    package func plan(of name: String) -> ProcessPlan? { self.entries[name]?.plan }

    /// Wants a process to run like this: starts it, or replaces the running one when its plan is another.
    package func want(_ plan: ProcessPlan) {
        if let entry = self.entries[plan.name], entry.isWanted {
            guard entry.plan != plan else { return }
            self.entries[plan.name]?.plan = plan
            self.entries[plan.name]?.mustRestart = true
            self.wake(plan.name)
            return
        }
        self.entries[plan.name] = Entry(
            plan: plan, report: Report(name: plan.name, role: plan.role, state: .waiting, mark: nil, restarts: 0))
        if !self.order.contains(plan.name) { self.order.append(plan.name) }
        self.arrival.yield(plan.name)
    }

    /// Starts a running process again.
    package func restart(_ name: String) {
        self.entries[name]?.mustRestart = true
        self.wake(name)
    }

    /// Stops a process for good; returns when it has ended.
    package func remove(_ name: String) async {
        guard self.entries[name] != nil else { return }
        self.entries[name]?.isWanted = false
        self.wake(name)
        while self.entries[name] != nil { await self.pause() }
    }

    /// Keeps a process from running until `release`; `signal` reaches the running one at once. Returns when it ended.
    package func hold(_ name: String, signal: Int32 = SIGTERM) async {
        self.entries[name]?.isHeld = true
        if signal != SIGTERM, let mark = self.entries[name]?.report.mark, mark.isAlive { kill(mark.pid, signal) }
        self.wake(name)
        while self.entries[name]?.report.mark != nil { await self.pause() }
    }

    package func release(_ name: String) {
        self.entries[name]?.isHeld = false
        self.wake(name)
    }

    /// Stops members first and the control plane last, and ends `run()`.
    package func shutdown() async {
        let control = self.order.filter { self.entries[$0]?.plan.role == .control }
        let members = self.order.filter { !control.contains($0) }
        for group in [members, control] {
            await withDiscardingTaskGroup { tasks in
                for name in group { tasks.addTask { await self.remove(name) } }
            }
        }
        self.arrival.finish()
    }

    // MARK: One process

    private func keep(_ name: String) async {
        var schedule = RestartSchedule()
        let clock = ContinuousClock()
        while let entry = self.entries[name], entry.isWanted, !Task.isCancelled {
            let signal = self.renewSignal(name)
            if entry.isHeld {
                self.update(name) { $0.report.state = .held }
                for await _ in signal { break }
                continue
            }
            let started = clock.now
            self.entries[name]?.mustRestart = false
            let ended = await self.runOnce(entry.plan, until: signal)
            self.update(name) {
                $0.report.mark = nil
                $0.report.state = .waiting
                $0.report.lastEnd = ended
            }
            guard let entry = self.entries[name], entry.isWanted, !entry.isHeld, !Task.isCancelled else { continue }
            if !entry.mustRestart {
                let wait = self.renewSignal(name)
                let delay = schedule.delay(afterRunning: started.duration(to: clock.now))
                await withDiscardingTaskGroup { group in
                    group.addTask {
                        try? await Task.sleep(for: delay)
                        await self.wake(name)
                    }
                    for await _ in wait { break }
                    group.cancelAll()
                }
            }
            self.update(name) { $0.report.restarts += 1 }
        }
        self.entries[name] = nil
        self.order.removeAll { $0 == name }
        self.journal(self.reports)
    }

    /// Starts a process and waits until it ends, or until a signal asks for its end; says how it ended.
    private func runOnce(_ plan: ProcessPlan, until signal: AsyncStream<Void>) async -> String {
        let joinToken: String? = if let joining = plan.joins { await self.token(joining) } else { nil }
        return await withTaskGroup(of: String?.self) { group in
            group.addTask { await self.launch(plan, joinToken: joinToken) }
            group.addTask {
                for await _ in signal { break }
                return nil
            }
            var end = "stopped"
            while let finished = await group.next() {
                if let finished { end = finished }
                group.cancelAll()
            }
            return end
        }
    }

    private func launch(_ plan: ProcessPlan, joinToken: String?) async -> String {
        var changes: [Subprocess.Environment.Key: String?] = [:]
        // What tells `weft up` itself what to do must not tell its children.
        for name in self.environment.keys where name.hasPrefix("WEFT_") {
            changes[Subprocess.Environment.Key(stringLiteral: name)] = .some(nil)
        }
        for (name, value) in plan.environment { changes[Subprocess.Environment.Key(stringLiteral: name)] = value }
        if let joinToken { changes["WEFT_TOKEN"] = joinToken }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: Self.grace(of: plan.role))]
        let program = plan.arguments[0]
        do {
            let log = try LogFile.open("\(self.logs)/\(plan.name).log")
            let name = plan.name
            let result = try await Subprocess.run(
                program.contains("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(Array(plan.arguments.dropFirst())),
                environment: .inherit.updating(changes), workingDirectory: FilePath(plan.directory),
                platformOptions: options, input: .none,
                output: .fileDescriptor(log, closeAfterSpawningProcess: true), error: .combinedWithOutput
            ) { execution in
                self.started(name, pid: execution.processIdentifier.value)
            }
            // What the process left behind in its group goes with it.
            kill(-result.processIdentifier.value, SIGKILL)
            switch result.terminationStatus {
            case .exited(let code): return "exited with \(code)"
            case .signaled(let signal): return "ended by signal \(signal)"
            }
        } catch let error {
            return "could not be started: \(error)"
        }
    }

    private func started(_ name: String, pid: Int32) {
        self.update(name) {
            $0.report.mark = ProcessMark(of: pid)
            $0.report.state = .running
        }
    }

    private func update(_ name: String, _ change: (inout Entry) -> Void) {
        guard var entry = self.entries[name] else { return }
        change(&entry)
        self.entries[name] = entry
        self.journal(self.reports)
    }

    private func renewSignal(_ name: String) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.entries[name]?.signal = continuation
        return stream
    }

    private func wake(_ name: String) { self.entries[name]?.signal?.yield() }

    /// A moment, also when the calling task is cancelled: stopping goes on to its end.
    private func pause() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { continuation.resume() }
        }
    }
}

/// Where a process's output goes.
enum LogFile {
    /// The last line that is not empty, of at most 4 KiB; nil when there is none.
    static func lastLine(_ path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        guard let end = try? handle.seekToEnd(), (try? handle.seek(toOffset: end > 4096 ? end - 4096 : 0)) != nil,
            let data = try? handle.readToEnd()
        else { return nil }
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).last.map(String.init)
    }

    /// Opens a log to append to, after putting one above 16 MiB aside as `NAME.1`.
    static func open(_ path: String) throws -> FileDescriptor {
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        if size > 16 << 20 {
            try? FileManager.default.removeItem(atPath: path + ".1")
            try? FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        }
        return try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.append, .create, .closeOnExec], permissions: [.ownerReadWrite])
    }
}
