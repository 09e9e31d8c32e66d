import Foundation
import Testing
import WeftTelemetry

/// What is written about metrics, in documents, rules and dashboards, names metrics that exist.
@Suite struct ObservabilityFilesTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let own = MetricNames.all + ControlPlaneMetricNames.all

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    private static func files(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: directory).path).sorted().map {
            "\(directory)/\($0)"
        }
    }

    /// Words that begin as our metrics do. What recording rules make has colons, and is told apart by them.
    private static func metrics(in text: String) -> Set<String> {
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        return Set(
            words.map(String.init).filter { word in
                ["weft_", "process_", "istio_"].contains { word.hasPrefix($0) }
            })
    }

    @Test func `rules and dashboards name only metrics that exist`() throws {
        let known = Set((Self.own + IstioMetricNames.all).flatMap(\.sampleNames))
        let files = try Self.files("deploy/observability/rules") + Self.files("deploy/observability/dashboards")
        #expect(files.count == 6)
        for file in files {
            let used = Self.metrics(in: try Self.text(file))
            #expect(!used.isEmpty, "\(file)")
            #expect(used.subtracting(known) == [], "\(file)")
        }
    }

    @Test func `rules use recorded names that are recorded`() throws {
        func recorded(_ text: String) -> Set<String> {
            Set(
                text.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }.map(String.init).filter {
                    $0.hasPrefix("weft:")
                })
        }
        let recording = try Self.text("deploy/observability/rules/recording.yml")
        let names = Set(
            recording.split(separator: "\n").compactMap { line in
                line.range(of: "- record: ").map { String(line[$0.upperBound...]) }
            })
        #expect(recorded(try Self.text("deploy/observability/rules/alerts.yml")).subtracting(names) == [])
        #expect(recorded(recording) == names)
    }

    @Test func `dashboards are JSON whose panels do not overlap`() throws {
        for file in try Self.files("deploy/observability/dashboards") {
            let document = try JSONSerialization.jsonObject(with: Data(try Self.text(file).utf8)) as? [String: Any]
            let dashboard = try #require(document, "\(file)")
            #expect("\(try #require(dashboard["uid"] as? String)).json" == file.split(separator: "/").last ?? "")
            var taken: Set<[Int]> = []
            for panel in try #require(dashboard["panels"] as? [[String: Any]]) {
                let place = try #require(panel["gridPos"] as? [String: Int])
                let (x, y) = (place["x"] ?? 0, place["y"] ?? 0)
                #expect(x + (place["w"] ?? 0) <= 24)
                for column in x..<(x + (place["w"] ?? 0)) {
                    for row in y..<(y + (place["h"] ?? 0)) { #expect(taken.insert([column, row]).inserted, "\(file)") }
                }
                #expect((panel["targets"] as? [[String: Any]])?.isEmpty == false, "\(file)")
            }
        }
    }

    @Test func `every metric is in the documentation, and nothing else is`() throws {
        let text = try Self.text("docs/observability.md")
        let documented = Set(
            text.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { line -> String? in
                let name = line.dropFirst(3).prefix { $0 != "`" }
                return ["weft_", "process_"].contains { name.hasPrefix($0) } ? String(name) : nil
            })
        let exposed = Set(
            Self.own.map { family in
                if case .histogram = family.kind { family.name } else { family.sampleNames[0] }
            })
        #expect(documented.subtracting(exposed) == [])
        #expect(exposed.subtracting(documented) == [])
        for family in IstioMetricNames.all {
            #expect(text.contains("`\(family.name)"), "\(family.name)")
        }
        // Its examples, too.
        let known = Set((Self.own + IstioMetricNames.all).flatMap(\.sampleNames)).union(exposed).union(
            IstioMetricNames.all.map(\.name))
        #expect(Self.metrics(in: text).subtracting(known) == [])
    }
}
