internal import ArgumentParser
internal import Foundation
internal import WeftModel

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke join tokens and API tokens.",
        discussion: "Example:  weft token create --service billing",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Make a token; it is shown this once.",
            discussion: """
                Example:  weft token create --service billing --ttl 10m
                Example:  weft token create --service billing --network 10.0.0.0/8
                Example:  weft token create --service billing-eu --label app=billing
                Example:  weft token create --api-access --role operator --ttl 30d
                Example:  weft token create --agent --host db-1
                """)

        @Option(help: ArgumentHelp("The one service it lets a workload join.", valueName: "name")) var service: String?
        @Option(
            help: ArgumentHelp(
                "The account in the workload's identity; the service's name where not given.", valueName: "name"))
        var account: String?
        @Option(
            name: [.short, .long], help: ArgumentHelp("Its namespace; default where not given.", valueName: "name"))
        var namespace: String?
        @Option(help: ArgumentHelp("How long it is good for; 1h where not given.", valueName: "duration")) var ttl:
            String?
        @Option(help: ArgumentHelp("How many workloads may join with it; 1 where not given.", valueName: "number"))
        var uses: String?
        @Flag(help: "A bearer token for the API instead of a join token.") var apiAccess = false
        @Option(
            help: ArgumentHelp(
                "What an API token may do: viewer, operator or admin; viewer where not given.", valueName: "role"))
        var role: String?
        @Option(
            help: ArgumentHelp(
                "The addresses that may join with it, such as 10.0.0.0/8; any where not given.", valueName: "network"))
        var network: String?
        @Option(
            help: ArgumentHelp(
                "A label that the workload may claim towards selectors of Services; may be repeated.",
                valueName: "key=value"))
        var label: [String] = []
        @Flag(help: "A token for a host's agent, good once, instead of a join token.") var agent = false
        @Option(help: ArgumentHelp("With --agent: the one host it is for; any where not given.", valueName: "name"))
        var host: String?
        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var settings = Settings(environment: Machine.environment)
            var request = TokenRequest()
            request.namespace = try settings.text("namespace", self.namespace) ?? "default"
            request.uses = try settings.number("uses", self.uses, in: 1...10_000) ?? 1
            if let ttl = try settings.duration("ttl", self.ttl) { request.ttlSeconds = ttl.components.seconds }
            let role = try settings.value("role", self.role, expected: "viewer, operator or admin") {
                APIRole(rawValue: $0)
            }
            request.role = role ?? .viewer
            let isForAPI = try settings.isOn("api-access", self.apiAccess)
            guard role == nil || isForAPI else {
                throw CommandFailure.usage(
                    "a token for joining has no role", at: "--role",
                    remedy: "Give --api-access for a token for the API, or leave --role out.")
            }
            request.network = try settings.value(
                "network", self.network, expected: "a range of addresses such as 10.0.0.0/8"
            ) { NetworkPrefix(exactly: $0)?.description }
            if isForAPI {
                request.purpose = .api
            } else if self.agent {
                request.purpose = .agent
                request.host = try settings.text("host", self.host)
            } else {
                request.service = try settings.required(
                    try settings.text("service", self.service), "service", why: "a join token is for one service")
                request.account = try settings.text("account", self.account)
                let labels = try settings.values("label", self.label, expected: "KEY=VALUE", ProxyOptions.pair)
                if !labels.isEmpty { request.labels = Dictionary(labels) { $1 } }
            }
            let wanted = request
            let created = try await self.api.withClient { try await $0.createToken(wanted) }
            try self.output.show(created) { _ in created.token }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show tokens, without their secrets.",
            discussion: "Example:  weft token list")
        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let tokens = try await self.api.withClient { try await $0.tokens() }
            try self.output.show(tokens) { Tables.tokens(tokens, console: $0) }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Make a token worthless; who joined with it stays.",
            discussion: "Example:  weft token revoke 3f9a1c")
        @Argument(help: "The id that `weft token list` shows.") var id: String
        @OptionGroup var api: APIOptions

        func run() async throws {
            try await self.api.withClient { try await $0.revokeToken(self.id) }
            Console.current.line("token \(self.id) revoked")
        }
    }
}
