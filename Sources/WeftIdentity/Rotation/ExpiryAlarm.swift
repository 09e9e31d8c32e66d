package import FoundationEssentials

/// Decides when a certificate that nobody renewed is worth a line in the log: at 30 % of its life left and at each 5 %
/// below, in the last 10 % as an error, and when it has run out. Owns no clock; the driver asks from time to time.
///
/// A certificate is renewed when 30 to 50 % of its life are left (`RenewalSchedule`), so that an alarm means that
/// renewing has failed for a while. Repetitions are at least ten minutes apart; getting worse is told at once.
package struct ExpiryAlarm: Hashable, Sendable {
    /// How loud to be.
    package enum Level: Int, Hashable, Sendable, Comparable {
        case warning
        /// 10 % of the life are left.
        case error
        /// Nobody takes the certificate any more.
        case expired

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// Something to say.
    package struct Notice: Hashable, Sendable {
        package var level: Level
        /// Of the certificate's life, 0 to 30.
        package var percentLeft: Int
        /// Negative once it has run out.
        package var left: Duration
    }

    /// The share of a life below which a certificate is in danger; `weft check` goes by it too.
    package static let margin = 0.3
    private static let step = 5
    private static let pause: TimeInterval = 600

    private let notBefore: Date
    private let notAfter: Date
    private var said: Said?

    private struct Said: Hashable {
        var level: Level
        var step: Int
        var at: Date
    }

    package init(notBefore: Date, notAfter: Date) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// The share of its life that a certificate still has, 0 to 1; zero for one that is over before it begins.
    package static func share(notBefore: Date, notAfter: Date, now: Date) -> Double {
        let life = notAfter.timeIntervalSince(notBefore)
        guard life > 0 else { return 0 }
        return min(1, max(0, notAfter.timeIntervalSince(now) / life))
    }

    /// How long the driver may wait before it asks again: at most a minute, because wall clocks jump.
    package var interval: Duration {
        .seconds(min(60, max(0.1, self.notAfter.timeIntervalSince(self.notBefore) / 50)))
    }

    /// What to say now; nil for nothing.
    package mutating func notice(now: Date) -> Notice? {
        let share = Self.share(notBefore: self.notBefore, notAfter: self.notAfter, now: now)
        guard share <= Self.margin else { return nil }
        let level: Level = now >= self.notAfter ? .expired : share <= 0.1 ? .error : .warning
        // Rounded up, but not for what floating point adds.
        let percent = (Int((share * 1000).rounded()) + 9) / 10
        let step = (percent + Self.step - 1) / Self.step
        if let said = self.said, level <= said.level {
            let since = abs(now.timeIntervalSince(said.at))
            guard since >= Self.pause, step < said.step || level == .expired else { return nil }
        }
        self.said = Said(level: level, step: step, at: now)
        return Notice(
            level: level, percentLeft: percent, left: .seconds(self.notAfter.timeIntervalSince(now).rounded(.down)))
    }
}
