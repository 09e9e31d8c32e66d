internal import ArgumentParser
internal import Foundation
internal import Subprocess
internal import WeftModel

struct DashboardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dashboard", abstract: "Print the address of the dashboard, or open it in a browser.",
        discussion: """
            The address lets one browser in, once, within ten minutes; that browser may then look for twelve hours, and \
            change nothing. It leaves with "Log out"; --end-sessions ends those of all browsers. With an https API the dashboard is at that address and also takes API tokens.

            Example:  weft dashboard --open
            """)

    @Flag(help: "Also open it in a browser of this machine.") var open = false
    @Flag(help: "Instead end the sessions of all browsers; for admins.") var endSessions = false
    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var settings = Settings(environment: Machine.environment)
        let opens = try settings.isOn("open", self.open)
        if self.endSessions {
            if opens { throw CommandFailure.usage("--open and --end-sessions are two different things") }
            let done = try await self.api.withClient { try await $0.endDashboardSessions() }
            return try self.output.show(done) { _ in
                done.ended == 1 ? "1 session ended" : "\(done.ended) sessions ended"
            }
        }
        let address = try await self.api.withClient { try await DashboardAddress.make($0) }
        try self.output.show(address) { _ in address.url }
        if opens { try await Self.open(address.url) }
    }

    /// A browser is handed a file that leads to the address: what a program is called with, others can see.
    private static func open(_ url: String) async throws {
        let directory = "\(Machine.home)/.local/state/weft"
        let file = "\(directory)/dashboard.html"
        let page = """
            <!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Weft</title>
            <meta http-equiv="refresh" content="0;url=\(url)"><a href="\(url)">The dashboard</a>

            """
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try? FileManager.default.removeItem(atPath: file)
            guard
                FileManager.default.createFile(
                    atPath: file, contents: Data(page.utf8), attributes: [.posixPermissions: 0o600])
            else { throw CommandFailure("the address could not be handed over", at: file) }
            #if os(macOS)
                let program = "open"
            #else
                let program = "xdg-open"
            #endif
            let result = try await Subprocess.run(
                .name(program), arguments: [file], output: .discarded, error: .discarded)
            guard result.terminationStatus.isSuccess else {
                throw CommandFailure("no browser was opened", remedy: "Open the address yourself.")
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch let error {
            throw CommandFailure(
                "no browser was opened", because: "\(error)", remedy: "Open the address that was printed.")
        }
    }
}

/// Where a person finds the dashboard, with a way in.
struct DashboardAddress: Codable, Sendable {
    var url: String
    /// Seconds since 1970.
    var expiresAt: Int64

    static func make(_ api: APIClient) async throws -> DashboardAddress {
        let code = try await api.createDashboardCode()
        let base: String? =
            switch api.address {
            case .socket: code.local
            case .url(let url): "\(url)/dashboard/"
            }
        guard let base else {
            throw CommandFailure(
                "the control plane serves no dashboard on this machine", at: "\(api.address)",
                because: "it was started with --dashboard-listen off",
                remedy: "Start it without that, or use --api with its https address.")
        }
        return DashboardAddress(url: code.url(at: base), expiresAt: code.expiresAt)
    }
}
