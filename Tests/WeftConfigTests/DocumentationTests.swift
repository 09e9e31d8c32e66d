import Foundation
import Testing
import WeftConfig
import WeftModel

@Suite struct DocumentationTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs")

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.docs.appending(path: path), encoding: .utf8)
    }

    @Test func `every example of the resources page is read without a complaint`() throws {
        var examples: [String] = []
        var current: [Substring]?
        for line in try self.text("resources.md").split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```yaml" {
                current = []
            } else if line == "```", let lines = current {
                examples.append(lines.joined(separator: "\n"))
                current = nil
            } else {
                current?.append(line)
            }
        }
        #expect(examples.count >= 6)
        var kinds: Set<ResourceKind> = []
        for example in examples {
            let reading = read(example, file: "resources.md")
            #expect(reading.diagnostics.map(\.description) == [])
            let unknown = Linter.lint(reading.resources.map(\.resource), scope: .documents).filter {
                !$0.message.contains("not among these documents")
            }
            #expect(unknown.map(\.description) == [])
            kinds.formUnion(reading.resources.map(\.resource.kind))
        }
        #expect(kinds == Set(ResourceKind.allCases))
    }

    @Test func `every kind has its section`() throws {
        let page = try self.text("resources.md")
        for kind in ResourceKind.allCases {
            #expect(page.contains("\n## \(kind.rawValue)\n"))
            #expect(page.contains("[`\(kind.rawValue)`](#\(kind.rawValue.lowercased())) | `\(kind.apiVersion)`"))
        }
    }

    @Test(arguments: Reason.allCases)
    func `every reason has its page, with its statuses`(reason: Reason) throws {
        let page = try self.text("reasons/\(reason.rawValue).md")
        #expect(page.hasPrefix("# `\(reason.rawValue)`\n"))
        let flag = reason.envoyFlag.isEmpty ? "–" : reason.envoyFlag
        #expect(page.contains("\n| \(reason.status) | \(reason.grpcStatus) | \(flag) |\n"))
        for section in ["What happened", "Whose side it is on", "What to look at", "What to change"] {
            #expect(page.contains("\n## \(section)\n"))
        }
        let index = try self.text("reasons/README.md")
        #expect(index.contains("[`\(reason.rawValue)`](\(reason.rawValue).md)"))
    }

    @Test func `there is no page for what is no reason`() throws {
        let pages = try FileManager.default.contentsOfDirectory(atPath: Self.docs.appending(path: "reasons").path)
        #expect(Set(pages) == Set(Reason.allCases.map { "\($0.rawValue).md" } + ["README.md"]))
    }
}
