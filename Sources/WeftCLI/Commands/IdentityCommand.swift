internal import ArgumentParser
internal import Foundation
internal import WeftControlPlane
internal import WeftModel

struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "The certificate authority, mutual TLS, and who goes without.",
        discussion: "Example:  weft identity status",
        subcommands: [
            Status.self, Rotate.self, Revoke.self, Restore.self, Import.self, Intermediate.self,
            PlaintextCommand.self, StrictCommand.self,
        ])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Roots, intermediate, rotation, and who has followed it.",
            discussion: "Example:  weft identity status -o json")
        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await self.api.withClient { try await $0.identity() }
            for remark in report.remarks ?? [] { Console.current.error("warning: \(remark)") }
            try self.output.show(report) { IdentityTables.report(report, console: $0) }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Replace the root or the intermediate.",
            discussion: """
                A rotation of the root goes on by itself as the proxies follow; nobody is refused on the way. \
                `weft identity status` says what it waits for.

                Where the root's key is kept elsewhere, the new root is made there too, and given with --root-cert and \
                an intermediate that it signed. Its key goes to the control plane over the API, is kept there as the \
                others are, and is shown to nobody; without --intermediate-key it is the one that `weft identity \
                intermediate request` made. --cross-cert lets those come back later that know only the present root.

                Example:  weft identity rotate --root
                Example:  weft identity rotate --root --root-cert root2.pem --intermediate-cert int2.pem --intermediate-key int2.key
                Example:  weft identity rotate --abort
                """)
        @Flag(help: "Begin to replace the root.") var root = false
        @Flag(help: "Replace the intermediate now.") var intermediate = false
        @Flag(help: "Enter the next phase of the root's rotation now.") var advance = false
        @Flag(help: "Trust the old root no longer.") var withdraw = false
        @Flag(help: "Go back to the old root.") var abort = false
        @Flag(help: "With --advance or --withdraw: cut off those that have not followed.") var force = false
        @Option(help: ArgumentHelp("With --root: a root that was made elsewhere, PEM.", valueName: "file"))
        var rootCert: String?
        @Option(help: ArgumentHelp("An intermediate that this root signed, PEM.", valueName: "file"))
        var intermediateCert: String?
        @Option(help: ArgumentHelp("Its key, PEM, P-256.", valueName: "file")) var intermediateKey: String?
        @Option(
            help: ArgumentHelp("The new root's subject and key, signed by the present root, PEM.", valueName: "file"))
        var crossCert: String?
        @OptionGroup var api: APIOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let chosen: [RotationRequest.Action] = [
                self.root ? .root : nil, self.intermediate ? .intermediate : nil, self.advance ? .advance : nil,
                self.withdraw ? .withdraw : nil, self.abort ? .abort : nil,
            ].compactMap(\.self)
            guard let action = chosen.first, chosen.count == 1 else {
                throw CommandFailure.usage(
                    "\(chosen.isEmpty ? "nothing" : "more than one thing") to do was given",
                    remedy: "Give one of --root, --intermediate, --advance, --withdraw and --abort.")
            }
            guard !self.force || action == .advance || action == .withdraw else {
                throw CommandFailure.usage(
                    "--force is for --advance and --withdraw", at: "--force", remedy: "Leave it out.")
            }
            let request = RotationRequest(action: action, force: self.force, newRoot: try self.newRoot(action))
            let report = try await self.api.withClient { try await $0.rotate(request) }
            for remark in report.remarks ?? [] { Console.current.error("warning: \(remark)") }
            try self.output.show(report) { IdentityTables.report(report, console: $0) }
        }

        /// What was made elsewhere; nil where nothing was given.
        func newRoot(_ action: RotationRequest.Action) throws -> RotationRequest.NewRoot? {
            let given = [
                ("--root-cert", self.rootCert), ("--intermediate-cert", self.intermediateCert),
                ("--intermediate-key", self.intermediateKey), ("--cross-cert", self.crossCert),
            ].filter { $0.1 != nil }.map(\.0)
            guard let first = given.first else { return nil }
            guard action == .root else {
                throw CommandFailure.usage("\(first) is for --root", at: first, remedy: "Leave it out.")
            }
            guard let root = self.rootCert, let intermediate = self.intermediateCert else {
                throw CommandFailure.usage(
                    "a new root needs its certificate and that of an intermediate it signed", at: first,
                    remedy: "Give both --root-cert and --intermediate-cert.")
            }
            return RotationRequest.NewRoot(
                rootCertificate: try AuthorityPlace.text(root),
                intermediateCertificate: try AuthorityPlace.text(intermediate),
                intermediateKey: try self.intermediateKey.map(AuthorityPlace.secret),
                crossCertificate: try self.crossCert.map(AuthorityPlace.text))
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Refuse an identity everywhere, at once and until it is restored.",
            discussion: "Example:  weft identity revoke spiffe://mesh.local/ns/default/sa/billing --reason 'key leaked'"
        )
        @Argument(help: "Its SPIFFE ID, as `weft status` shows it.") var identity: String
        @Option(help: ArgumentHelp("Why, for people.", valueName: "text")) var reason: String?
        @OptionGroup var api: APIOptions

        func run() async throws {
            let request = RevocationRequest(identity: self.identity, reason: self.reason)
            let report = try await self.api.withClient { try await $0.revoke(request) }
            for remark in report.remarks ?? [] { Console.current.error("warning: \(remark)") }
            Console.current.line("\(self.identity) revoked")
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore", abstract: "Take a revocation back.",
            discussion: "Example:  weft identity restore spiffe://mesh.local/ns/default/sa/billing")
        @Argument(help: "Its SPIFFE ID.") var identity: String
        @OptionGroup var api: APIOptions

        func run() async throws {
            _ = try await self.api.withClient { try await $0.restore(self.identity) }
            Console.current.line("\(self.identity) restored")
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Use an authority that was made elsewhere.",
            discussion: """
                Works on the data directory of a control plane that is not running, so that keys never travel. Without \
                --root-key the root stays offline, and an intermediate with its key is needed.

                Example:  weft identity import --data-dir /var/lib/weft --root-cert root.pem --root-key root.key
                """)
        @OptionGroup var place: AuthorityPlace
        @Option(help: ArgumentHelp("The root certificate, PEM.", valueName: "file")) var rootCert: String
        @Option(help: ArgumentHelp("Its key, PEM, P-256.", valueName: "file")) var rootKey: String?
        @Option(help: ArgumentHelp("An intermediate that the root signed, PEM.", valueName: "file"))
        var intermediateCert: String?
        @Option(help: ArgumentHelp("Its key, PEM, P-256.", valueName: "file")) var intermediateKey: String?
        @Option(help: ArgumentHelp("Needed where the root names none.", valueName: "name")) var trustDomain: String?
        @Flag(help: "Replace the authority that is there; every workload must join again.") var replace = false

        func run() throws {
            var settings = Settings(environment: Machine.environment)
            let domain = try settings.value(
                "trust-domain", self.trustDomain, expected: "a trust domain such as mesh.local"
            ) { TrustDomain($0) }
            let material = OfflineAuthority.Material(
                rootCertificate: try AuthorityPlace.text(self.rootCert),
                rootKey: try self.rootKey.map(AuthorityPlace.secret),
                intermediateCertificate: try self.intermediateCert.map(AuthorityPlace.text),
                intermediateKey: try self.intermediateKey.map(AuthorityPlace.secret))
            let imported = try self.place.work(&settings) {
                try $0.importAuthority(material, trustDomain: domain, replacing: self.replace, now: Date())
            }
            Console.current.line(
                "imported: trust domain \(imported.trustDomain), root \(imported.rootFingerprint)"
                    + (imported.isRootOffline ? ", whose key stays elsewhere" : ""))
        }
    }

    struct Intermediate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "intermediate", abstract: "Renew the intermediate of a root whose key is elsewhere.",
            discussion: """
                Both work on the data directory of a control plane that is not running.

                Example:  weft identity intermediate request --data-dir /var/lib/weft > csr.pem
                """,
            subcommands: [Request.self, Install.self])

        struct Request: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "request", abstract: "Make a key, keep it, and print the request for a certificate.",
                discussion: "Example:  weft identity intermediate request > csr.pem")
            @OptionGroup var place: AuthorityPlace

            func run() throws {
                var settings = Settings(environment: Machine.environment)
                let request = try self.place.work(&settings) { try $0.requestIntermediate() }
                Console.current.line(request.trimmingCharacters(in: .newlines))
            }
        }

        struct Install: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "install", abstract: "Use the certificate that the root's owner made of the request.",
                discussion: "Example:  weft identity intermediate install cert.pem")
            @Argument(help: "The certificate, PEM.") var file: String
            @OptionGroup var place: AuthorityPlace

            func run() throws {
                var settings = Settings(environment: Machine.environment)
                let text = try AuthorityPlace.text(self.file)
                let expiry = try self.place.work(&settings) { try $0.installIntermediate(text, now: Date()) }
                Console.current.line("intermediate installed, valid until \(expiry.formatted(.iso8601))")
            }
        }
    }
}

/// Where the authority of a control plane that is not running is, and how its keys are encrypted.
struct AuthorityPlace: ParsableArguments {
    @Option(
        help: ArgumentHelp("The control plane's data directory; /var/lib/weft where not given.", valueName: "directory")
    )
    var dataDir: String?
    @Option(help: ArgumentHelp("As `weft control` is given it.", valueName: "file")) var authorityPassphraseFile:
        String?
    @Option(help: ArgumentHelp("As `weft control` is given it.", valueName: "file")) var authorityKeyFile: String?

    /// Holds the directory while `body` works on it.
    func work<Result>(_ settings: inout Settings, _ body: (OfflineAuthority) throws -> Result) throws -> Result {
        let directory = absolutePath(try settings.text("data-dir", self.dataDir) ?? "/var/lib/weft")
        do {
            return try body(
                OfflineAuthority(
                    dataDirectory: directory,
                    passphraseFile: try settings.text("authority-passphrase-file", self.authorityPassphraseFile),
                    keyFile: try settings.text("authority-key-file", self.authorityKeyFile)))
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("\(error)", at: directory)
        }
    }

    /// The text of a file that its owner alone should read; says so where others can.
    static func secret(_ path: String) throws -> String {
        let text = try self.text(path)
        if let remark = OfflineAuthority.remark(onFile: path) { Console.current.error("warning: \(remark)") }
        return text
    }

    /// A file's text.
    static func text(_ path: String) throws -> String {
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch let error {
            throw CommandFailure.usage("cannot be read: \(error.localizedDescription)", at: path)
        }
    }
}
