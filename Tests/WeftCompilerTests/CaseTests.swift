import Foundation
import Testing
import WeftCompiler
import WeftConfig
import WeftModel

/// Before/after pairs: `Cases/NAME.yaml` compiles to `Cases/NAME.txt`.
///
/// `Workload` documents stand for the registry; the annotation `test/readiness` makes one `not-ready` or `draining`.
/// With `WEFT_UPDATE_CASES=1` in the environment the results are written anew, to be read in the diff.
@Suite struct CaseTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases")

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: Self.folder.path)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    @Test func `there are cases`() {
        #expect(Self.names.count >= 10)
    }

    @Test(arguments: names)
    func `a case compiles to its text`(name: String) throws {
        let input = try String(contentsOf: Self.folder.appending(path: "\(name).yaml"), encoding: .utf8)
        let reading = ConfigReader.read([SourceDocument(file: "\(name).yaml", text: input)])
        #expect(reading.diagnostics.filter { $0.severity == .error }.map(\.description) == [])
        let compilation = Self.compile(reading)
        var text = SnapshotText.render(compilation.snapshot)
        let findings = Linter.lint(reading.resources.map(\.resource)) + compilation.diagnostics
        if !findings.isEmpty { text += "\n" + findings.map(\.description).joined(separator: "\n") + "\n" }
        let file = Self.folder.appending(path: "\(name).txt")
        if ProcessInfo.processInfo.environment["WEFT_UPDATE_CASES"] == "1" {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        #expect(text == expected)
    }

    private static func compile(_ reading: Reading) -> Compilation {
        var resources: [Resource] = []
        var workloads: [RegisteredWorkload] = []
        for parsed in reading.resources {
            switch parsed.resource {
            // Those that no service is named for are described, not registered.
            case .workload(let workload) where workload.service != nil:
                workloads.append(
                    RegisteredWorkload(
                        workload: workload, readiness: self.readiness(workload.metadata.annotations["test/readiness"])))
            case .workload, .service, .httpRoute, .grpcRoute, .streamRoute, .referenceGrant, .externalService,
                .trafficPolicy,
                .authorizationPolicy, .requestAuthentication, .peerAuthentication, .meshSettings,
                .trustDomainFederation, .registrationEntry, .serviceObjective:
                resources.append(parsed.resource)
            }
        }
        return Compiler.compile(
            resources: resources, workloads: workloads, trustDomain: .standard, revision: Revision(1))
    }

    private static func readiness(_ text: String?) -> RegisteredWorkload.Readiness {
        switch text {
        case "not-ready": .notReady("the health check fails")
        case "draining": .draining
        default: .ready
        }
    }
}
