/// What a TLS client says in the clear before anything is agreed (RFC 8446 §4.1.2): whom it wants, and what it speaks.
package struct ClientHello: Hashable, Sendable {
    /// The server name, in lower case; nil where it names none.
    package var serverName: String?
    /// The protocols it offers, in order.
    package var applicationProtocols: [String] = []

    /// How far the reading of a ClientHello has come.
    package enum Outcome: Hashable, Sendable {
        case needsMore
        case complete(ClientHello)
        /// No ClientHello, or a malformed one.
        case malformed
    }

    /// Bytes of one ClientHello at most.
    package static let maxBytes = 16_384

    /// Reads the ClientHello at the beginning of a connection; it may be spread over several records.
    package static func read(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var message: [UInt8] = []
        var position = 0
        while true {
            guard position + 5 <= bytes.count else {
                return bytes.count > Self.maxBytes ? .malformed : .needsMore
            }
            guard bytes[position] == 22, bytes[position + 1] == 3 else { return .malformed }
            let length = Int(bytes[position + 3]) << 8 | Int(bytes[position + 4])
            guard length > 0, length <= 16_384 else { return .malformed }
            let available = min(length, bytes.count - position - 5)
            message.append(contentsOf: bytes[(position + 5)..<(position + 5 + available)])
            if message.count >= 4 {
                guard message[0] == 1 else { return .malformed }
                let whole = 4 + (Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3]))
                guard whole <= Self.maxBytes else { return .malformed }
                if message.count >= whole { return Self.parse(message[4..<whole]) }
            }
            guard available == length else { return .needsMore }
            position += 5 + length
        }
    }

    private static func parse(_ body: ArraySlice<UInt8>) -> Outcome {
        var reader = Reader(rest: body)
        var hello = ClientHello()
        guard reader.skip(34), let session = reader.number(1), reader.skip(session), let suites = reader.number(2),
            reader.skip(suites), let methods = reader.number(1), reader.skip(methods)
        else { return .malformed }
        if reader.rest.isEmpty { return .complete(hello) }
        guard let count = reader.number(2), let extensions = reader.take(count), reader.rest.isEmpty else {
            return .malformed
        }
        var list = Reader(rest: extensions)
        while !list.rest.isEmpty {
            guard let kind = list.number(2), let length = list.number(2), let content = list.take(length) else {
                return .malformed
            }
            switch kind {
            case 0:
                guard let name = Self.serverName(content) else { return .malformed }
                hello.serverName = name
            case 16:
                guard let protocols = Self.protocols(content) else { return .malformed }
                hello.applicationProtocols = protocols
            default: continue
            }
        }
        return .complete(hello)
    }

    private static func serverName(_ content: ArraySlice<UInt8>) -> String? {
        var reader = Reader(rest: content)
        guard let length = reader.number(2), length == reader.rest.count, reader.number(1) == 0,
            let count = reader.number(2), let name = reader.take(count), !name.isEmpty, name.count <= 255
        else { return nil }
        let bytes = Array(name)
        guard bytes.withUnsafeBytes({ FieldSyntax.isAuthority($0) }), !name.contains(UInt8(ascii: ":")) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }

    private static func protocols(_ content: ArraySlice<UInt8>) -> [String]? {
        var reader = Reader(rest: content)
        guard let length = reader.number(2), length == reader.rest.count else { return nil }
        var protocols: [String] = []
        while !reader.rest.isEmpty {
            guard let count = reader.number(1), count > 0, let name = reader.take(count) else { return nil }
            protocols.append(String(decoding: name, as: UTF8.self))
        }
        return protocols
    }

    /// Takes numbers and runs of bytes off the front, never beyond the end.
    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func number(_ bytes: Int) -> Int? {
            guard let taken = self.take(bytes) else { return nil }
            return taken.reduce(0) { $0 << 8 | Int($1) }
        }

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= self.rest.count else { return nil }
            defer { self.rest = self.rest.dropFirst(count) }
            return self.rest.prefix(count)
        }

        mutating func skip(_ count: Int) -> Bool { self.take(count) != nil }
    }
}
