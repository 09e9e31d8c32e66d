/// The list that vendors keep beside a `traceparent`; passed on as it came, or not at all.
///
/// Source: W3C Trace Context §3.3.
package enum TraceState {
    /// Members that a list may have.
    package static let maxMembers = 32
    /// Bytes that are passed on at most.
    package static let maxBytes = 512

    /// What of a list goes on: itself, without its longest members where it is too long, or nothing where it is
    /// malformed. Several header fields are one list: join them with commas.
    package static func admitted(_ text: String) -> String? {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let member = part.trimming(while: { $0 == " " || $0 == "\t" })
            if member.isEmpty { continue }
            guard let equals = member.firstIndex(of: "="), Self.isKey(member[..<equals].utf8),
                Self.isValue(member[member.index(after: equals)...].utf8), keys.insert(member[..<equals]).inserted
            else { return nil }
            members.append(member)
        }
        guard members.count <= Self.maxMembers else { return nil }
        var count = members.reduce(members.count - 1) { $0 + $1.utf8.count }
        // Long ones first, then from the right: the newest stand on the left.
        for limit in [128, 0] {
            var index = members.count - 1
            while count > Self.maxBytes, index >= 0 {
                if members[index].utf8.count > limit { count -= members.remove(at: index).utf8.count + 1 }
                index -= 1
            }
        }
        return members.isEmpty ? nil : members.joined(separator: ",")
    }

    private static func isKey(_ key: Substring.UTF8View) -> Bool {
        func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func isRest(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) || "_-*/".utf8.contains(byte) }
        guard let first = key.first else { return false }
        guard let at = key.firstIndex(of: UInt8(ascii: "@")) else {
            return isLower(first) && key.count <= 256 && key.allSatisfy(isRest)
        }
        let (tenant, system) = (key[..<at], key[key.index(after: at)...])
        return (isLower(first) || isDigit(first)) && tenant.count <= 241 && tenant.allSatisfy(isRest)
            && (1...14).contains(system.count) && isLower(system.first ?? 0) && system.allSatisfy(isRest)
    }

    private static func isValue(_ value: Substring.UTF8View) -> Bool {
        value.count <= 256 && value.last != UInt8(ascii: " ")
            && value.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") }
    }
}

extension Substring {
    fileprivate func trimming(while isTrimmed: (Character) -> Bool) -> Substring {
        var rest = self.drop(while: isTrimmed)
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}
