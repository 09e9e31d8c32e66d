internal import ArgumentParser
internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import WeftProxy

/// `weft proxy access-log`: asks a running sidecar on this machine, by its admin address.
struct AccessLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "access-log", abstract: "Show or change which requests a running sidecar logs.",
        discussion: """
            Holds until the sidecar starts anew. The sidecar is asked on this machine, at its --admin address.

            Example:  weft proxy access-log all --admin 127.0.0.1:15000
            """)

    @Argument(help: ArgumentHelp("off, errors, sampled or all; shows the level where not given.", valueName: "level"))
    var level: String?
    @Option(
        help: ArgumentHelp("The sidecar's admin address; 127.0.0.1:15000 where not given.", valueName: "host:port"))
    var admin: String?

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let address =
            try settings.value("admin", self.admin, expected: "HOST:PORT") { ListenAddress($0) } ?? .loopback(15000)
        let level = try self.level.map { text in
            guard let mode = AccessLogMode(rawValue: text) else {
                throw CommandFailure.usage("'\(text)' is not off, errors, sampled or all", at: "LEVEL")
            }
            return mode
        }
        let path = level.map { "/access-log/\($0.rawValue)" } ?? "/access-log"
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        request.method = level == nil ? .GET : .PUT
        let answer: (status: Int, text: String)
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            let body = try await response.body.collect(upTo: 4096)
            answer = (Int(response.status.code), String(buffer: body))
        } catch {
            throw CommandFailure(
                "no sidecar answers", at: "\(address)", because: "\(error)",
                remedy: "Give the sidecar's --admin address.")
        }
        guard answer.status == 200 else {
            throw CommandFailure("the sidecar answered \(answer.status)", at: "\(address)", because: answer.text)
        }
        Console.standard(environment: Machine.environment).line(
            answer.text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
