import Foundation
import Testing

@testable import WeftControlPlane

@Suite struct DashboardAssetsTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources/WeftControlPlane/Dashboard/Assets")

    @Test func `what the executable has are the files; else run scripts/generate-dashboard`() throws {
        var files: [String: String] = [:]
        for file in try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil) {
            files[file.lastPathComponent] = try String(contentsOf: file, encoding: .utf8)
        }
        #expect(Set(files.keys) == Set(DashboardAssets.files.keys))
        for (name, text) in files { #expect(DashboardAssets.files[name] == text, "\(name)") }
    }

    /// What the mesh sends never becomes markup or code, and the page needs nobody else's files.
    @Test func `nothing in the page makes markup of texts, runs texts, or asks others`() {
        let forbidden = [
            "innerHTML", "outerHTML =", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc",
            "javascript:", "https://", "DOMParser", ".setHTML",
        ]
        for (name, text) in DashboardAssets.files {
            for word in forbidden { #expect(!text.contains(word), "\(name) has \(word)") }
            #expect(!text.contains(" style=\"") && !text.contains(" onclick"), "\(name)")
        }
        #expect(DashboardAssets.files.values.reduce(0) { $0 + $1.utf8.count } < 128 << 10)
    }
}
