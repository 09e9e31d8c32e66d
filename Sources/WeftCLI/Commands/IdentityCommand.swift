internal import ArgumentParser

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Who is who: the authority, mutual TLS, and who goes without.",
        discussion: "Example:  weft identity plaintext",
        subcommands: [PlaintextCommand.self, StrictCommand.self])
}
