internal import ArgumentParser
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import Subprocess
internal import SystemPackage
internal import UnixSignals
internal import WeftProxy

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run an application with its sidecar.",
        discussion: """
            Starts the sidecar, waits until it has its identity and rules (at most 30 s), then starts the application \
            with http_proxy and the ports of its upstreams in its environment. Signals are passed on; SIGTERM and \
            SIGINT drain first. Exits with the application's code.

            Example:  weft run --service billing --port 8080 -- ./billing --listen 8080
            """)

    @OptionGroup var proxy: ProxyOptions
    @Option(help: ArgumentHelp("The application's port; short for --app-port.", valueName: "number")) var port: String?
    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level")) var logLevel:
        String?
    @OptionGroup var config: ConfigOption
    @Argument(parsing: .postTerminator, help: "The application and its arguments, after --.") var command: [String] = []

    func run() async throws {
        guard let program = self.command.first else {
            throw CommandFailure.usage(
                "no application is given", remedy: "Write it after --, as in: weft run … -- ./billing")
        }
        var settings = try self.config.settings()
        var configuration = try self.proxy.configuration(&settings)
        if let port = try settings.number("port", self.port, in: 1...65535) {
            configuration.ports.insert(ApplicationPort(port: port), at: 0)
        }
        let logger = try Logs.logger("proxy", level: self.logLevel ?? "warning", &settings)
        try settings.finish()
        guard Machine.isInstalled(program, environment: Machine.environment) else {
            throw CommandFailure("there is no such program", at: program, remedy: "Check the path after --.")
        }
        let code = try await SidecarAndApplication(configuration, command: self.command, logger: logger).run()
        throw ExitCode(code)
    }
}

/// One application with its sidecar in this process, from the first identity to the application's exit code.
struct SidecarAndApplication: Sendable {
    private let configuration: ProxyConfiguration
    private let command: [String]
    private let logger: Logger

    init(_ configuration: ProxyConfiguration, command: [String], logger: Logger) {
        self.configuration = configuration
        self.command = command
        self.logger = logger
    }

    func run() async throws -> Int32 {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigquit, .sigusr1, .sigusr2)
        let exit = ApplicationExit()
        let (ready, isReady) = AsyncStream.makeStream(of: ProxyAddresses.self)
        let runtime = ProxyRuntime(configuration: self.configuration, logger: self.logger, applicationExit: exit) {
            isReady.yield($0)
            isReady.finish()
        }
        let sidecar = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: runtime, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: self.logger))
        let application = Guarded<Int32?>(nil)
        return try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask {
                do { try await sidecar.run() } catch let error {
                    if !exit.hasExited { throw CommandFailure("the sidecar ended", because: "\(error)") }
                }
                return nil
            }
            group.addTask {
                for await signal in signals {
                    if signal == .sigterm || signal == .sigint {
                        // Callers hear of it first; then the application finishes what it has.
                        await sidecar.triggerGracefulShutdown()
                        try await Task.sleep(for: self.configuration.drain.announcement)
                    }
                    if let pid = application.with({ $0 }) { kill(pid, signal.rawValue) }
                }
                return nil
            }
            group.addTask {
                let addresses = await self.firstAddresses(ready)
                let code = try await self.application(addresses, started: { pid in application.with { $0 = pid } })
                exit.hasGone()
                await sidecar.triggerGracefulShutdown()
                return code
            }
            while let finished = try await group.next() {
                guard let code = finished else { continue }
                group.cancelAll()
                return code
            }
            return 0
        }
    }

    /// The sidecar's addresses; after 30 s without them the application starts all the same.
    private func firstAddresses(_ ready: AsyncStream<ProxyAddresses>) async -> ProxyAddresses? {
        await withTaskGroup(of: ProxyAddresses?.self) { group in
            group.addTask {
                for await addresses in ready { return addresses }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(30))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func application(
        _ addresses: ProxyAddresses?, started: @Sendable @escaping (Int32) -> Void
    ) async throws -> Int32 {
        // The sidecar may have ended instead, which is told elsewhere.
        try Task.checkCancellation()
        if addresses == nil { self.logger.warning("the sidecar is not ready after 30 s; starting the application") }
        var environment: [Subprocess.Environment.Key: String?] = ["no_proxy": "127.0.0.1,localhost"]
        if let outbound = addresses?.outbound ?? self.configuration.outbound.map(\.description) {
            environment["http_proxy"] = "http://\(outbound)"
        }
        for upstream in self.configuration.upstreams {
            let address = addresses?.upstreams[upstream.name] ?? upstream.listen.description
            environment[Subprocess.Environment.Key(stringLiteral: FleetPlan.upstreamVariable(upstream.name))] =
                "http://\(address)"
        }
        // The token lets others join; it is none of the application's business.
        environment["WEFT_TOKEN"] = .some(nil)
        let program = self.command[0]
        var options = PlatformOptions()
        let guardian = Guarded<Guardian?>(nil)
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        let result = try await Subprocess.run(
            program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(self.command.dropFirst())), environment: .inherit.updating(environment),
            platformOptions: options, input: .currentStandardInput, output: .currentStandardOutput,
            error: .currentStandardError
        ) { execution in
            started(execution.processIdentifier.value)
            guardian.with { $0 = Guardian(of: execution.processIdentifier.value) }
        }
        guardian.with { $0 }?.dismiss()
        switch result.terminationStatus {
        case .exited(let code): return code
        // As shells tell it.
        case .signaled(let signal): return 128 + signal
        }
    }
}
