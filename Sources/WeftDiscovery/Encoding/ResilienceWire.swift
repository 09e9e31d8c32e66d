internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

// Hedging, rate limits, faults and the origin of values, as Weft's extensions carry them.

/// Sorted, so that equal values have equal bytes.
func wireSources(_ sources: [TrafficSetting: Provenance]) -> [Weft_V1_Source] {
    sources.sorted { $0.key.rawValue < $1.key.rawValue }.map { setting, provenance in
        .with {
            $0.setting = setting.rawValue
            $0.provenance = Weft_V1_Provenance(provenance)
        }
    }
}

/// What this version does not know is left out.
func modelSources(_ sources: [Weft_V1_Source]) -> [TrafficSetting: Provenance] {
    var known: [TrafficSetting: Provenance] = [:]
    for source in sources {
        if let setting = TrafficSetting(rawValue: source.setting) { known[setting] = source.provenance.model }
    }
    return known
}

extension Weft_V1_Hedging {
    init(_ hedging: HedgePolicy) {
        self.init()
        if let delay = hedging.delay { self.delay = Google_Protobuf_Duration(delay) }
        self.percentile = hedging.percentile ?? 0
    }

    var model: HedgePolicy {
        HedgePolicy(
            delay: self.hasDelay ? self.delay.swiftDuration : nil,
            percentile: (50...99.9).contains(self.percentile) ? self.percentile : nil)
    }
}

extension Weft_V1_Fault {
    init(_ fault: FaultPolicy) {
        self.init()
        if let delay = fault.delay {
            self.delay.duration = Google_Protobuf_Duration(delay.duration)
            self.delay.percent = delay.percent
        }
        if let abort = fault.abort {
            switch abort.status {
            case .http(let code): self.abort.httpStatus = UInt32(clamping: code)
            case .grpc(let code): self.abort.grpcStatus = UInt32(clamping: code)
            }
            self.abort.percent = abort.percent
        }
        self.untilUnix = fault.until
        self.maxPercent = fault.maxPercent
        if let guardrail = fault.guardrail {
            self.guardrail.successPercent = guardrail.successPercent
            self.guardrail.minRequests = UInt32(clamping: guardrail.minRequests)
        }
    }

    /// Reads the fault of a route; throws for a status that no response has.
    func model(of resource: String) throws(XDSDecodingError) -> FaultPolicy {
        var fault = FaultPolicy(until: self.untilUnix)
        if self.hasDelay {
            fault.delay = FaultPolicy.Delay(duration: self.delay.duration.swiftDuration, percent: self.delay.percent)
        }
        switch self.hasAbort ? self.abort.status : nil {
        case .httpStatus(let code)? where (400...599).contains(code):
            fault.abort = FaultPolicy.Abort(status: .http(Int(code)), percent: self.abort.percent)
        case .grpcStatus(let code)? where (1...16).contains(code):
            fault.abort = FaultPolicy.Abort(status: .grpc(Int(code)), percent: self.abort.percent)
        case nil where !self.hasAbort: break
        default: throw XDSDecodingError(resource: resource, field: "fault.abort", cause: "has no status of a failure")
        }
        fault.maxPercent = self.maxPercent
        if self.hasGuardrail {
            fault.guardrail = FaultPolicy.Guardrail(
                successPercent: self.guardrail.successPercent, minRequests: Int(self.guardrail.minRequests))
        }
        return fault
    }
}

extension Weft_V1_RateLimit {
    init(_ limit: RateLimit) {
        self.init()
        self.name = limit.name
        self.requests = UInt32(clamping: limit.requests)
        self.interval = Google_Protobuf_Duration(limit.interval)
        self.burst = UInt32(clamping: limit.burst)
        switch limit.key {
        case .everyone: self.key = "everyone"
        case .source: self.key = "source"
        case .path: self.key = "path"
        case .header(let name):
            self.key = "header"
            self.header = name
        }
        self.maxKeys = UInt32(clamping: limit.maxKeys)
        self.scope = limit.scope.rawValue
        if let provenance = limit.provenance { self.provenance = Weft_V1_Provenance(provenance) }
        if let service = limit.service {
            self.serviceNamespace = service.namespace
            self.serviceName = service.name
        }
    }

    /// Reads a limit of a listener; throws for a key or scope that this version does not know, since a limit that is
    /// passed over protects nobody.
    func model(of resource: String) throws(XDSDecodingError) -> RateLimit {
        let key: RateLimit.Key
        switch self.key {
        case "everyone": key = .everyone
        case "source": key = .source
        case "path": key = .path
        case "header" where !self.header.isEmpty: key = .header(self.header)
        default:
            throw XDSDecodingError(resource: resource, field: "rate_limits.key", cause: "'\(self.key)' is unknown")
        }
        guard let scope = RateLimit.Scope(rawValue: self.scope) else {
            throw XDSDecodingError(resource: resource, field: "rate_limits.scope", cause: "'\(self.scope)' is unknown")
        }
        guard self.requests > 0, self.interval.swiftDuration > .zero else {
            throw XDSDecodingError(resource: resource, field: "rate_limits.requests", cause: "allow nothing at all")
        }
        var limit = RateLimit(
            name: self.name, requests: Int(self.requests), interval: self.interval.swiftDuration,
            burst: Int(max(1, self.burst)), key: key, maxKeys: Int(min(max(1, self.maxKeys), 100_000)), scope: scope,
            provenance: self.hasProvenance ? self.provenance.model : nil)
        if !self.serviceName.isEmpty {
            limit.service = ServiceName(namespace: self.serviceNamespace, name: self.serviceName)
        }
        return limit
    }
}

extension Weft_V1_Forwarding {
    init(_ policy: ForwardingPolicy) {
        self.init()
        self.trustCallers = policy.trustsCallers
        self.keepAddresses = policy.keepsAddresses
        self.via = policy.namesItself
        self.keepEscapedSlashes = policy.keepsEscapedSlashes
    }

    var model: ForwardingPolicy {
        var policy = ForwardingPolicy()
        policy.trustsCallers = self.trustCallers
        policy.keepsAddresses = self.keepAddresses
        policy.namesItself = self.via
        policy.keepsEscapedSlashes = self.keepEscapedSlashes
        return policy
    }
}
