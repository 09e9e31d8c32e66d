internal import ArgumentParser
internal import Foundation
internal import WeftModel

struct AuthzCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authz", abstract: "Who may call whom: ask, propose, and find rules that do nothing.",
        discussion: "Example:  weft authz check --from recommendation --to billing --method POST --path /v1/charge",
        subcommands: [Check.self, Propose.self, Coverage.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "What would happen to a call, and which rule says so.",
            discussion: """
                Exits with 0 when the call is allowed, with 1 when it is denied.

                Example:  weft authz check --from enrollment --to billing --method POST --path /v1/charge
                Example:  weft authz check --from spiffe://mesh.local/ns/default/sa/web --to db --port 5432
                """)

        @Option(
            help: ArgumentHelp(
                "The calling service, or a SPIFFE ID; a caller in the clear where not given.", valueName: "caller"))
        var from: String?
        @Option(help: ArgumentHelp("The service that is called.", valueName: "service")) var to: String?
        @Option(help: ArgumentHelp("The application's port; all of them where not given.", valueName: "port"))
        var port: String?
        @Option(help: ArgumentHelp("The method; GET where not given.", valueName: "method")) var method: String?
        @Option(help: ArgumentHelp("The path, with its query; / where not given.", valueName: "path"))
        var path: String?
        @Option(
            name: [.customShort("H"), .long],
            help: ArgumentHelp("A header of the request; may be repeated.", valueName: "name: value"))
        var header: [String] = []
        @Option(
            help: ArgumentHelp(
                "A claim of the token that the request brings; may be repeated.", valueName: "name=value"))
        var claim: [String] = []
        @Option(help: ArgumentHelp("The caller's address, for rules about networks.", valueName: "address"))
        var address: String?
        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var settings = Settings(environment: Machine.environment)
            var request = AuthorizationCheckRequest(
                from: try settings.text("from", self.from),
                to: try settings.required(try settings.text("to", self.to), "to", why: "somebody must be called"),
                port: try settings.number("port", self.port, in: 1...65535),
                method: try settings.text("method", self.method), path: try settings.text("path", self.path),
                address: try settings.text("address", self.address))
            for text in self.header {
                let (name, value) = try Self.pair(text, separator: ":", option: "--header")
                let key = name.lowercased()
                request.headers[key] = request.headers[key].map { "\($0),\(value)" } ?? value
            }
            if !self.claim.isEmpty { request.claims = [:] }
            for text in self.claim {
                let (name, value) = try Self.pair(text, separator: "=", option: "--claim")
                request.claims?[name, default: []].append(value)
            }
            let wanted = request
            let report = try await self.api.withClient { try await $0.checkAuthorization(wanted) }
            for remark in report.remarks ?? [] { Console.current.error("warning: \(remark)") }
            try self.output.show(report) { AuthzTables.check(report, console: $0) }
            if report.verdicts.contains(where: { !$0.isAllowed }) { throw ExitCode(ExitStatus.failed.rawValue) }
        }

        private static func pair(_ text: String, separator: Character, option: String) throws -> (String, String) {
            guard let index = text.firstIndex(of: separator), index > text.startIndex else {
                throw CommandFailure.usage(
                    "'\(text)' is no pair of name and value", at: option,
                    remedy: "Write it as name\(separator)value.")
            }
            let value = text[text.index(after: index)...].drop(while: \.isWhitespace)
            return (String(text[..<index]), String(value))
        }
    }

    struct Propose: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "propose", abstract: "Write policies that allow the calls that were observed, to review.",
            discussion: """
                Prints YAML and changes nothing. The policies are in audit mode: applied as they are they deny nobody, \
                and record whom they would have denied. Review them, apply them, watch, then remove `audit: true`.

                Example:  weft authz propose --namespace default > policies.yaml
                """)

        @Argument(help: "One service; all of them where not given.") var service: String?
        @Option(
            name: [.short, .long],
            help: ArgumentHelp("One namespace; all of them where not given.", valueName: "name"))
        var namespace: String?
        @Flag(help: "Leave `audit: true` out, so that they are enforced when applied.") var enforce = false
        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var settings = Settings(environment: Machine.environment)
            let namespace = try settings.text("namespace", self.namespace)
            let enforce = try settings.isOn("enforce", self.enforce)
            let report = try await self.api.withClient {
                try await $0.authorizationProposal(namespace: namespace, service: self.service, enforced: enforce)
            }
            guard report.services > 0 else {
                throw CommandFailure(
                    "no service to propose for", because: "no workload of that name and namespace has a sidecar",
                    remedy: "`weft status` lists the workloads there are.")
            }
            try self.output.show(report) { _ in
                """
                # Made from \(report.requests) requests on \(report.edges) edges to \(report.services) services, as \
                their proxies have counted them since they started.
                # Callers that were not seen are not here: let a whole business cycle pass before enforcing.
                \(report.yaml)
                """
            }
        }
    }

    struct Coverage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "coverage",
            abstract: "Find rules that never matched, that others cover, or that are about nobody.",
            discussion: """
                Exits with 3 when there are any.

                Example:  weft authz coverage
                """)

        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await self.api.withClient { try await $0.authorizationCoverage() }
            try self.output.show(report) { AuthzTables.coverage(report, console: $0) }
            if !report.findings.isEmpty { throw ExitCode(ExitStatus.degraded.rawValue) }
        }
    }
}
