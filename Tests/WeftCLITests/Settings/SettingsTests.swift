import Testing
import WeftModel
import WeftProxy

@testable import WeftCLI

@Suite struct SettingsTests {
    @Test func `a flag beats the environment, which beats the file`() throws {
        let file = try SettingsFile(name: "c.yaml", text: "admin: file\nlabel: [a, b]\n")
        var both = Settings(environment: ["WEFT_ADMIN": "environment"], file: file)
        #expect(try both.text("admin", "flag") == "flag")
        #expect(try both.text("admin", nil) == "environment")
        var alone = Settings(environment: ["WEFT_ADMIN": ""], file: file)
        #expect(try alone.text("admin", nil) == "file")
        #expect(try alone.texts("label", []) == ["a", "b"])
    }

    @Test func `a list in the environment is separated by commas`() throws {
        var settings = Settings(environment: ["WEFT_LABEL": "a=1, b=2"])
        #expect(try settings.texts("label", []) == ["a=1", "b=2"])
    }

    @Test func `a wrong value names its source and what was expected`() throws {
        var settings = Settings(environment: ["WEFT_LOOPS": "many"])
        let failure = #expect(throws: CommandFailure.self) { try settings.number("loops", nil, in: 1...64) }
        #expect(failure?.exit == .usage)
        #expect(failure?.location == "$WEFT_LOOPS")
        #expect(failure?.message == "'many' is not a number from 1 to 64")
    }

    @Test func `a file may hold nothing that the command does not know`() throws {
        let file = try SettingsFile(name: "c.yaml", text: "admin: x\nadmn: y\n")
        var settings = Settings(environment: [:], file: file)
        _ = try settings.text("admin", nil)
        let failure = #expect(throws: CommandFailure.self) { try settings.finish() }
        #expect(failure?.location == "c.yaml:2")
        #expect(failure?.remedy == "Did you mean `admin`?")
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("1.5s", .milliseconds(1500)), ("5m", .seconds(300)), ("0", .zero),
        ("2d", .seconds(172_800)),
    ]) func `durations carry a unit`(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(arguments: ["5", "-1s", "s", "1 h", "1e400s", "nans"]) func `other texts are no durations`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test func `an application's port may carry a name and an inbound port`() {
        #expect(PortText.parse("8080", .http)?.port == 8080)
        let full = PortText.parse("http:8080=20001", .grpc)
        #expect(full?.name == "http" && full?.port == 8080 && full?.inboundPort == 20001 && full?.appProtocol == .grpc)
        #expect(PortText.parse("http:", .http) == nil && PortText.parse("8080=x", .http) == nil)
    }
}
