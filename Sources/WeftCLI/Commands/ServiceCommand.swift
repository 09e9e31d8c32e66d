internal import ArgumentParser
internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOPosix
internal import UnixSignals
internal import WeftProxy

struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "The bundled demo application: answers, waits, fails and calls others.",
        discussion: """
            Calls go through http_proxy, or to the loopback port in WEFT_UPSTREAM_NAME where that is set. Of a request's \
            headers traceparent, tracestate, x-request-id and those of --propagate go on; deadlines are the sidecars' \
            business. While it runs, `curl '127.0.0.1:PORT/_behave?latency=200ms&errors=0.5'` changes how it answers \
            (also jitter, status); /healthz always answers.

            Example:  weft service --name billing --version v2 --listen 127.0.0.1:9000 --latency 5ms --jitter 5ms
            Example:  weft service --name enrollment --listen 127.0.0.1:9001 --call billing=/charge
            """)

    @Option(help: ArgumentHelp("What it calls itself.", valueName: "name")) var name: String?
    @Option(help: ArgumentHelp("The version it tells.", valueName: "version")) var version: String?
    @Option(help: ArgumentHelp("Which replica it is; its name where not given.", valueName: "name")) var instance:
        String?
    @Option(help: ArgumentHelp("Address; 127.0.0.1:8080 where not given.", valueName: "host:port")) var listen: String?
    @Option(help: ArgumentHelp("Wait before each answer.", valueName: "duration")) var latency: String?
    @Option(help: ArgumentHelp("Wait up to this much more.", valueName: "duration")) var jitter: String?
    @Option(help: ArgumentHelp("Share of requests that fail, 0 to 1.", valueName: "share")) var errors: String?
    @Option(help: ArgumentHelp("What failing requests get; 503 where not given.", valueName: "status")) var status:
        String?
    @Option(help: ArgumentHelp("Another service to call for each request. Repeatable.", valueName: "name=/path"))
    var call: [String] = []
    @Option(help: ArgumentHelp("A further header to pass on. Repeatable.", valueName: "header")) var propagate:
        [String] = []
    @OptionGroup var config: ConfigOption

    func run() async throws {
        var settings = try self.config.settings()
        let environment = Machine.environment
        let name = try settings.text("name", self.name) ?? environment["WEFT_SERVICE"] ?? "service"
        var configuration = DemoService.Configuration(name: name)
        configuration.version = try settings.text("version", self.version) ?? ""
        configuration.instance = try settings.text("instance", self.instance) ?? name
        configuration.calls = try settings.values("call", self.call, expected: "NAME=/path") { ServiceCall($0) }
        configuration.propagated = try settings.texts("propagate", self.propagate).map { $0.lowercased() }
        configuration.environment = environment
        var behaviour = ServiceBehaviour()
        let given = [
            ("latency", self.latency), ("jitter", self.jitter), ("errors", self.errors), ("status", self.status),
        ]
        for (name, flag) in given {
            if let text = try settings.text(name, flag) { try behaviour.apply(query: "\(name)=\(text)") }
        }
        let listen =
            try settings.value("listen", self.listen, expected: "HOST:PORT") { ListenAddress($0) }
            ?? .loopback(8080)
        try settings.finish()

        let client = DemoService.client()
        let service = DemoService(configuration, behaviour: behaviour, client: client)
        let channel = try await DemoServer.start(
            service, host: listen.host, port: listen.port, on: MultiThreadedEventLoopGroup.singleton)
        Console.current.progress(
            "\(name) \(configuration.version) listens on \(channel.localAddress?.description ?? "")")
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { break }
        try? await channel.close()
        // Requests in flight get their answers.
        try? await Task.sleep(for: .milliseconds(200))
        try? await client.shutdown()
    }
}
