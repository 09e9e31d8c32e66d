package import ArgumentParser
internal import Foundation
internal import WeftModel

/// The `weft` executable.
package struct WeftCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "weft",
        abstract: "A service mesh for any Linux fleet.",
        discussion: """
            Try it:  weft demo
            Run it:  weft up Examples/learning-platform/fleet.yaml --detach

            Every flag is also an environment variable (--data-dir is WEFT_DATA_DIR) and, for commands that take \
            --config, a key of that YAML file (data-dir). A flag beats the environment, which beats the file.

            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 works with something amiss.
            Shell completion: weft --generate-completion-script bash|zsh|fish
            """,
        version: "weft \(WeftVersion.text)",
        groupedSubcommands: [
            CommandGroup(
                name: "A mesh on this machine", subcommands: [UpCommand.self, DownCommand.self, DemoCommand.self]),
            CommandGroup(
                name: "The parts",
                subcommands: [
                    ControlCommand.self, ProxyCommand.self, RunCommand.self, TokenCommand.self, ServiceCommand.self,
                    IdentityCommand.self,
                    AgentCommand.self,
                ]),
            CommandGroup(
                name: "Configuration",
                subcommands: [ApplyCommand.self, GetCommand.self, DeleteCommand.self, ValidateCommand.self]),
            CommandGroup(
                name: "What is going on",
                subcommands: [
                    StatusCommand.self, StatCommand.self, EdgesCommand.self, RoutesCommand.self, TopCommand.self,
                    CheckCommand.self, AuditCommand.self, ExplainCommand.self, TraceCommand.self, TapCommand.self,
                    DashboardCommand.self,
                ]),
            CommandGroup(name: "Who is who", subcommands: [IdentityCommand.self, AuthzCommand.self]),
        ])

    package init() {}

    /// Parses the command line, runs the command, and ends the process with its exit code.
    package static func runMain() async -> Never {
        let console = Console.standard(environment: Machine.environment)
        do {
            var command = try Self.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            Foundation.exit(ExitStatus.ok.rawValue)
        } catch let failure as CommandFailure {
            console.error(failure.shown)
            Foundation.exit(failure.exit.rawValue)
        } catch let code as ExitCode {
            Foundation.exit(code.rawValue)
        } catch let error {
            // What the argument parser has to say: help and completion scripts are no failure, the rest is usage.
            let isFailure = Self.exitCode(for: error) != .success
            let text = Self.fullMessage(for: error)
            if isFailure { console.error(text) } else { console.line(text) }
            let isUsage = Self.exitCode(for: error) == .validationFailure
            Foundation.exit(!isFailure ? 0 : isUsage ? ExitStatus.usage.rawValue : ExitStatus.failed.rawValue)
        }
    }
}
