internal import WeftMessage

/// The static table (RFC 7541 Appendix A), by index and by interned name.
struct HPACKStaticTable: Sendable {
    static let shared = HPACKStaticTable()
    /// Its entries have the indices 1…61.
    static let count = 61

    struct Entry: Sendable {
        var known: FieldName
        var name: StaticString
        var value: StaticString
    }

    let entries: [Entry]
    /// The first index of each well-known name, by raw value; 0 for none.
    let indices: [UInt8]

    private init() {
        let texts: [(StaticString, StaticString)] = [
            (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
            (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
            (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
            ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
            ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
            ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
            ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
            ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
            ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
            ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
            ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
            ("retry-after", ""), ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""),
            ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
        ]
        var indices = [UInt8](repeating: 0, count: FieldName.allCases.count)
        self.entries = texts.enumerated().map { index, text in
            let known = FieldName("\(text.0)")
            if known != .other, indices[Int(known.rawValue)] == 0 {
                indices[Int(known.rawValue)] = UInt8(index + 1)
            }
            return Entry(known: known, name: text.0, value: text.1)
        }
        self.indices = indices
    }

    /// The index of a field that is in the table with its value, or nil.
    @inline(__always)
    static func fullIndex(_ name: FieldName, _ value: UnsafeRawBufferPointer) -> Int? {
        switch name {
        case .method:
            if Self.equals(value, "GET") { return 2 }
            return Self.equals(value, "POST") ? 3 : nil
        case .scheme:
            if Self.equals(value, "http") { return 6 }
            return Self.equals(value, "https") ? 7 : nil
        case .path:
            return value.count == 1 && value[0] == UInt8(ascii: "/") ? 4 : nil
        case .status:
            guard let status = Int(decimal: value) else { return nil }
            switch status {
            case 200: return 8
            case 204: return 9
            case 206: return 10
            case 304: return 11
            case 400: return 12
            case 404: return 13
            case 500: return 14
            default: return nil
            }
        default: return nil
        }
    }

    @inline(__always)
    private static func equals(_ value: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        guard value.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<value.count where value[index] != text.utf8Start[index] { return false }
        return true
    }
}
