internal import Foundation
internal import Yams

/// A result as YAML that readers of YAML 1.1 and 1.2 understand alike.
enum YAMLText {
    /// Of a JSON text, which is YAML already: in block style, and with quotes only where they are needed.
    static func of(json: String) throws -> String {
        // Within texts only; YAML forbids them as they are.
        let escaped = json.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar.value {
            case 0x7f...0x9f, 0xfffe...0xffff: text += "\\u" + Self.hex(scalar.value)
            default: text.unicodeScalars.append(scalar)
            }
        }
        guard let node = try Yams.compose(yaml: escaped) else { return "" }
        return try Yams.serialize(node: Self.block(node), width: -1).trimmingCharacters(in: .newlines)
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static func block(_ node: Node) -> Node {
        switch node {
        case .mapping(let mapping):
            Node(mapping.map { (Self.block($0.key), Self.block($0.value)) }, .implicit, .block)
        case .sequence(let sequence): Node(sequence.map(Self.block), .implicit, .block)
        case .scalar(let scalar) where scalar.style == .plain: Node(Self.number(scalar.string) ?? scalar.string)
        case .scalar(let scalar): Self.text(scalar.string)
        case .alias: node
        }
    }

    /// Plain where it can be taken for nothing else.
    private static func text(_ text: String) -> Node {
        let node = Node(text)
        return node.tag == Tag(.str) && !Self.isNumberElsewhere(text) ? node : Node(text, Tag(.str), .singleQuoted)
    }

    /// YAML 1.2 and JSON readers know numbers that 1.1 does not, and the other way round.
    private static func isNumberElsewhere(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x30...0x39).contains(first) || "+-.".utf8.contains(first) else {
            return false
        }
        return Double(text) != nil || text.utf8.contains(UInt8(ascii: ":"))
    }

    /// A number without an exponent, which YAML 1.1 knows only with a decimal point; nil leaves it as it is.
    private static func number(_ text: String) -> String? {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }),
            Double(text) != nil, let exact = Decimal(string: text, locale: Locale(identifier: "en_US_POSIX"))
        else { return nil }
        return "\(exact)"
    }
}
