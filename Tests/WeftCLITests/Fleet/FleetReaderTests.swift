import Testing
import WeftModel

@testable import WeftCLI

@Suite struct FleetReaderTests {
    @Test func `a service needs only a command, and takes its other values from its name`() throws {
        let reading = FleetReader.read("fleet: shop\nservices:\n  cart:\n    command: ./cart --fast\n", file: "f.yaml")
        #expect(reading.diagnostics.isEmpty)
        let member = try #require(reading.fleet?.services.first)
        #expect(member.command == ["./cart", "--fast"])
        #expect((member.service, member.account, member.namespace) == ("cart", "cart", "default"))
        #expect(member.instanceNames == ["cart"])
        #expect(member.health == .tcp)
    }

    @Test func `documents after the first are resources, at their own lines`() {
        let text = "# a comment\nfleet: shop\nservices: {a: {command: x}}\n---\nkind: Service\n"
        let reading = FleetReader.read(text, file: "f.yaml")
        #expect(reading.fleet?.name == "shop")
        #expect(reading.resources == "\n\n\n---\nkind: Service\n")
    }

    @Test func `what all sidecars are told of telemetry is checked where it is written`() {
        let text = """
            fleet: shop
            telemetry: {otlp-endpoint: 'http://127.0.0.1:4317', trace-sampling: 0.5, access-log: all}
            services: {a: {command: x}}
            """
        let reading = FleetReader.read(text, file: "f.yaml")
        #expect(
            reading.fleet?.telemetry == [
                "otlp-endpoint": ["http://127.0.0.1:4317"], "trace-sampling": ["0.5"], "access-log": ["all"],
            ])
        let wrong = FleetReader.read(
            """
            fleet: shop
            telemetry: {otlp-endpoint: collector, trace-sampling: 2, access-log-output: otlp, colour: red}
            services: {a: {command: x}}
            """, file: "f.yaml")
        #expect(
            Set(wrong.diagnostics.map { $0.field ?? "" }) == [
                "telemetry.otlp-endpoint", "telemetry.trace-sampling", "telemetry.access-log-output",
                "telemetry.colour",
            ])
    }

    @Test(arguments: [
        ("log-header: [X-Tenant, Accept]", "log-header", ["X-Tenant", "Accept"]),
        ("log-header: 'X-Tenant, Accept'", "log-header", ["X-Tenant", "Accept"]),
        ("redact-header: X-Session", "redact-header", ["X-Session"]),
        ("redact-query: [pin, 'a,b']", "redact-query", ["pin", "a", "b"]),
        ("access-log-output: logs/", "access-log-output", ["logs/${NAME}.log"]),
        ("access-log-output: '/var/log/${NAME}/access'", "access-log-output", ["/var/log/${NAME}/access"]),
        ("access-log-output: stdout", "access-log-output", ["stdout"]),
        ("access-log-output: logs/access.log", "access-log-output", []), ("log-header: ['a b']", "log-header", []),
        ("redact-query: ','", "redact-query", []),
    ])
    func `what is logged, and what is not, is said of all sidecars`(line: String, flag: String, values: [String]) {
        let text = "fleet: shop\ntelemetry:\n  \(line)\nservices: {a: {command: x}}\n"
        let reading = FleetReader.read(text, file: "f.yaml")
        #expect((reading.fleet?.telemetry[flag] ?? []) == values)
        #expect(reading.diagnostics.map(\.field) == (values.isEmpty ? ["telemetry.\(flag)"] : []))
    }

    @Test func `every mistake is told at once, with its place and a remedy`() {
        let text = """
            fleet: shop
            services:
              cart:
                comand: ./cart
                replicas: 0
              Bad:
                command: "unclosed 'quote"
            colour: red
            """
        let reading = FleetReader.read(text, file: "f.yaml")
        #expect(reading.fleet == nil)
        let found = reading.diagnostics.map { "\($0.line ?? 0) \($0.field ?? "")" }
        #expect(
            found == [
                "3 services.cart.command", "4 services.cart.comand", "5 services.cart.replicas", "6 services.Bad",
                "7 services.Bad.command", "8 colour",
            ])
        #expect(reading.diagnostics.first { $0.field == "services.cart.comand" }?.remedy == "Did you mean `command`?")
    }

    @Test func `replicas cannot share a fixed port, nor two services one`() {
        let text = """
            fleet: shop
            services:
              a: {command: x, port: 80, replicas: 2}
              b: {command: x, port: 81}
              c: {command: x, port: 81}
            """
        let fields = FleetReader.read(text, file: "f").diagnostics.map(\.field)
        #expect(fields == ["services.a.port", "services.c.port"])
    }

    @Test(arguments: [
        ("a  b", ["a", "b"]), ("a 'b c' d", ["a", "b c", "d"]), (#"a "b 'c'" \ d"#, ["a", "b 'c'", " d"]), ("''", [""]),
    ]) func `a command line splits as in a shell`(line: String, words: [String]) {
        #expect(CommandWords.split(line) == words)
    }

    @Test func `a placeholder without a value is refused by its name`() throws {
        #expect(try CommandWords.expand("--p=${PORT}!", ["PORT": "80"]) == "--p=80!")
        #expect(throws: CommandWords.UnknownPlaceholder(name: "WHAT")) { try CommandWords.expand("${WHAT}", [:]) }
    }
}
