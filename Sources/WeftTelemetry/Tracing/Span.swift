/// One side of one hop of one request, as collectors take it.
package struct Span: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case server, client }
    package enum Status: Hashable, Sendable { case unset, error }

    package enum Value: Hashable, Sendable {
        case text(String)
        case number(Int)
        case flag(Bool)
        case texts([String])
    }

    package struct Attribute: Hashable, Sendable {
        package var key: String
        package var value: Value

        package init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    package struct Event: Hashable, Sendable {
        package var name: String
        /// Nanoseconds since 1970.
        package var time: UInt64
        package var attributes: [Attribute]
    }

    /// Its own identifiers, and the flags that were sent on.
    package var context: TraceContext
    /// Zero for the first of its trace.
    package var parent: UInt64
    package var traceState = ""
    package var name: String
    package var kind: Kind
    /// Nanoseconds since 1970.
    package var start: UInt64
    package var end: UInt64
    package var attributes: [Attribute] = []
    package var events: [Event] = []
    package var status = Status.unset

    package init(
        context: TraceContext, parent: UInt64, name: String, kind: Kind, start: UInt64, end: UInt64
    ) {
        self.context = context
        self.parent = parent
        self.name = name
        self.kind = kind
        self.start = start
        self.end = end
    }

    /// Longer texts are cut: what a caller sends must not fill a queue.
    package static let maxTextBytes = 2048

    package mutating func set(_ key: String, _ text: String) {
        guard !text.isEmpty else { return }
        self.attributes.append(Attribute(key, .text(Self.cut(text))))
    }

    package mutating func set(_ key: String, _ number: Int) { self.attributes.append(Attribute(key, .number(number))) }

    static func cut(_ text: String) -> String {
        guard text.utf8.count > Self.maxTextBytes else { return text }
        // Within a character the rest of it is repaired.
        return String(decoding: text.utf8.prefix(Self.maxTextBytes), as: UTF8.self)
    }

    package subscript(_ key: String) -> Value? { self.attributes.first { $0.key == key }?.value }

    /// About what it takes of memory.
    package var cost: Int {
        func size(_ value: Value) -> Int {
            switch value {
            case .text(let text): 32 + text.utf8.count
            case .number, .flag: 32
            case .texts(let texts): texts.reduce(32) { $0 + 16 + $1.utf8.count }
            }
        }
        func size(_ attributes: [Attribute]) -> Int { attributes.reduce(0) { $0 + 16 + size($1.value) } }
        return 192 + self.name.utf8.count + self.traceState.utf8.count + size(self.attributes)
            + self.events.reduce(0) { $0 + 64 + size($1.attributes) }
    }
}
