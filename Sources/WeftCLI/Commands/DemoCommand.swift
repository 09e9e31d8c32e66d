internal import ArgumentParser
internal import Foundation
internal import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The learning platform as a mesh: live metrics, or a checked tour.",
        discussion: """
            In a terminal it shows live golden metrics until Ctrl-C. Without one, or with --tour, it walks through what \
            the mesh does, prints the figures, and exits with 0 only if every step held. Nothing is left running.

            Example:  weft demo --tour
            """)

    @Argument(help: "The fleet file; Examples/learning-platform/fleet.yaml where not given.")
    var file: String?
    @Flag(help: "The tour, also in a terminal.") var tour = false

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let file = try settings.text("fleet", self.file) ?? "Examples/learning-platform/fleet.yaml"
        let console = Console.current
        let isTour = try settings.isOn("tour", self.tour) || !console.isTerminal
        // The demo has a state of its own, new every time, so that it never meddles with a fleet that is up.
        let paths = FleetPaths(file: file, stateName: ".weft-demo")
        _ = try FleetSource.load(paths, shownAs: file)
        if FleetRemains.isRunning(try paths.load()) {
            throw CommandFailure(
                "a demo of this fleet is running already", at: paths.state, remedy: "End that one first.")
        }
        _ = try await FleetRemains(paths: paths).sweep()
        try? FileManager.default.removeItem(atPath: paths.state)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
        let runner = try FleetRunner(paths, shownAs: file, environment: Machine.environment) { console.progress($0) }
        let held = try await Self.run(runner, signals, isTour: isTour, console: console)
        let left = try await FleetRemains(paths: paths).sweep()
        if !left.isEmpty {
            throw CommandFailure("something was left running and has been ended: \(left.joined(separator: ", "))")
        }
        switch held {
        case nil: if isTour { throw ExitCode(ExitStatus.failed.rawValue) }
        case true?: console.line("Nothing is left running.")
        case false?:
            throw CommandFailure("the tour did not hold", remedy: "Read the logs in \(paths.logs).")
        }
    }

    /// Nil when a signal ended it.
    private static func run(
        _ runner: FleetRunner, _ signals: UnixSignalsSequence, isTour: Bool, console: Console
    ) async throws -> Bool? {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.supervisor.run() }
            let result: Result<Bool?, any Error>
            do {
                result = .success(
                    try await self.untilSignal(signals) {
                        try await self.perform(runner, isTour: isTour, console: console)
                    })
            } catch let error {
                result = .failure(error)
            }
            if console.isTerminal { console.progress("stopping") }
            await runner.takeDown()
            try await group.waitForAll()
            return try result.get()
        }
    }

    private static func untilSignal(
        _ signals: UnixSignalsSequence, _ body: @escaping @Sendable () async throws -> Bool
    ) async throws -> Bool? {
        try await withThrowingTaskGroup(of: Bool?.self) { group in
            group.addTask {
                for await _ in signals { break }
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private static func perform(_ runner: FleetRunner, isTour: Bool, console: Console) async throws -> Bool {
        try await runner.bringUp()
        guard let port = runner.current?.applicationPorts["gateway"] else {
            throw CommandFailure("the fleet has no gateway", remedy: "The demo needs the learning platform's fleet.")
        }
        let url = "http://127.0.0.1:\(port)/enroll?course=swift"
        let traffic = TrafficGenerator(url: url)
        let held = try await APIClient.with(.socket(path: runner.paths.apiSocket)) { api in
            if isTour {
                console.line()
                if let dashboard = try? await DashboardAddress.make(api) {
                    console.line("dashboard  \(dashboard.url)")
                    console.line()
                }
                return try await Tour(runner: runner, api: api, traffic: traffic, console: console).run()
            }
            await LiveView(entry: url, runner: runner, api: api, traffic: traffic, console: console).run()
            return true
        }
        await traffic.shutdown()
        return held
    }
}
