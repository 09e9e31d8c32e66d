internal import ArgumentParser
internal import Foundation

/// `--config`, for commands that a file can tell what to do.
struct ConfigOption: ParsableArguments {
    @Option(help: ArgumentHelp("A YAML file with settings: flag names without dashes.", valueName: "file"))
    var config: String?

    /// The sources of settings, the file read.
    func settings() throws -> Settings {
        let environment = Machine.environment
        guard let path = self.config ?? environment["WEFT_CONFIG"], !path.isEmpty else {
            return Settings(environment: environment)
        }
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch let error {
            throw CommandFailure.usage("cannot be read: \(error.localizedDescription)", at: path)
        }
        return Settings(environment: environment, file: try SettingsFile(name: path, text: text))
    }
}

/// Where the API is, and how results are shown.
struct APIOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The control plane's API: a socket's path or an https URL. Found by itself on this machine.",
            valueName: "address"))
    var api: String?
    @Option(help: ArgumentHelp("The API of the mesh that `weft up FILE` runs.", valueName: "file"))
    var fleet: String?
    @Option(help: ArgumentHelp("Bearer token for an https API; better in WEFT_API_TOKEN.", valueName: "token"))
    var apiToken: String?
    @Option(
        help: ArgumentHelp("PEM file with the authority that signed an https API's certificate.", valueName: "file"))
    var apiCa: String?
    @Option(
        help: ArgumentHelp(
            "PEM file with a client certificate and its key for an https API, instead of a token.", valueName: "file"))
    var apiCert: String?

    /// The mesh that `withClient` speaks to, for the output of what changes it.
    var used: String {
        let fleet = self.fleet ?? (self.api == nil ? Machine.environment["WEFT_FLEET"] : nil)
        let address =
            self.api.flatMap(APIAddress.init) ?? self.fleet.map { .socket(path: FleetPaths(file: $0).apiSocket) }
            ?? Machine.environment["WEFT_API"].flatMap(APIAddress.init)
            ?? fleet.map { .socket(path: FleetPaths(file: $0).apiSocket) }
            ?? (try? APISearch.find(directory: Machine.directory, home: Machine.home))
        return address.map { "the mesh at \($0)" } ?? "the mesh"
    }

    private static func socket(ofFleet file: String) throws -> APIAddress {
        guard FileManager.default.fileExists(atPath: file) else {
            throw CommandFailure.usage("there is no such fleet file", at: file, remedy: "Check the path.")
        }
        let socket = FleetPaths(file: file).apiSocket
        guard FileManager.default.fileExists(atPath: socket) else {
            throw CommandFailure("this fleet is not running", at: file, remedy: "Start it with `weft up \(file)`.")
        }
        return .socket(path: socket)
    }

    /// Calls `body` with a client of the API.
    func withClient<Result>(_ body: (APIClient) async throws -> Result) async throws -> Result {
        var settings = Settings(environment: Machine.environment)
        let given = try settings.value(
            "api", self.api, expected: "a socket's path or an https URL (plain http is only for sockets)"
        ) { APIAddress($0) }
        let fleet = try settings.text("fleet", self.fleet)
        let token = try settings.text("api-token", self.apiToken)
        let authority = try settings.text("api-ca", self.apiCa)
        let certificate = try settings.text("api-cert", self.apiCert)
        let address =
            try (self.api == nil ? self.fleet.map(Self.socket(ofFleet:)) : nil) ?? given
            ?? fleet.map(Self.socket(ofFleet:))
            ?? APISearch.find(directory: Machine.directory, home: Machine.home)
        guard let address else {
            throw CommandFailure(
                "no control plane was found on this machine",
                because: "there is no .weft beside or above this directory, no fleet of yours runs, and there is no "
                    + "/run/weft/api.sock",
                remedy: "Start one (`weft up FLEET`, `weft control`), or say where it is with --api or WEFT_API.")
        }
        return try await APIClient.with(
            address, token: token, certificateAuthority: authority, certificate: certificate, body)
    }
}

/// `-o`, for commands with a result.
struct OutputOptions: ParsableArguments {
    @Option(name: [.short, .long], help: ArgumentHelp("table, wide, json or yaml.", valueName: "format"))
    var output: String?

    func format() throws -> OutputFormat {
        var settings = Settings(environment: Machine.environment)
        return try settings.value("output", self.output, expected: "table, wide, json or yaml") {
            OutputFormat(rawValue: $0)
        } ?? .table
    }

    /// Shows `value`; `table` makes the text for people.
    func show(_ value: some Encodable, table: (Console) -> String) throws {
        let console = Console.standard(environment: Machine.environment)
        console.line(try self.format().render(value) { table(console) })
    }
}

extension Console {
    /// The process's own.
    static var current: Console { Console.standard(environment: Machine.environment) }
}

/// A path made absolute.
func absolutePath(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
