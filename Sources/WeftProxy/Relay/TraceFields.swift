internal import WeftMessage
internal import WeftTelemetry
internal import WeftTraffic

/// The header fields that carry a trace from hop to hop: W3C's, and those of B3 where the caller uses them.
enum TraceFields {
    /// Where the fields lie.
    private struct Places {
        var parent = -1
        var parents = 0
        var states = 0
        var single = -1
        var hasMulti = false

        init(_ headers: HeaderBlock) {
            for index in 0..<headers.count {
                switch headers.fields[index].name {
                case .traceparent:
                    self.parent = index
                    self.parents += 1
                case .tracestate: self.states += 1
                case .b3: self.single = index
                case .xB3TraceID, .xB3Sampled, .xB3Flags: self.hasMulti = true
                default: continue
                }
            }
        }
    }

    /// Reads what the caller says, and writes what goes on: a span of ours in the caller's trace, or in a new one.
    ///
    /// `traceparent` is believed before `b3`, and that before `x-b3-*`. A `tracestate` without a `traceparent` goes.
    static func take(
        _ headers: inout HeaderBlock, sampling: TraceSampling, random: inout TrafficRandom
    ) -> RequestTrace {
        let places = Places(headers)
        var caller: TraceContext?
        if places.parents == 1 {
            caller = headers.withValue(at: places.parent) { TraceContext(traceparent: $0) }
        }
        var state = ""
        if places.states > 0 { state = Self.takeState(&headers, isKept: caller != nil) }
        var decision: Bool?
        if caller == nil, places.single >= 0 || places.hasMulti {
            let b3 = Self.b3(headers, places)
            decision = b3?.isSampled
            if let ids = b3?.ids {
                caller = TraceContext(
                    trace: ids.trace, span: ids.span,
                    isSampled: decision ?? sampling.samples(random.next()))
            }
        }
        let trace: RequestTrace
        if let caller {
            trace = RequestTrace(context: caller.child(random.next()), parent: caller.span, state: state)
        } else {
            let id = TraceID(high: random.next(), low: random.next())
            trace = RequestTrace(
                context: TraceContext(
                    trace: id, span: random.next(), isSampled: decision ?? sampling.samples(random.next()),
                    isRandom: true),
                parent: 0)
        }
        trace.context.withTraceparent { text in
            if places.parents == 1 {
                headers.setValue(at: places.parent, to: text)
            } else {
                headers.set(.traceparent, value: text)
            }
        }
        if places.single >= 0 || places.hasMulti { Self.writeB3(&headers, trace) }
        return trace
    }

    private static func takeState(_ headers: inout HeaderBlock, isKept: Bool) -> String {
        let values = headers.values(of: "tracestate")
        let text = values.joined(separator: ",")
        guard isKept, let admitted = TraceState.admitted(text) else {
            headers.remove(.tracestate)
            return ""
        }
        if values.count > 1 || admitted != text { headers.set(.tracestate, admitted) }
        return admitted
    }

    private static func b3(_ headers: HeaderBlock, _ places: Places) -> B3Context? {
        if places.single >= 0, let b3 = headers.withValue(at: places.single, { B3Context(single: $0) }) { return b3 }
        func with<Result>(_ name: FieldName, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            guard let index = headers.firstIndex(of: name) else {
                return body(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return headers.withValue(at: index, body)
        }
        return with(.xB3TraceID) { trace in
            with(.xB3SpanID) { span in
                with(.xB3Sampled) { sampled in
                    with(.xB3Flags) { B3Context(trace: trace, span: span, sampled: sampled, flags: $0) }
                }
            }
        }
    }

    /// In the forms that are there; a decision alone stays as it is.
    private static func writeB3(_ headers: inout HeaderBlock, _ trace: RequestTrace) {
        let parent = trace.parent == 0 ? nil : trace.parent
        if let index = headers.firstIndex(of: .b3) {
            let (isAlone, isShort, isDebug) = headers.withValue(at: index) { text in
                let b3 = B3Context(single: text)
                return (b3 != nil && b3?.ids == nil, b3?.ids?.isShort ?? false, b3?.isDebug ?? false)
            }
            if !isAlone {
                headers.set(
                    .b3, B3Context.single(trace.context, parent: parent, isShort: isShort, isDebug: isDebug))
            }
        }
        if let index = headers.firstIndex(of: .xB3TraceID) {
            let isShort = headers.withValue(at: index) { $0.count == 16 }
            headers.set(.xB3TraceID, B3Context.traceText(trace.context.trace, isShort: isShort))
            headers.set(.xB3SpanID, B3Context.spanText(trace.context.span))
            if let parent {
                headers.set(.xB3ParentSpanID, B3Context.spanText(parent))
            } else {
                headers.remove(.xB3ParentSpanID)
            }
            if !headers.contains(.xB3Flags) { headers.set(.xB3Sampled, trace.context.isSampled ? "1" : "0") }
        }
    }
}
