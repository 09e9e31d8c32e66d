/// Looks for requests in bytes that pass already, because at first they did not look like any.
///
/// Nothing waits for it: what it finds has to be cut off before it goes on.
package struct HiddenRequestSearch: Sendable {
    package enum Finding: Hashable, Sendable {
        /// So far nothing; show it what comes next.
        case looking
        /// An application may read these bytes as requests.
        case request
        /// They have begun otherwise.
        case bytes
    }

    /// What came so far, while its shape may still become that of a request; nil afterwards.
    private var beginning: [UInt8]? = []
    private var version = VersionSearch()

    package init() {}

    /// - Parameter isLast: no more will come.
    package mutating func look(_ bytes: UnsafeRawBufferPointer, isLast: Bool) -> Finding {
        let found = self.version.look(bytes)
        if found == .request { return .request }
        if var beginning = self.beginning {
            self.beginning = nil
            beginning.append(contentsOf: bytes.prefix(ProtocolDetection.maxBytes - beginning.count))
            let isWhole = isLast || beginning.count >= ProtocolDetection.maxBytes
            switch beginning.withUnsafeBytes({ ProtocolDetection.classify($0, isLast: isWhole) }) {
            case .http1, .http2: return .request
            case .undecided: self.beginning = beginning
            case .tls, .bytes: break
            }
        }
        return self.beginning == nil ? found : .looking
    }
}

/// Looks for a version of HTTP in the first line that is not blank, whatever stands before it and around it.
///
/// `HTTP/` and a digit, and in any case of letters at the beginning of a word. Lenient applications split lines at bytes
/// that no grammar calls spaces, and take any word for a method. In a TLS handshake the names of protocols are in lower
/// case and follow their lengths, so that none is found there.
struct VersionSearch: Sendable {
    /// Bytes looked at before a line counts as none.
    static let maxBytes = 1 << 20

    private static var version: StaticString { "HTTP/" }

    private var matched = 0
    /// The match stands at the beginning of a word.
    private var isWord = true
    private var previous = UInt8(ascii: "\n")
    private var isBlank = true
    private var looked = 0
    private var isOver = false

    mutating func look(_ bytes: UnsafeRawBufferPointer) -> HiddenRequestSearch.Finding {
        if self.isOver { return .bytes }
        for byte in bytes.prefix(Self.maxBytes - self.looked) {
            if byte == UInt8(ascii: "\n"), !self.isBlank {
                self.isOver = true
                return .bytes
            }
            if self.completes(byte) { return .request }
            if !Self.isBlank(byte) { self.isBlank = false }
            self.previous = byte
        }
        self.looked += min(bytes.count, Self.maxBytes - self.looked)
        self.isOver = self.looked >= Self.maxBytes
        return self.isOver ? .bytes : .looking
    }

    private mutating func completes(_ byte: UInt8) -> Bool {
        let length = Self.version.utf8CodeUnitCount
        if self.matched == length, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { return true }
        if self.matched > 0, self.matched < length {
            let folded = self.isWord ? Self.upper(byte) : byte
            if folded == Self.version.utf8Start[self.matched] {
                self.matched += 1
                return false
            }
        }
        // Only the first letter of `HTTP/` can begin another match.
        self.isWord = Self.isBlank(self.previous)
        self.matched = (self.isWord ? Self.upper(byte) : byte) == UInt8(ascii: "H") ? 1 : 0
        return false
    }

    private static func upper(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte & 0xdf : byte
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        ProtocolDetection.isSpace(byte) || ProtocolDetection.isLineEnd(byte)
    }
}
