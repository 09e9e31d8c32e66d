// Patterns as operators write them.

extension IdentityPattern: CustomStringConvertible {
    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let id): id.description
        case .prefix(let text): text + "*"
        case .suffix(let text): "*" + text
        }
    }
}

extension TextPattern: CustomStringConvertible {
    package var description: String {
        switch self {
        case .any: "*"
        case .exact(let text): text
        case .prefix(let text): text + "*"
        case .suffix(let text): "*" + text
        }
    }
}
