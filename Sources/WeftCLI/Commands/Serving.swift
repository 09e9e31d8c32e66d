internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Long-running services, ended by signals.
enum Serving {
    /// Runs until SIGTERM or SIGINT; a start that fails is told as a failure, not as a crash.
    static func run(_ service: any Service, logger: Logger) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch let failure as CommandFailure {
            throw failure
        } catch let error {
            throw CommandFailure("\(error)")
        }
    }
}

/// Logs of the long-running commands, on standard error.
enum Logs {
    static func logger(_ label: String, level flag: String?, _ settings: inout Settings) throws -> Logger {
        let level = try settings.value("log-level", flag, expected: "trace, debug, info, notice, warning or error") {
            Logger.Level(rawValue: $0.lowercased())
        }
        var logger = Logger(label: "weft.\(label)") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level ?? .info
        return logger
    }
}
