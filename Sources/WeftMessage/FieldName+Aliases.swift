extension FieldName {
    /// Whether a name, in whatever case, is another spelling of one that frames a message or says who sent it.
    ///
    /// CGI and what descends from it make `CONTENT_LENGTH` of `content-length` and `content_length` alike, so that an
    /// application may take either for the other. Codecs drop such fields. Names without `_` are none, and most are told
    /// by their first byte.
    package static func isAliasOfProtected(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 7 else { return false }
        switch bytes[0] | 0x20 {
        case UInt8(ascii: "c"): return self.isAlias(bytes, of: "content-length")
        case UInt8(ascii: "h"): return self.isAlias(bytes, of: "http2-settings")
        case UInt8(ascii: "k"): return self.isAlias(bytes, of: "keep-alive")
        case UInt8(ascii: "p"):
            return self.isAlias(bytes, of: "proxy-connection") || self.isAlias(bytes, of: "proxy-authorization")
                || self.isAlias(bytes, of: "proxy-authenticate")
        case UInt8(ascii: "t"): return self.isAlias(bytes, of: "transfer-encoding")
        case UInt8(ascii: "x"):
            return self.isAlias(bytes, of: "x-weft-", isPrefix: true)
                || self.isAlias(bytes, of: "x-forwarded-", isPrefix: true)
        default: return false
        }
    }

    private static func isAlias(
        _ bytes: UnsafeRawBufferPointer, of text: StaticString, isPrefix: Bool = false
    ) -> Bool {
        let count = text.utf8CodeUnitCount
        guard isPrefix ? bytes.count >= count : bytes.count == count else { return false }
        var hasUnderscore = false
        for index in 0..<count {
            var byte = bytes[index]
            if byte == UInt8(ascii: "_") {
                byte = UInt8(ascii: "-")
                hasUnderscore = true
            } else if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") {
                byte |= 0x20
            }
            guard byte == text.utf8Start[index] else { return false }
        }
        // Behind a prefix too: `x-forwarded-client_cert` is read as `x-forwarded-client-cert`.
        var index = count
        while !hasUnderscore, index < bytes.count {
            hasUnderscore = bytes[index] == UInt8(ascii: "_")
            index += 1
        }
        return hasUnderscore
    }
}
