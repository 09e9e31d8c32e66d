import Testing
import WeftMessage
import WeftTelemetry
import WeftTraffic

@testable import WeftProxy

@Suite struct TraceFieldsTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    private func take(_ headers: inout HeaderBlock, ratio: Double = 0) -> RequestTrace {
        var random = TrafficRandom(seed: 7)
        return TraceFields.take(&headers, sampling: TraceSampling(ratio: ratio), random: &random)
    }

    @Test(arguments: [("01", true), ("00", false)])
    func `a caller's trace goes on with a span of ours, sampled as the caller said`(
        flags: String, isSampled: Bool
    ) throws {
        var headers: HeaderBlock = [
            "a": "1", "traceparent": "00-\(Self.trace)-\(Self.parent)-\(flags)", "tracestate": "v=1", "b": "2",
        ]
        let size = headers.bytes.count
        let trace = self.take(&headers, ratio: isSampled ? 0 : 1)
        #expect(trace.context.isSampled == isSampled)
        #expect(trace.parent == 0x00f0_67aa_0ba9_02b7 && trace.state == "v=1")
        let text = try #require(headers[.traceparent])
        #expect(text == trace.context.traceparent)
        #expect(text.hasPrefix("00-\(Self.trace)-") && !text.contains(Self.parent) && text.hasSuffix("-\(flags)"))
        #expect(headers.name(at: 1) == "traceparent" && headers["b"] == "2" && headers[.tracestate] == "v=1")
        #expect(headers.bytes.count == size, "written in its old place")
    }

    @Test func `without a caller's trace a new one begins`() throws {
        var headers: HeaderBlock = ["a": "1", "tracestate": "v=1"]
        let trace = self.take(&headers, ratio: 1)
        #expect(trace.parent == 0 && trace.context.isSampled && trace.context.isRandom && trace.state.isEmpty)
        #expect(headers[.traceparent] == trace.context.traceparent)
        #expect(!headers.contains(.tracestate))
        #expect(!headers.contains(.b3) && !headers.contains(.xB3TraceID))
        let next = self.take(&headers)
        #expect(next.context.isSampled && next.parent == trace.context.span, "what was begun is followed")
    }

    @Test func `what is malformed, or there twice, counts as nothing`() throws {
        for headers in [
            ["traceparent": "00-\(Self.trace)-\(Self.parent)-0x", "tracestate": "v=1"],
            [
                "traceparent": "00-\(Self.trace)-\(Self.parent)-01", "x": "y",
                "traceparent": "00-\(Self.trace)-\(Self.parent)-01",
            ],
        ] as [HeaderBlock] {
            var headers = headers
            let trace = self.take(&headers)
            #expect(trace.parent == 0 && !trace.context.isSampled)
            #expect(headers.values(of: "traceparent") == [trace.context.traceparent])
            #expect(!headers.contains(.tracestate))
        }
    }

    @Test func `a list in several fields is one list`() {
        var headers: HeaderBlock = [
            "tracestate": "a=1", "traceparent": "00-\(Self.trace)-\(Self.parent)-01", "tracestate": "b=2",
        ]
        let trace = self.take(&headers)
        #expect(trace.state == "a=1,b=2")
        #expect(headers.values(of: "tracestate") == ["a=1,b=2"])
    }

    @Test func `a caller that speaks B3 is followed, and B3 goes on beside W3C`() throws {
        var headers: HeaderBlock = ["b3": "a3ce929d0e0e4736-\(Self.parent)-1"]
        let trace = self.take(&headers)
        #expect(trace.context.isSampled && trace.parent == 0x00f0_67aa_0ba9_02b7)
        let span = B3Context.spanText(trace.context.span)
        #expect(headers[.b3] == "a3ce929d0e0e4736-\(span)-1-\(Self.parent)")
        #expect(headers[.traceparent] == "00-0000000000000000a3ce929d0e0e4736-\(span)-01")
        #expect(!headers.contains(.xB3TraceID))
    }

    @Test func `so is one that speaks it in many headers`() throws {
        var headers: HeaderBlock = [
            "x-b3-traceid": Self.trace, "x-b3-spanid": Self.parent, "x-b3-parentspanid": "05e3ac9a4f6e3b90",
            "x-b3-sampled": "0",
        ]
        let trace = self.take(&headers, ratio: 1)
        #expect(!trace.context.isSampled)
        #expect(headers[.xB3TraceID] == Self.trace && headers[.xB3ParentSpanID] == Self.parent)
        #expect(headers[.xB3SpanID] == B3Context.spanText(trace.context.span) && headers[.xB3Sampled] == "0")
        #expect(!headers.contains(.b3))
    }

    @Test func `W3C is believed before B3, which is made to agree`() {
        var headers: HeaderBlock = [
            "b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
            "traceparent": "00-\(Self.trace)-\(Self.parent)-00",
        ]
        let trace = self.take(&headers)
        #expect(!trace.context.isSampled && trace.context.trace.description == Self.trace)
        #expect(headers[.b3]?.hasPrefix("\(Self.trace)-") == true && headers[.b3]?.contains("-0-") == true)
    }

    @Test func `a decision alone is followed and left as it is`() {
        var denied: HeaderBlock = ["b3": "0"]
        let refusal = self.take(&denied, ratio: 1)
        #expect(!refusal.context.isSampled)
        #expect(denied[.b3] == "0")
        var wanted: HeaderBlock = ["x-b3-sampled": "1"]
        let wish = self.take(&wanted)
        #expect(wish.context.isSampled)
        #expect(wanted[.xB3Sampled] == "1" && !wanted.contains(.xB3TraceID))
    }
}
