/// DER values one after another, as the SPIFFE Workload API carries certificates.
package enum ConcatenatedDER {
    /// The values, told apart by their lengths; nil for anything but whole values of definite length.
    package static func split(_ bytes: [UInt8]) -> [[UInt8]]? {
        var values: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let length = self.length(rest), length <= rest.count else { return nil }
            values.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return values
    }

    /// Bytes of the first value, its head included; nil for a head that is cut off, or that no certificate has.
    private static func length(_ bytes: ArraySlice<UInt8>) -> Int? {
        let head = Array(bytes.prefix(6))
        // Certificates are sequences.
        guard head.count >= 2, head[0] == 0x30 else { return nil }
        if head[1] < 0x80 { return 2 + Int(head[1]) }
        let count = Int(head[1] & 0x7F)
        guard (1...4).contains(count), head.count >= 2 + count else { return nil }
        return 2 + count + head[2..<2 + count].reduce(0) { $0 << 8 | Int($1) }
    }
}
