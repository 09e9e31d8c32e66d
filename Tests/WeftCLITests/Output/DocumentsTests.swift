import Testing

@testable import WeftCLI

@Suite struct DocumentsTests {
    @Test func `a stored document becomes YAML that reads back the same`() throws {
        let yaml = try Documents.yaml(#"{"kind":"Service","a":{"text":"80","on":"yes","n":80,"list":["x.y/z"]}}"#)
        #expect(
            yaml == """
                kind: Service
                a:
                  text: "80"
                  "on": "yes"
                  "n": 80
                  list:
                  - x.y/z

                """)
    }
}
