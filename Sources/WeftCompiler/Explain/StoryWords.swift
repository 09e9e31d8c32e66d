internal import WeftModel

/// How a story says things.
enum StoryWords {
    /// `12.3 ms`, `1.5 s`.
    static func time(_ milliseconds: Double) -> String {
        if milliseconds >= 1000 { return "\(Self.number(milliseconds / 1000)) s" }
        return "\(Self.number(milliseconds)) ms"
    }

    static func number(_ value: Double) -> String {
        let magnitude = value.magnitude
        let scale = magnitude >= 100 ? 1.0 : magnitude >= 10 ? 10.0 : 100.0
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    /// `billing` of `billing.default`.
    static func short(_ service: String) -> String {
        let name = service.prefix { $0 != "." }
        return name.isEmpty ? "an unknown caller" : String(name)
    }

    static func source(_ provenance: Provenance?) -> String { provenance.map { " (\($0))" } ?? "" }

    /// `attempt 2 to default/billing-1`.
    static func name(_ attempt: HopRecord.Attempt) -> String {
        "attempt \(attempt.number ?? 1) to \(attempt.workload.isEmpty ? attempt.address : attempt.workload)"
    }

    /// `503`, `200, grpc-status 14`.
    static func status(_ record: HopRecord) -> String {
        "\(record.status)" + (record.grpcStatus.map { ", grpc-status \($0)" } ?? "")
    }

    static func pick(_ pick: AttemptPick) -> String {
        var text =
            switch pick.cause {
            case .onlyOne: "the only endpoint"
            case .onlyServing: "the only endpoint in the running"
            case .sticky: "the caller's session leads there"
            case .hash: "the request's hash leads there"
            case .probe: "it was out, and this request tries whether it is well again"
            case .latency: "the cheaper of two by latency × load"
            case .load: "of two the one with fewer requests"
            case .random: "at random"
            case .turn: "its turn"
            case .makeshift: "nobody who is well was left untried"
            case .room: "the one picked first had no room"
            }
        if pick.known > 1 || pick.serving != pick.known { text += "; \(pick.serving) of \(pick.known) in the running" }
        for absent in pick.absent {
            let state =
                switch absent.cause {
                case .ejected: "is ejected for its failures"
                case .unreachable: "takes no connections"
                case .unhealthy: "fails its health checks"
                case .full: "has no room"
                }
            text += "; \(absent.workload) \(state)"
        }
        if pick.isPanic { text += "; too few are well, so that ejections do not count" }
        if pick.rampPercent < 100 { text += "; it starts slowly, with \(pick.rampPercent) % of its weight" }
        return text
    }

    static func decision(_ attempt: HopRecord.Attempt, _ record: HopRecord) -> String? {
        func policy(_ setting: TrafficSetting) -> String {
            record.policies.first { $0.setting == setting.rawValue }.map {
                "\($0.setting) \($0.value)\(Self.source($0.source))"
            } ?? setting.rawValue
        }
        switch attempt.after {
        case .nothing: return nil
        case .retried: return "retried: the outcome is one that may be, and the budget allows it"
        case .noRetries: return "not retried: \(policy(.retryAttempts))"
        case .notRetryable: return "not retried: no other attempt could better this outcome"
        case .notIdempotent:
            return "not retried: it may have reached the application, and \(record.method) may not be repeated"
        case .attemptsUsedUp: return "not retried: the attempts are used up (\(policy(.retryAttempts)))"
        case .bodyTooLarge: return "not retried: the body was too large to be kept for another attempt"
        case .pushedBack: return "not retried: the peer asked for none, or for a longer wait than there was time"
        case .tooLate: return "not retried: less time was left than the route usually takes"
        case .retryLimit: return "not retried: too many requests were being retried (\(policy(.maxRetries)))"
        case .budgetExhausted: return "not retried: the retry budget was used up (\(policy(.budgetRatio)))"
        case .responseBegun: return "not retried: the response had begun"
        case .callerGone: return "not retried: the caller had gone"
        case .timeUsedUp: return "not retried: the time was used up"
        case .hedgeTookOver: return "not retried: the attempt beside it went on"
        case .outpaced: return nil
        }
    }

    /// What became of an attempt, in a clause.
    static func outcome(_ attempt: HopRecord.Attempt) -> String {
        if attempt.isLost { return "was given up, as the attempt beside it had answered first," }
        if !attempt.detail.isEmpty { return "\(attempt.detail) (\(attempt.reason.rawValue))" }
        if let status = attempt.status {
            return attempt.reason == .ok ? "answered \(status)" : "answered \(status) (\(attempt.reason.rawValue))"
        }
        return attempt.reason == .ok ? "ended without an answer" : attempt.reason.rawValue
    }

    static func isFailure(_ attempt: HopRecord.Attempt) -> Bool {
        attempt.reason != .ok || (attempt.status ?? 0) >= 500
    }
}
