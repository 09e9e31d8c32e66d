/// A small, fast random source for choices that need no secrecy: which endpoint, which side of a split, how long a wait.
///
/// The same seed gives the same sequence. Source: SplitMix64.
package struct TrafficRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { self.state = seed }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension RandomNumberGenerator {
    /// A number in 0..<bound by multiplication; the bias is below bound/2⁶⁴. `bound` must be positive.
    mutating func index(below bound: Int) -> Int {
        Int(truncatingIfNeeded: self.next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: bound)).high)
    }
}
