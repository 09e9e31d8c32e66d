import Foundation
import Testing
import WeftModel

@Suite struct ReasonPagesTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/reasons")

    @Test(arguments: Reason.allCases)
    func `the page inside the executable is the one in docs, and says what to do`(reason: Reason) throws {
        let page = try String(contentsOf: Self.docs.appending(path: "\(reason.rawValue).md"), encoding: .utf8)
        #expect(
            ReasonPages.page(reason).trimmingCharacters(in: .newlines) == page.trimmingCharacters(in: .newlines),
            "run scripts/generate-reason-pages")
        #expect(reason == .ok || !ReasonPages.advice(reason).isEmpty)
    }
}
