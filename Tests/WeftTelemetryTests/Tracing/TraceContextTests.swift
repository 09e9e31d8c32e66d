import Testing

@testable import WeftTelemetry

@Suite struct TraceContextTests {
    private func context(_ text: String) -> TraceContext? {
        Array(text.utf8).withUnsafeBytes { TraceContext(traceparent: $0) }
    }

    private static let ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

    @Test func `a traceparent is read and written`() throws {
        let context = try #require(self.context("00-\(Self.ids)-01"))
        #expect(context.trace == TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736))
        #expect(context.span == 0x00f0_67aa_0ba9_02b7)
        #expect(context.isSampled && !context.isRandom)
        #expect(context.traceparent == "00-\(Self.ids)-01")
        #expect(context.child(0xab).traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000ab-01")
    }

    @Test func `unknown flags are not passed on, known ones are`() throws {
        #expect(try #require(self.context("00-\(Self.ids)-ff")).flags == 3)
        #expect(try #require(self.context("00-\(Self.ids)-02")).flags == 2)
        #expect(try #require(self.context("00-\(Self.ids)-fc")).flags == 0)
    }

    @Test func `a later version is read as far as it is known, and goes on as the first`() throws {
        #expect(try #require(self.context("01-\(Self.ids)-01")).traceparent == "00-\(Self.ids)-01")
        #expect(try #require(self.context("cc-\(Self.ids)-01-what-the-future-brings")).isSampled)
        #expect(self.context("01-\(Self.ids)-01.more") == nil)
    }

    @Test(arguments: [
        "", "00", "ff-\(ids)-01", "00-\(ids)-01-", "00-\(ids)-0", "00-\(ids)-0g", "00-\(ids)_01", "00_\(ids)-01",
        "0-\(ids)-01", " 00-\(ids)-01", "00-\(ids.uppercased())-01", "00-\(ids)-01 ",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736x00f067aa0ba902b7-01",
    ])
    func `what is malformed is no context`(text: String) { #expect(self.context(text) == nil) }

    @Test func `no byte in any place of a traceparent makes it read beyond its end`() {
        let good = Array("00-\(Self.ids)-01".utf8)
        for place in good.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = good
                bytes[place] = byte
                _ = bytes.withUnsafeBytes { TraceContext(traceparent: $0) }
            }
            #expect(Array(good[..<place]).withUnsafeBytes { TraceContext(traceparent: $0) } == nil)
        }
    }

    @Test func `identifiers that mean nothing are never made`() {
        #expect(TraceID(high: 0, low: 0).low == 1)
        #expect(TraceContext(trace: TraceID(high: 1, low: 1), span: 0, isSampled: false).span == 1)
    }

    // MARK: B3

    private func b3(_ text: String) -> B3Context? { Array(text.utf8).withUnsafeBytes { B3Context(single: $0) } }

    @Test func `the single header of B3 is read and written`() throws {
        let long = try #require(self.b3("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90"))
        #expect(long.isSampled == true && !long.isDebug && long.ids?.isShort == false)
        #expect(long.ids?.trace == TraceID(high: 0x80f1_98ee_5634_3ba8, low: 0x64fe_8b2a_57d3_eff7))
        let short = try #require(self.b3("64fe8b2a57d3eff7-e457b5a2e4d86bd1-d"))
        #expect(short.isDebug && short.ids?.isShort == true && short.ids?.trace.high == 0)
        #expect(try #require(self.b3("64fe8b2a57d3eff7-e457b5a2e4d86bd1")).isSampled == nil)
        #expect(try #require(self.b3("0")).isSampled == false)
        #expect(try #require(self.b3("0")).ids == nil)
        let context = TraceContext(trace: TraceID(high: 0, low: 0xab), span: 0xcd, isSampled: true)
        #expect(
            B3Context.single(context, parent: 0xef, isShort: true, isDebug: false)
                == "00000000000000ab-00000000000000cd-1-00000000000000ef")
    }

    @Test(arguments: [
        "", "2", "x", "64fe8b2a57d3eff7", "64fe8b2a57d3eff7-", "64fe8b2a57d3eff7-e457b5a2e4d86bd1-",
        "64fe8b2a57d3eff7-e457b5a2e4d86bd1-x", "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1-",
        "64fe8b2a57d3eff-e457b5a2e4d86bd1-1",
        "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b9", "0000000000000000-e457b5a2e4d86bd1-1",
        "64fe8b2a57d3eff7-0000000000000000-1",
    ])
    func `what is no B3 is none`(text: String) { #expect(self.b3(text) == nil) }

    private func multi(_ trace: String, _ span: String, _ sampled: String, _ flags: String) -> B3Context? {
        Array(trace.utf8).withUnsafeBytes { trace in
            Array(span.utf8).withUnsafeBytes { span in
                Array(sampled.utf8).withUnsafeBytes { sampled in
                    Array(flags.utf8).withUnsafeBytes {
                        B3Context(trace: trace, span: span, sampled: sampled, flags: $0)
                    }
                }
            }
        }
    }

    @Test func `the many headers of B3 are read`() throws {
        #expect(try #require(self.multi("64fe8b2a57d3eff7", "e457b5a2e4d86bd1", "true", "")).isSampled == true)
        #expect(try #require(self.multi("64fe8b2a57d3eff7", "e457b5a2e4d86bd1", "", "1")).isDebug)
        #expect(try #require(self.multi("", "", "0", "")).isSampled == false)
        #expect(self.multi("64fe", "e457b5a2e4d86bd1", "", "") == nil)
    }

    // MARK: tracestate

    @Test func `a tracestate goes on as it came, within its limits`() {
        #expect(
            TraceState.admitted("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE") == "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
        #expect(TraceState.admitted(" a=1 ,, b=2\t") == "a=1,b=2")
        #expect(TraceState.admitted("fw529a3039@dt=x") == "fw529a3039@dt=x")
        #expect(TraceState.admitted("") == nil)
        #expect(TraceState.admitted("a=1,a=2") == nil)
        #expect(TraceState.admitted("A=1") == nil)
        #expect(TraceState.admitted("a=1=2") == nil)
        #expect(TraceState.admitted("a") == nil)
        #expect(TraceState.admitted("a=ä") == nil)
        #expect(TraceState.admitted((0..<32).map { "k\($0)=v" }.joined(separator: ",")) != nil)
        #expect(TraceState.admitted((0..<33).map { "k\($0)=v" }.joined(separator: ",")) == nil)
    }

    @Test func `of a list that is too long the longest members go first, then the last`() {
        let long = "long=" + String(repeating: "x", count: 200)
        let middle = "middle=" + String(repeating: "x", count: 100)
        let others = (0..<4).map { "k\($0)=" + String(repeating: "y", count: 100) }
        #expect(
            TraceState.admitted(([middle, long] + others).joined(separator: ","))
                == ([middle] + others.prefix(3)).joined(separator: ","))
    }
}
