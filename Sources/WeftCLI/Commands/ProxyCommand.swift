internal import ArgumentParser

struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy", abstract: "Print a bootstrap for clients that are not ours.",
        discussion: "Example:  weft proxy bootstrap --for envoy --service web", subcommands: [BootstrapCommand.self])
}
