internal import WeftModel

/// Reads `overload`: what sheds work that cannot be done.
enum OverloadReader {
    static func read(_ field: Field) -> OverloadPolicy? {
        guard let object = field.object(known: ["concurrency", "admission"]) else { return nil }
        var policy = OverloadPolicy()
        policy.concurrency = object["concurrency"].flatMap(self.concurrency)
        policy.admission = object["admission"].flatMap(self.admission)
        if object["concurrency"] == nil, object["admission"] == nil {
            field.warn("this sheds nothing", remedy: "Add `concurrency: {}` or `admission: {}`.")
        }
        return policy
    }

    private static func concurrency(_ field: Field) -> ConcurrencyPolicy? {
        guard
            let object = field.object(known: [
                "percentile", "interval", "maxLimit", "minConcurrency", "minRTT", "buffer",
            ])
        else { return nil }
        var policy = ConcurrencyPolicy()
        policy.percentile = object["percentile"]?.integer(in: 1...100, "percentile") ?? policy.percentile
        policy.updateInterval = object["interval"]?.duration(allowsZero: false) ?? policy.updateInterval
        policy.maxLimit = object["maxLimit"]?.integer(in: 1...1_000_000, "limit of requests") ?? policy.maxLimit
        policy.minConcurrency =
            object["minConcurrency"]?.integer(in: 1...1_000_000, "limit of requests") ?? policy.minConcurrency
        policy.bufferPercent = object["buffer"]?.integer(in: 0...1_000, "percentage") ?? policy.bufferPercent
        if let measuring = object["minRTT"]?.object(known: ["interval", "requests", "jitter"]) {
            policy.minRTTInterval = measuring["interval"]?.duration(allowsZero: false) ?? policy.minRTTInterval
            policy.minRTTRequests =
                measuring["requests"]?.integer(in: 1...100_000, "number of requests") ?? policy.minRTTRequests
            policy.jitterPercent = measuring["jitter"]?.integer(in: 0...100, "percentage") ?? policy.jitterPercent
        }
        if policy.minConcurrency > policy.maxLimit {
            (object["minConcurrency"] ?? field).refuse(
                "the smallest limit is above the largest, \(policy.maxLimit)",
                remedy: "Make minConcurrency at most maxLimit.")
        }
        return policy
    }

    private static func admission(_ field: Field) -> AdmissionPolicy? {
        guard
            let object = field.object(known: [
                "window", "aggression", "successRate", "minRequestsPerSecond", "maxRejection",
            ])
        else { return nil }
        var policy = AdmissionPolicy()
        policy.window = object["window"]?.duration(allowsZero: false) ?? policy.window
        policy.aggression = object["aggression"]?.number(in: 1...100, "aggression") ?? policy.aggression
        policy.successRate =
            (object["successRate"]?.number(in: 1...100, "percentage")).map { $0 / 100 } ?? policy.successRate
        policy.minRequestsPerSecond =
            object["minRequestsPerSecond"]?.integer(in: 0...1_000_000, "rate of requests")
            ?? policy.minRequestsPerSecond
        policy.maxRejection =
            (object["maxRejection"]?.number(in: 0...100, "percentage")).map { $0 / 100 } ?? policy.maxRejection
        return policy
    }
}
