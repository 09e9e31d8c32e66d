/// The 64-bit hash that affinity is built on: the same bytes give the same number in every proxy and every release.
///
/// Source: FNV-1a, with SplitMix64's mixing at the end, so that every bit depends on every byte.
package enum AffinityHash {
    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return self.mix(hash)
    }

    package static func of(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { self.of(UnsafeRawBufferPointer($0)) }
    }

    /// Another number that follows from `value` and nothing else.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// In [0, 1).
    static func fraction(_ hash: UInt64) -> Double { Double(hash >> 11) * 0x1p-53 }
}
