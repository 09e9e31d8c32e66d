internal import ArgumentParser
internal import WeftProxy

struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy", abstract: "Run a sidecar alone (systemd, containers), or print a bootstrap for others.",
        discussion: """
            The first start joins with a token; later ones use the saved identity, also when no control plane answers.

            Example:  WEFT_TOKEN=… weft proxy --service billing --app-port 8080
            """,
        subcommands: [Run.self, BootstrapCommand.self, AccessLogCommand.self], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Run the sidecar (what `weft proxy` alone does).",
            discussion: "Example:  weft proxy --service billing --app-port 8080 --upstream ledger=127.0.0.1:20080")

        @OptionGroup var proxy: ProxyOptions
        @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
        var logLevel: String?
        @OptionGroup var config: ConfigOption

        func run() async throws {
            var settings = try self.config.settings()
            let configuration = try self.proxy.configuration(&settings)
            let logger = try Logs.logger("proxy", level: self.logLevel, &settings)
            try settings.finish()
            try await Serving.run(ProxyRuntime(configuration: configuration, logger: logger), logger: logger)
        }
    }
}
