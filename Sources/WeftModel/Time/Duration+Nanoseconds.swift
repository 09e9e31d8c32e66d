extension Duration {
    /// In nanoseconds, rounded towards zero; saturates at ±292 years.
    package var wholeNanoseconds: Int64 {
        let attoseconds = self.attoseconds
        // Up to 18 s, as nearly every request takes: division of 128 bits costs as much as the rest of counting it.
        if let small = UInt64(exactly: attoseconds) { return Int64(small / 1_000_000_000) }
        return Int64(clamping: attoseconds / 1_000_000_000)
    }
}
