import WeftMessage

/// The static table of HPACK (RFC 7541 Appendix A), indices from 1.
enum HPACKStaticTable {
    static let count = 61

    struct Entry {
        let name: StaticString
        let value: StaticString
        let known: FieldName

        init(_ name: StaticString, _ value: StaticString = "") {
            self.name = name
            self.value = value
            self.known = FieldName(
                lowercased: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }

        var nameBytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: self.name.utf8Start, count: self.name.utf8CodeUnitCount)
        }

        var valueBytes: UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(start: self.value.utf8Start, count: self.value.utf8CodeUnitCount)
        }
    }

    /// The first index of each well-known name; zero where the table has none.
    static let nameIndex: [UInt8] = {
        var table = [UInt8](repeating: 0, count: FieldName.allCases.count)
        for (index, entry) in Self.entries.enumerated().reversed() where entry.known != .other {
            table[Int(entry.known.rawValue)] = UInt8(truncatingIfNeeded: index + 1)
        }
        return table
    }()

    /// The index whose name and value are these; zero where there is none.
    static func fullIndex(of name: FieldName, value: UnsafeRawBufferPointer) -> Int {
        let range: ClosedRange<Int>
        switch name {
        case .method: range = 2...3
        case .path: range = 4...5
        case .scheme: range = 6...7
        case .status: range = 8...14
        case .acceptEncoding: range = 16...16
        default: return 0
        }
        for index in range where Self.entries[index - 1].valueBytes.elementsEqual(value) { return index }
        return 0
    }

    static let entries: [Entry] = [
        Entry(":authority"),
        Entry(":method", "GET"),
        Entry(":method", "POST"),
        Entry(":path", "/"),
        Entry(":path", "/index.html"),
        Entry(":scheme", "http"),
        Entry(":scheme", "https"),
        Entry(":status", "200"),
        Entry(":status", "204"),
        Entry(":status", "206"),
        Entry(":status", "304"),
        Entry(":status", "400"),
        Entry(":status", "404"),
        Entry(":status", "500"),
        Entry("accept-charset"),
        Entry("accept-encoding", "gzip, deflate"),
        Entry("accept-language"),
        Entry("accept-ranges"),
        Entry("accept"),
        Entry("access-control-allow-origin"),
        Entry("age"),
        Entry("allow"),
        Entry("authorization"),
        Entry("cache-control"),
        Entry("content-disposition"),
        Entry("content-encoding"),
        Entry("content-language"),
        Entry("content-length"),
        Entry("content-location"),
        Entry("content-range"),
        Entry("content-type"),
        Entry("cookie"),
        Entry("date"),
        Entry("etag"),
        Entry("expect"),
        Entry("expires"),
        Entry("from"),
        Entry("host"),
        Entry("if-match"),
        Entry("if-modified-since"),
        Entry("if-none-match"),
        Entry("if-range"),
        Entry("if-unmodified-since"),
        Entry("last-modified"),
        Entry("link"),
        Entry("location"),
        Entry("max-forwards"),
        Entry("proxy-authenticate"),
        Entry("proxy-authorization"),
        Entry("range"),
        Entry("referer"),
        Entry("refresh"),
        Entry("retry-after"),
        Entry("server"),
        Entry("set-cookie"),
        Entry("strict-transport-security"),
        Entry("transfer-encoding"),
        Entry("user-agent"),
        Entry("vary"),
        Entry("via"),
        Entry("www-authenticate"),
    ]
}
