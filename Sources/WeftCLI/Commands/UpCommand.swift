internal import ArgumentParser
internal import Foundation
internal import UnixSignals

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run a whole mesh on this machine from a fleet file.",
        discussion: """
            Starts the control plane, and a sidecar and the application for every replica; runs until Ctrl-C, or, with \
            --detach, returns when everything is ready. While it runs, another `weft up` takes up a changed file and \
            restarts only what differs. Logs are in .weft/logs beside the file.

            Example:  weft up Examples/learning-platform/fleet.yaml --detach
            """)

    @Argument(help: "The fleet file; fleet.yaml where not given.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String?
    @Flag(name: [.short, .long], help: "Return when everything is ready, and leave it running.") var detach = false
    @Flag(help: .hidden) var supervise = false

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let file = try settings.text("fleet", self.file) ?? "fleet.yaml"
        let detach = try settings.isOn("detach", self.detach)
        let paths = FleetPaths(file: file)
        let console = Console.current
        // A file that is wrong stops nothing that runs.
        _ = try FleetSource.load(paths, shownAs: file)
        let state = try paths.load()
        if let state, let mark = state.supervisor, mark.isAlive, mark.pid != getpid() {
            console.progress("\(file) is up already; taking up its changes")
            kill(mark.pid, SIGHUP)
            return try await FleetWatch(paths: paths, console: console).wait(after: state.generation)
        }
        if detach && !self.supervise {
            _ = try await FleetRemains(paths: paths).sweep()
            try paths.make()
            let generation = try paths.load()?.generation ?? 0
            var environment = Machine.environment
            environment["WEFT_DETACH"] = nil
            let child = try Detachment.start(
                [Machine.executable, "up", paths.file, "--supervise"], environment: environment,
                log: "\(paths.logs)/up.log")
            return try await FleetWatch(paths: paths, console: console, child: child).wait(after: generation)
        }
        _ = try await FleetRemains(paths: paths).sweep()
        let runner = try FleetRunner(paths, shownAs: file, environment: Machine.environment) { console.progress($0) }
        try await FleetService(runner: runner, console: console, isDetached: self.supervise).run()
    }
}

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop what `weft up` runs; nothing of it is left.",
        discussion: "Example:  weft down Examples/learning-platform/fleet.yaml")

    @Argument(help: "The fleet file; fleet.yaml where not given.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String?
    @Flag(help: "Also remove its state: configuration, identities, logs.") var purge = false

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let paths = FleetPaths(file: try settings.text("fleet", self.file) ?? "fleet.yaml")
        let purge = try settings.isOn("purge", self.purge)
        let console = Console.current
        guard let state = try paths.load() else {
            guard FileManager.default.fileExists(atPath: paths.file) else {
                throw CommandFailure(
                    "there is no such fleet file", at: paths.file, remedy: "Check the path.", exit: .usage)
            }
            return console.line("nothing of it is running")
        }
        let count = state.processes.count { $0.mark?.isAlive == true }
        if count > 0 { console.progress("stopping \(count) processes of \(state.fleet)") }
        let remains = FleetRemains(paths: paths)
        if try await !remains.stopSupervisor(within: .seconds(40)) {
            console.progress("weft up did not stop by itself")
        }
        let swept = try await remains.sweep()
        if !swept.isEmpty { console.progress("ended what was left: \(swept.joined(separator: ", "))") }
        if purge { try FileManager.default.removeItem(atPath: paths.state) }
        console.line("\(state.fleet.isEmpty ? paths.file : state.fleet) is down")
    }
}

/// A fleet from its start to its end: signals, changes of the file, and what is left when something fails.
struct FleetService: Sendable {
    let runner: FleetRunner
    let console: Console
    let isDetached: Bool

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.runner.supervisor.run() }
            do {
                try await Self.untilStopped(
                    signals, begin: { try await self.takeUp() }, watch: { await self.runner.replaceExpired() })
            } catch let error {
                self.runner.fail(error)
                await self.runner.takeDown()
                throw error
            }
            self.console.progress("stopping")
            await self.runner.takeDown()
            try await group.waitForAll()
        }
    }

    /// Brings it up, and up again at each SIGHUP; ends with any other signal. A change that fails leaves the rest
    /// running and is told; a start that fails is thrown.
    private static func untilStopped(
        _ signals: UnixSignalsSequence, begin: @escaping @Sendable () async throws -> Void,
        watch: @escaping @Sendable () async -> Void
    ) async throws {
        let (again, more) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await signal in signals {
                    if signal == .sighup { more.yield() } else { return true }
                }
                return true
            }
            group.addTask {
                try await begin()
                for await _ in again { try? await begin() }
                return false
            }
            group.addTask {
                await watch()
                return false
            }
            _ = try await group.next()
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }

    private func takeUp() async throws {
        let isFirst = self.runner.current == nil
        do {
            try await self.runner.bringUp()
            self.runner.journal.update { $0.generation += 1 }
            if !self.isDetached { await FleetSummary.show(self.runner.paths, self.console) }
        } catch is CancellationError where Task.isCancelled {
            return
        } catch let error {
            self.runner.fail(error)
            self.runner.journal.update { $0.generation += 1 }
            if isFirst { throw error }
            self.console.error("\(error)")
        }
    }
}

/// Watches a fleet that another process brings up.
struct FleetWatch: Sendable {
    let paths: FleetPaths
    let console: Console
    /// The process that does it, when this one started it.
    var child: Int32?

    /// Returns when a generation above `generation` is ready; throws what kept it from that.
    func wait(after generation: Int) async throws {
        var told = ""
        for _ in 0..<3000 {
            try await Task.sleep(for: .milliseconds(50))
            let state = try? self.paths.load()
            if let state, state.phase == .starting, state.message != told {
                told = state.message
                self.console.progress(told)
            }
            if let state, state.generation > generation {
                if state.phase == .failed {
                    // Already in the form of a failure.
                    self.console.error(state.message)
                    throw ExitCode(ExitStatus.failed.rawValue)
                }
                if state.phase == .ready { return await FleetSummary.show(self.paths, self.console) }
            }
            if let child, ProcessStat.of(child).map({ $0.state == "Z" }) ?? true {
                if let state, state.phase == .failed { self.console.error(state.message) }
                throw CommandFailure("the fleet did not come up", remedy: "Read \(self.paths.logs)/up.log.")
            }
        }
        throw CommandFailure("the fleet did not become ready within 150 s", remedy: "Read \(self.paths.logs)/up.log.")
    }
}

/// What a person wants to know when a fleet is up.
enum FleetSummary {
    static func show(_ paths: FleetPaths, _ console: Console) async {
        guard let state = try? paths.load() else { return }
        let entries =
            (try? FleetSource.load(paths, shownAs: paths.file))?.fleet.services.compactMap { member in
                member.port.map { "  \(member.name)  http://127.0.0.1:\($0)" }
            } ?? []
        let workloads = state.processes.count { $0.role == .application }
        console.line("\(state.fleet) is up: \(workloads) workloads, each with its sidecar")
        for entry in entries { console.line(entry) }
        console.line("  logs     \(paths.logs)")
        let dashboard = try? await APIClient.with(.socket(path: paths.apiSocket)) {
            try await DashboardAddress.make($0)
        }
        if let dashboard { console.line("  dashboard  \(dashboard.url)") }
        console.line("Next: weft status, weft stat, weft down \(paths.file)")
    }
}
