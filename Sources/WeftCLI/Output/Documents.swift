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
            Node(mapping.map { ($0.key, Self.block($0.value)) }, .implicit, .block)
        case .sequence(let sequence): Node(sequence.map(Self.block), .implicit, .block)
        case .scalar, .alias: node
        }
    }
}
