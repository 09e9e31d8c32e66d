import Testing
import WeftConfig
import WeftModel

@Suite struct YAMLReaderTests {
    private func nodes(
        _ text: String, limits: YAMLLimits = YAMLLimits()
    ) -> (documents: [YAMLNode], diagnostics: [Diagnostic]) {
        YAMLReader(limits: limits).read(SourceDocument(file: "a.yaml", text: text))
    }

    @Test func `each document of a file has its own place`() {
        let (documents, diagnostics) = self.nodes("# first\na: 1\n---\n\nb:\n  - x\n--- # third\nc: 3\n")
        #expect(diagnostics.isEmpty)
        #expect(documents.map(\.line) == [2, 5, 8])
    }

    @Test func `a mistake in one document leaves the others readable`() {
        let (documents, diagnostics) = self.nodes("a: 1\n---\nb: [1\n---\nc: 3\n---\nd: 1\nd: 2\n")
        #expect(documents.count == 2)
        #expect(diagnostics.count == 2)
        #expect(diagnostics.allSatisfy { $0.severity == .error && $0.file == "a.yaml" && $0.remedy != nil })
        #expect(diagnostics.first?.line.map { (3...4).contains($0) } == true)
    }

    @Test func `a key that stands twice is refused with its line`() throws {
        let (_, diagnostics) = self.nodes("x: 0\n---\nmetadata:\n  name: a\n  name: b\n")
        let diagnostic = try #require(diagnostics.first)
        #expect(diagnostic.message.contains("`name` stands twice"))
        #expect(diagnostic.line == 4)
    }

    @Test(arguments: [
        ("~", YAMLNode.Value.null), ("true", .boolean(true)), ("off", .boolean(false)), ("80", .integer(80)),
        ("0x10", .integer(16)), ("1.5", .decimal(1.5)), ("1e3", .decimal(1000)), ("\"80\"", .text("80")),
        ("1.2.3", .text("1.2.3")), ("10ms", .text("10ms")), ("v1", .text("v1")), (".inf", .text(".inf")),
    ])
    func `plain scalars have types and quoted ones are text`(text: String, value: YAMLNode.Value) throws {
        let (documents, _) = self.nodes("[\(text)]")
        let source = text.filter { $0 != "\"" }
        let scalar = YAMLNode(value: value, source: source, line: 1, column: 2)
        let document = try #require(documents.first)
        #expect(document.value == .list([scalar]))
    }

    @Test func `a document full of aliases is refused before it is followed`() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1..<30 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        let (documents, diagnostics) = self.nodes(text)
        #expect(documents.isEmpty)
        #expect(diagnostics.first?.message.contains("aliases") == true)
    }

    @Test func `a few aliases that grow too large are refused by what they hold`() {
        var limits = YAMLLimits()
        limits.nodes = 1000
        let (documents, diagnostics) = self.nodes(
            "a: &a [1,2,3,4,5,6,7,8,9]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]\n",
            limits: limits)
        #expect(documents.isEmpty)
        #expect(diagnostics.first?.message.contains("1000 values") == true)
    }

    @Test func `an anchor used twice reads like the value written out`() {
        let (documents, diagnostics) = self.nodes("a: &x {k: v}\nb: *x\n")
        #expect(diagnostics.isEmpty)
        #expect(documents.count == 1)
    }

    @Test func `nesting and size are bounded`() {
        let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
        #expect(self.nodes(deep).diagnostics.first?.message.contains("64 levels") == true)
        let deeper = String(repeating: "[", count: 100_000)
        #expect(self.nodes(deeper).diagnostics.count == 1)
        let large = "a: " + String(repeating: "x", count: 1 << 20)
        #expect(self.nodes(large).diagnostics.first?.message.contains("at most 1048576") == true)
    }

    @Test(arguments: ["\t a: b", "a: b: c", "a: 'x", "a: *nobody", "? [a]\n: b", "{a: b", "- a\nb: c", "a: \u{1}"])
    func `what is no YAML is refused with a line and a remedy`(text: String) throws {
        let diagnostic = try #require(self.nodes(text).diagnostics.first)
        #expect(diagnostic.line != nil)
        #expect(diagnostic.remedy?.isEmpty == false)
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "---\n", "---\n---\n", "%YAML 1.1\n---\n"])
    func `empty documents are nothing`(text: String) {
        let (documents, diagnostics) = self.nodes(text)
        #expect(documents.isEmpty)
        #expect(diagnostics.isEmpty)
    }
}
