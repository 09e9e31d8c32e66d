/// What a caller said in the headers of B3 (Zipkin).
package struct B3Context: Hashable, Sendable {
    /// Nil where only a decision was sent.
    package var ids: Identifiers?
    /// Nil where the decision is left to the receiver.
    package var isSampled: Bool?
    /// Sampled, whatever any sampler says.
    package var isDebug = false

    package struct Identifiers: Hashable, Sendable {
        package var trace: TraceID
        package var span: UInt64
        /// The trace's identifier came with 64 bits, and goes on so.
        package var isShort: Bool
    }

    /// Reads the single header `b3`: `{trace}-{span}[-{state}[-{parent}]]`, or a state alone.
    package init?(single text: UnsafeRawBufferPointer) {
        if text.count == 1 {
            guard self.decide(text[0]) else { return nil }
            return
        }
        let traceCount = text.count > 32 && text[32] == Hex.dash ? 32 : 16
        guard text.count >= traceCount + 17, text[traceCount] == Hex.dash,
            let ids = Self.identifiers(
                trace: UnsafeRawBufferPointer(rebasing: text[..<traceCount]),
                span: UnsafeRawBufferPointer(rebasing: text[(traceCount + 1)..<(traceCount + 17)]))
        else { return nil }
        self.ids = ids
        let rest = UnsafeRawBufferPointer(rebasing: text[(traceCount + 17)...])
        switch rest.count {
        case 0: return
        // State alone, or state and the parent's identifier.
        case 2, 19:
            guard rest[0] == Hex.dash, self.decide(rest[1]), rest.count == 2 || rest[2] == Hex.dash,
                rest.count == 2 || Hex.word(rest, at: 3) != nil
            else { return nil }
        default: return nil
        }
    }

    /// Reads `x-b3-traceid`, `x-b3-spanid`, `x-b3-sampled` and `x-b3-flags`; empty where there is none. Nil when nothing of
    /// it means anything.
    package init?(
        trace: UnsafeRawBufferPointer, span: UnsafeRawBufferPointer, sampled: UnsafeRawBufferPointer,
        flags: UnsafeRawBufferPointer
    ) {
        self.ids = Self.identifiers(trace: trace, span: span)
        if flags.count == 1, flags[0] == UInt8(ascii: "1") {
            self.isSampled = true
            self.isDebug = true
        } else if sampled.elementsEqual("1".utf8) || sampled.elementsEqual("true".utf8) {
            self.isSampled = true
        } else if sampled.elementsEqual("0".utf8) || sampled.elementsEqual("false".utf8) {
            self.isSampled = false
        }
        if self.ids == nil, self.isSampled == nil { return nil }
    }

    private mutating func decide(_ state: UInt8) -> Bool {
        switch state {
        case UInt8(ascii: "0"): self.isSampled = false
        case UInt8(ascii: "1"): self.isSampled = true
        case UInt8(ascii: "d"):
            self.isSampled = true
            self.isDebug = true
        default: return false
        }
        return true
    }

    private static func identifiers(trace: UnsafeRawBufferPointer, span: UnsafeRawBufferPointer) -> Identifiers? {
        guard span.count == 16, let spanID = Hex.word(span, at: 0), spanID != 0 else { return nil }
        let high: UInt64?
        let low: UInt64?
        switch trace.count {
        case 16: (high, low) = (0, Hex.word(trace, at: 0))
        case 32: (high, low) = (Hex.word(trace, at: 0), Hex.word(trace, at: 16))
        default: return nil
        }
        guard let high, let low, high | low != 0 else { return nil }
        return Identifiers(trace: TraceID(high: high, low: low), span: spanID, isShort: trace.count == 16)
    }

    /// The single header for whoever comes next. `parent` is the span that was read.
    package static func single(_ context: TraceContext, parent: UInt64?, isShort: Bool, isDebug: Bool) -> String {
        let state = isDebug ? "d" : context.isSampled ? "1" : "0"
        let parent = parent.map { "-" + Hex.text($0) } ?? ""
        return "\(Self.traceText(context.trace, isShort: isShort))-\(Hex.text(context.span))-\(state)\(parent)"
    }

    /// A trace's identifier as B3 has it: 32 digits, or 16 where the caller had no more.
    package static func traceText(_ trace: TraceID, isShort: Bool) -> String {
        isShort && trace.high == 0 ? Hex.text(trace.low) : trace.description
    }

    package static func spanText(_ span: UInt64) -> String { Hex.text(span) }
}
