/// Why an endpoint was picked for an attempt. Numbers are kept in the request ring.
package enum PickCause: UInt8, Hashable, Sendable, CaseIterable, NamedCode {
    /// The cluster has no other.
    case onlyOne
    /// No other is in the running.
    case onlyServing
    /// The caller's cookie or session names it.
    case sticky
    /// The hash of the request leads there.
    case hash
    /// It was out, and one request tries whether it is well again.
    case probe
    /// The cheaper of two random ones, by latency × load.
    case latency
    /// The one of two random ones with fewer requests in flight.
    case load
    case random
    case turn
    /// None that is well was left untried.
    case makeshift
    /// The one picked first had no room.
    case room
}

/// What was decided after an attempt, and why. Numbers are kept in the request ring.
package enum AfterAttempt: UInt8, Hashable, Sendable, CaseIterable, NamedCode {
    /// Nothing had to be: the outcome was fine, or the request was over.
    case nothing
    case retried
    /// Retries are turned off for the route.
    case noRetries
    /// The outcome is none that another attempt could better, or the peer wants none.
    case notRetryable
    /// It may have reached the application, and the method may not be repeated.
    case notIdempotent
    case attemptsUsedUp
    /// The body was too large to be kept for another attempt.
    case bodyTooLarge
    /// The peer asked for no other attempt, or to wait longer than there was time.
    case pushedBack
    /// Less time was left than the route usually takes.
    case tooLate
    /// The limit on retries at once was reached.
    case retryLimit
    case budgetExhausted
    /// Response bytes had gone to the caller.
    case responseBegun
    /// The caller had gone.
    case callerGone
    /// The request's time was over.
    case timeUsedUp
    /// A second attempt beside it went on instead.
    case hedgeTookOver
    /// A second attempt beside it answered first.
    case outpaced
}

/// How an attempt's endpoint was picked, and among which.
package struct AttemptPick: Hashable, Sendable, Codable {
    package var cause = PickCause.onlyOne
    /// Endpoints that the cluster had.
    package var known = 0
    /// Those of them in the running.
    package var serving = 0
    /// Too few were well, so that ejections did not count.
    package var isPanic = false
    /// How much of its weight the endpoint had, in percent; less than 100 while it starts slowly.
    package var rampPercent = 100
    /// Some of those that were out, at most four.
    package var absent: [AbsentEndpoint] = []

    package init() {}
}

/// An endpoint that took no first attempts.
package struct AbsentEndpoint: Hashable, Sendable, Codable {
    package var workload: String
    package var cause: Cause

    package init(workload: String, cause: Cause) {
        self.workload = workload
        self.cause = cause
    }

    package enum Cause: UInt8, Hashable, Sendable, CaseIterable, NamedCode {
        case ejected, unreachable, unhealthy, full
    }
}

/// A small number in the ring, a name in documents.
package protocol NamedCode: RawRepresentable, CaseIterable, Codable where RawValue == UInt8 {}

extension NamedCode {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let value = Self.allCases.first(where: { "\($0)" == name }) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no such name")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(self)")
    }
}
