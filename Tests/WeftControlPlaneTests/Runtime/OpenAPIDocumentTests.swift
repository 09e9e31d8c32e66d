import Foundation
import Testing

@testable import WeftControlPlane

@Suite struct OpenAPIDocumentTests {
    @Test func `the description is JSON whose references all lead somewhere`() throws {
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(OpenAPIDocument.text.utf8)) as? [String: Any])
        let components = try #require(document["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: Any])
        let paths = try #require(document["paths"] as? [String: Any])
        #expect(paths.count == 31)
        for piece in OpenAPIDocument.text.components(separatedBy: "#/components/schemas/").dropFirst() {
            let name = String(piece.prefix { $0 != "\"" })
            #expect(schemas[name] != nil, "\(name)")
        }
    }
}
