internal import WeftIdentity
internal import WeftModel

extension JSONMistake {
    /// What is wrong with a body, also where its decoder does not tell.
    init(_ error: any Error, in body: [UInt8]) {
        self.init(error)
        if body.isEmpty {
            self.init(location: nil, cause: "there is none")
            return
        }
        guard self.cause == Self.unreadable else { return }
        do throws(StrictJSON.Failure) {
            guard let odd = Self.oddNumber(in: try StrictJSON(body), at: []) else { return }
            self.init(
                location: odd.place.isEmpty ? nil : odd.place,
                cause: "the number \(odd.text.prefix(64)) is too large, or not whole")
        } catch {
            self.init(location: nil, cause: "it is not JSON: \(error)")
        }
    }

    private enum Step: CodingKey {
        case name(String)
        case item(Int)

        var stringValue: String { if case .name(let name) = self { name } else { "" } }
        var intValue: Int? { if case .item(let index) = self { index } else { nil } }

        init?(stringValue: String) { self = .name(stringValue) }
        init?(intValue: Int) { self = .item(intValue) }
    }

    /// The first number that 64 bits do not hold; all that calls take are whole.
    private static func oddNumber(in value: StrictJSON, at path: [Step]) -> (place: String, text: String)? {
        switch value {
        case .number(let text): Int64(text) == nil ? (Self.place(path), text) : nil
        case .list(let items):
            items.enumerated().lazy.compactMap { self.oddNumber(in: $1, at: path + [.item($0)]) }.first
        case .object(let fields):
            fields.sorted { $0.key < $1.key }.lazy.compactMap { self.oddNumber(in: $1, at: path + [.name($0)]) }.first
        case .null, .boolean, .text: nil
        }
    }
}
