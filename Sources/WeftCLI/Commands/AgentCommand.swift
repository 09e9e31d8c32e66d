internal import ArgumentParser
internal import Foundation
internal import WeftAgent
internal import WeftModel
internal import WeftProxy

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Give the processes of this host their identities (SPIFFE Workload API, SDS).",
        discussion: """
            Which process has which identity is said by RegistrationEntries; the kernel says who calls. The first start \
            needs a token; later ones use the saved identity, also when no control plane answers.

            Example:  WEFT_TOKEN=… weft agent --control control.example:15012 --host db-1
            Programs find it with SPIFFE_ENDPOINT_SOCKET=unix:///run/weft/agent.sock
            """)

    @Option(help: ArgumentHelp("The control plane; 127.0.0.1:15012 where not given.", valueName: "host:port"))
    var control: String?
    @Option(
        help: ArgumentHelp(
            "Token of `weft token create --agent`, for the first start; better in WEFT_TOKEN.", valueName: "token"))
    var token: String?
    @Option(
        help: ArgumentHelp(
            "What this host is called in entries and in the agent's identity; its host name where not given.",
            valueName: "name"))
    var host: String?
    @Option(
        help: ArgumentHelp("Where processes ask; /run/weft/agent.sock where not given.", valueName: "path"))
    var socket: String?
    @Option(
        help: ArgumentHelp(
            "The socket's permissions, octal; 0666 where not given, because the kernel says who calls.",
            valueName: "mode"))
    var socketMode: String?
    @Option(
        help: ArgumentHelp(
            "Where its own identity and what it last heard are kept; /var/lib/weft/agent where not given.",
            valueName: "directory"))
    var dataDir: String?
    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel: String?
    @OptionGroup var config: ConfigOption

    func run() async throws {
        var settings = try self.config.settings()
        let control = try settings.value("control", self.control, expected: "HOST:PORT") { ListenAddress($0) }
        let named = try settings.value(
            "host", self.host, expected: "a name of lower-case letters, digits and '-', in labels joined by dots"
        ) { SPIFFEID.isHostName($0) ? $0 : nil }
        let own = ProcessInfo.processInfo.hostName.lowercased()
        guard let host = named ?? (SPIFFEID.isHostName(own) ? own : nil) else {
            throw CommandFailure.usage(
                "this host's name, \(own), is none that entries can name", remedy: "Give --host.")
        }
        var configuration = AgentConfiguration(
            access: ControlPlaneAccess(
                host: control?.host ?? "127.0.0.1", port: control?.port ?? 15012,
                joinToken: try settings.text("token", self.token)),
            host: host)
        if let socket = try settings.text("socket", self.socket) { configuration.socket = absolutePath(socket) }
        if let mode = try settings.value(
            "socket-mode", self.socketMode, expected: "octal permissions such as 0666",
            { text in UInt16(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil } })
        {
            configuration.socketMode = mode
        }
        if let directory = try settings.text("data-dir", self.dataDir) {
            configuration.dataDirectory = absolutePath(directory)
        }
        let logger = try Logs.logger("agent", level: self.logLevel, &settings)
        try settings.finish()
        try await Serving.run(AgentRuntime(configuration: configuration, logger: logger), logger: logger)
    }
}
