import Foundation
import Testing
import WeftTestSupport

@testable import WeftCLI

/// What `-o yaml` prints means the same to every reader.
@Suite struct YAMLTextTests {
    private struct Sample: Encodable {
        var whole = 3.0
        var zero = 0.0
        var half = 1.5
        var tiny = 0.000012
        var huge = 1e21
        var time = 1_764_330_000_123.456
        var count = 12
        var missing: String?
        var list = [0.1, 2.0]
        var empty: [Int] = []
        var texts = [
            "3e+0", "1e5", "0", "yes", "null", "10s", "12:30:45", "0x1f", "a: b", "", "2026-11-28", "\u{9b}1m\u{7f}",
            "née",
        ]
    }

    @Test func `numbers are plain, and texts that look like numbers are quoted`() throws {
        let text = try OutputFormat.yaml.render(Sample()) { "" }
        let lines = text.split(separator: "\n").map(String.init)
        for line in [
            "whole: 3", "zero: 0", "half: 1.5", "tiny: 0.000012", "huge: 1000000000000000000000",
            "time: 1764330000123.456", "count: 12", "- 0.1", "- 2", "empty: []", "- '3e+0'", "- '1e5'", "- '0'",
            "- 'yes'",
            "- 'null'", "- 10s", "- '12:30:45'", "- '0x1f'", "- 'a: b'", "- ''", "- '2026-11-28'",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f || $0 == 0x0a })
    }
}
