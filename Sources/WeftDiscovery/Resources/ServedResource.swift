internal import Crypto
package import SwiftProtobuf

/// One encoded resource, and the version that stands for its content.
package struct ServedResource: Hashable, Sendable {
    package let name: String
    /// A hash of the content: equal content has the same version on every control plane, before and after restarts.
    package let version: String
    package let body: Google_Protobuf_Any

    package init(name: String, body: Google_Protobuf_Any) {
        self.name = name
        self.body = body
        self.version = Self.hash(of: body.value)
    }

    package init(name: String, version: String, body: Google_Protobuf_Any) {
        self.name = name
        self.version = version
        self.body = body
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.version == right.version && left.body.typeURL == right.body.typeURL
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.name)
        hasher.combine(self.version)
    }

    /// Sixteen hexadecimal digits of the SHA-256 of `content`.
    static func hash(of content: some Sequence<UInt8>) -> String {
        SHA256.hash(data: Array(content)).prefix(8)
            .map { byte in
                let text = String(byte, radix: 16)
                return byte < 16 ? "0" + text : text
            }
            .joined()
    }
}

/// What one client may see: the resources of one identity, in one dialect, at one moment.
package protocol ResourceView {
    /// Nil where there is no such resource for this client.
    func resource(_ type: ResourceType, named name: String) -> ServedResource?
    /// What a wildcard subscription means to this client.
    func names(of type: ResourceType) -> [String]
    /// What the view is called in logs and status: the snapshot's revision.
    var version: String { get }
}

/// A view over dictionaries.
package struct ResourceTable: ResourceView, Sendable {
    package var version: String
    package var resources: [ResourceType: [String: ServedResource]]

    package init(version: String = "", resources: [ResourceType: [String: ServedResource]] = [:]) {
        self.version = version
        self.resources = resources
    }

    package func resource(_ type: ResourceType, named name: String) -> ServedResource? {
        self.resources[type]?[name]
    }

    package func names(of type: ResourceType) -> [String] {
        (self.resources[type]?.keys).map { $0.sorted() } ?? []
    }
}
