/// Notices when a wall clock does not go as time does: somebody set it, or a machine was moved.
///
/// Nothing is done about it but to say so. Certificates are taken an hour before their time (`SVIDVerifier`), they are
/// renewed with hours to spare, and what waits for a moment of the wall clock looks again every minute, so that a step
/// of an hour in either direction costs nothing. A value that reads no clock.
package struct ClockWatch: Sendable {
    private var difference: Duration?
    private let threshold: Duration

    /// - Parameter threshold: a smaller step is taken for correction. Default 10 s.
    package init(threshold: Duration = .seconds(10)) { self.threshold = threshold }

    /// Looks at both clocks; answers how far the wall clock was set since the last look, where it was.
    ///
    /// - Parameters:
    ///   - wall: since any fixed moment, by the wall clock.
    ///   - steady: since any fixed moment, by a clock that nobody sets.
    package mutating func look(wall: Duration, steady: Duration) -> Duration? {
        let difference = wall - steady
        defer { self.difference = difference }
        guard let last = self.difference else { return nil }
        let step = difference - last
        return step >= self.threshold || step <= .zero - self.threshold ? step : nil
    }
}
