import Testing
import WeftModel

@testable import WeftTelemetry

@Suite struct RequestSpanTests {
    private let trace = RequestTrace(
        context: TraceContext(trace: TraceID(high: 1, low: 2), span: 3, isSampled: true), parent: 4)

    private func record(
        _ direction: RequestLabels.Direction, _ edit: (inout RequestRecord) -> Void = { _ in }
    )
        -> RequestRecord
    {
        var record = RequestRecord()
        record.direction = direction
        record.protocol = "http/1.1"
        record.method = "GET"
        record.authority = "billing.default:8080"
        record.path = "/pay?item=1"
        record.status = 200
        record.duration = .milliseconds(5)
        edit(&record)
        return record
    }

    private func span(_ record: RequestRecord, tail: TailReason? = nil) -> Span {
        RequestSpan.span(record, self.trace, endedAt: 1_000_000_000, tail: tail)
    }

    @Test func `a span begins where its request did`() {
        let span = self.span(self.record(.outbound))
        #expect(span.end - span.start == 5_000_000 && span.end == 1_000_000_000)
        #expect(span.parent == 4 && span.kind == .client && span.name == "GET")
    }

    @Test func `a server tells path and query, a client the whole address`() {
        let server = self.span(self.record(.inbound))
        #expect(server.kind == .server)
        #expect(server["url.path"] == .text("/pay") && server["url.query"] == .text("item=1"))
        #expect(server["url.full"] == nil)
        let client = self.span(self.record(.outbound))
        #expect(client["url.full"] == .text("http://billing.default:8080/pay?item=1"))
        #expect(client["server.address"] == .text("billing.default") && client["server.port"] == .number(8080))
    }

    @Test func `a refusal by a server's rules is the client's error alone`() {
        let refused = { (record: inout RequestRecord) in record.status = 404 }
        #expect(self.span(self.record(.inbound, refused)).status == .unset)
        let client = self.span(self.record(.outbound, refused))
        #expect(client.status == .error && client["error.type"] == .text("404"))
    }

    @Test func `an error is named by the mesh's reason where there is one`() {
        let span = self.span(
            self.record(.outbound) {
                $0.status = 503
                $0.reason = .connectFailed
            }, tail: .error)
        #expect(span["error.type"] == .text("connect_failed") && span.status == .error)
        #expect(span["weft.kept_for"] == .text("error"))
        let gone = self.span(
            self.record(.outbound) {
                $0.status = 499
                $0.reason = .clientGone
            })
        #expect(gone.status == .unset && gone["error.type"] == nil)
    }

    @Test func `what a server's proxy refuses has the reason, and is no failure of the server`() {
        let denied = { (record: inout RequestRecord) in
            record.status = 403
            record.reason = .denied
        }
        let server = self.span(self.record(.inbound, denied), tail: .error)
        #expect(server["error.type"] == .text("denied") && server.status == .unset)
        let client = self.span(self.record(.outbound, denied))
        #expect(client["error.type"] == .text("denied") && client.status == .error)
    }

    @Test(arguments: [(5, false), (13, true), (14, true), (0, false), (7, false)])
    func `a gRPC call is one by the conventions for RPC`(status: Int, isServersFault: Bool) {
        let edit = { (record: inout RequestRecord) in
            record.protocol = "grpc"
            record.method = "POST"
            record.path = "/shop.Billing/Charge"
            record.grpcStatus = status
        }
        let server = self.span(self.record(.inbound, edit))
        #expect(server.name == "shop.Billing/Charge")
        #expect(server["rpc.system.name"] == .text("grpc") && server["rpc.method"] == .text("shop.Billing/Charge"))
        #expect((server.status == .error) == isServersFault)
        #expect((self.span(self.record(.outbound, edit)).status == .error) == (status != 0))
        #expect(RequestSpan.isFailure(status: 200, grpcStatus: status, reason: .ok) == isServersFault)
    }

    @Test func `attempts are events, and the last tells the peer`() {
        let span = self.span(
            self.record(.outbound) {
                $0.attempts = [
                    .init(
                        workload: "default/a", address: "10.0.0.1:80", status: nil, reason: .connectFailed,
                        startedAfter: .zero, duration: .milliseconds(1)),
                    .init(
                        workload: "default/b", address: "[fd00::1]:81", status: 200, reason: .ok,
                        startedAfter: .milliseconds(2), duration: .milliseconds(3)),
                ]
            })
        #expect(span.events.count == 2)
        #expect(span.events[1].time == span.start + 2_000_000)
        #expect(span["network.peer.address"] == .text("fd00::1") && span["network.peer.port"] == .number(81))
        #expect(span["http.request.resend_count"] == .number(1))
    }

    @Test func `no caller makes a span large, nor a name of it`() {
        let span = self.span(
            self.record(.inbound) {
                $0.method = String(repeating: "X", count: 10_000)
                $0.path = "/" + String(repeating: "é", count: 100_000)
            })
        #expect(span.name == "HTTP" && span["http.request.method"] == .text("_OTHER"))
        #expect(span.cost < 20_000)
        for path in ["/no.Method", "//x", "/a/b/c", "/a/", "/a/b?c", "/a/" + String(repeating: "b", count: 300)] {
            let call = self.span(
                self.record(.inbound) {
                    $0.protocol = "grpc"
                    $0.path = path
                })
            #expect(call.name == "_OTHER")
        }
    }
}
