/// A word in JSON that is none of those that are taken in its place.
package struct UnknownWord: Error, Hashable, Sendable {
    /// Where it stands: `newRoot.action`, `documents[0].kind`; empty for the whole.
    package let place: String
    package let known: [String]
}

/// A value that is one of a few words, as the API's calls carry them: for another, `UnknownWord` is thrown.
package protocol RequestWord: RawRepresentable, CaseIterable, Codable where RawValue == String {}

extension RequestWord {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let word = Self(rawValue: text) else {
            throw UnknownWord(place: JSONMistake.place(decoder.codingPath), known: Self.allCases.map(\.rawValue))
        }
        self = word
    }
}

/// What is wrong with JSON that could not be decoded, in words for people; never a value of it, which may be a secret.
package struct JSONMistake: Hashable, Sendable {
    /// Nil where the whole is meant.
    package let location: String?
    package let cause: String

    /// What is said where the decoder says no more: of what is no JSON, and of numbers that fit nowhere.
    package static let unreadable = "it is not JSON, or has a number that is too large or not whole"

    package init(location: String?, cause: String) {
        self.location = location
        self.cause = cause
    }

    /// - Parameter error: what decoding threw.
    package init(_ error: any Error) {
        var place = ""
        switch error {
        case let word as UnknownWord:
            place = word.place
            self.cause = "it is none of \(Self.list(word.known))"
        case DecodingError.keyNotFound(let key, let context):
            place = Self.place(context.codingPath)
            self.cause = "\(Self.place([key])) is missing"
        case DecodingError.valueNotFound(let type, let context):
            place = Self.place(context.codingPath)
            self.cause = "it is null, where there must be \(Self.kind(type))"
        case DecodingError.typeMismatch(let type, let context):
            place = Self.place(context.codingPath)
            self.cause = "it is not \(Self.kind(type))"
        case DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty: self.cause = Self.unreadable
        case DecodingError.dataCorrupted(let context):
            place = Self.place(context.codingPath)
            self.cause = "its value is not of the form that is taken"
        default: self.cause = "it cannot be read"
        }
        self.location = place.isEmpty ? nil : place
    }

    /// `documents[0].text`.
    package static func place(_ path: [any CodingKey]) -> String {
        path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
    }

    private static func kind(_ type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is any FixedWidthInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any RequestWord.Type: "a text"
        case is any AnyList.Type: "a list"
        default: "an object"
        }
    }

    private static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return "\(words.dropLast().joined(separator: ", ")) and \(last)"
    }
}

/// What decodes from a list.
private protocol AnyList {}
extension Array: AnyList {}
extension Set: AnyList {}
