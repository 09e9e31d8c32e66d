internal import Yams

/// Stored documents as people write them.
enum Documents {
    /// JSON text as YAML: JSON is YAML already, only its style changes.
    static func yaml(_ json: String) throws -> String {
        guard let node = try Yams.compose(yaml: json) else { return json }
        return try Yams.serialize(node: Self.block(node))
    }

    private static func block(_ node: Node) -> Node {
        switch node {
        case .mapping(let mapping):
            Node(mapping.map { (Self.block($0.key), Self.block($0.value)) }, .implicit, .block)
        case .sequence(let sequence): Node(sequence.map(Self.block), .implicit, .block)
        case .scalar(let scalar): Self.isPlainWord(scalar.string) ? Node(scalar.string) : node
        case .alias: node
        }
    }

    /// Whether a text means itself without quotes; when in doubt it keeps them.
    private static func isPlainWord(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetter, !Self.otherMeanings.contains(text.lowercased()) else {
            return false
        }
        return text.utf8.allSatisfy { $0.isLetter || (0x2d...0x39).contains($0) || $0 == UInt8(ascii: "_") }
    }

    /// Words that YAML takes for something else than text.
    private static let otherMeanings: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
}

extension UInt8 {
    /// An ASCII letter.
    fileprivate var isLetter: Bool { (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self) }
}
