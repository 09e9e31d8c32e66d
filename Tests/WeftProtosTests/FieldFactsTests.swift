import Foundation
import SwiftProtobuf
import Testing
import WeftProtos

@Suite struct FieldFactsTests {
    @Test func `every message of xDS in our files has the numbers and types of xDS`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var ours = try ProtoFiles(directory: root.appending(path: "Sources/WeftProtos/Protos")).fields
            .filter { !$0.key.hasPrefix("weft.") }
        var message = ""
        for line in fieldFacts.split(separator: "\n") {
            guard line.hasPrefix(" ") else {
                message = String(line)
                continue
            }
            let parts = line.split(separator: " ")
            let key = "\(message) \(parts[0])"
            #expect(ours.removeValue(forKey: key) == parts.dropFirst().joined(separator: " "), "\(key)")
        }
        #expect(ours.isEmpty, "without a fact: \(ours.keys.sorted())")
    }

    @Test func `the generated code writes what the files say`() throws {
        var resource = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse()
        resource.nonce = "n"
        resource.removedResources = ["r"]
        #expect(
            try Array(resource.serializedData()) == [
                5 << 3 | 2, 1, UInt8(ascii: "n"), 6 << 3 | 2, 1, UInt8(ascii: "r"),
            ])
    }

    @Test func `fields that the subset leaves out survive a round trip`() throws {
        // Field 9 of a Node: an extension of Envoy's.
        let bytes: [UInt8] = [1 << 3 | 2, 1, UInt8(ascii: "a"), 9 << 3 | 2, 2, 1 << 3 | 2, 0]
        let node = try Envoy_Config_Core_V3_Node(serializedBytes: bytes)
        #expect(node.id == "a")
        #expect(try Array(node.serializedData()) == bytes)
    }
}
