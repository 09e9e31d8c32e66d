import Testing
import WeftModel
import WeftTelemetry

@Suite struct ExemplarTests {
    static let sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    func trace(_ text: String) -> SampledTrace? {
        Array(text.utf8).withUnsafeBytes { SampledTrace(traceparent: $0) }
    }

    @Test func `a sampled traceparent names its trace`() {
        #expect(self.trace(Self.sampled)?.text == "0af7651916cd43dd8448eb211c80319c")
        // A later version may say more behind another dash.
        #expect(self.trace("01" + Self.sampled.dropFirst(2) + "-more") != nil)
    }

    @Test(arguments: [
        "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333\"-01",
    ])
    func `what is malformed or not sampled has no exemplar`(_ text: String) { #expect(self.trace(text) == nil) }

    @Test func `the newest sampled request of a bucket is its exemplar, in OpenMetrics only`() throws {
        let registry = MetricRegistry()
        let metrics = RequestMetrics(registry: registry)
        let other = try #require(self.trace(Self.sampled.replacing("0af7", with: "ffff")))
        var outcome = RequestOutcome(status: 200, reason: .ok, duration: .milliseconds(3))
        for (trace, at) in [(self.trace(Self.sampled), 1.5), (other, 2.5), (nil, 3.5)] {
            (outcome.trace, outcome.endedAt) = (trace, at)
            metrics.record(outcome, on: MetricRegistryTests.labels)
        }
        let text = String(decoding: MetricExposition.openMetrics.encode(registry.snapshot()), as: UTF8.self)
        #expect(text.contains(##"le="0.005"} 3 # {trace_id="ffff651916cd43dd8448eb211c80319c"} 0.003 2.5"##))
        #expect(text.split(separator: "\n").count { $0.contains(" # {") } == 1)
        let plain = String(decoding: MetricExposition.prometheus.encode(registry.snapshot()), as: UTF8.self)
        #expect(!plain.contains("trace_id"))
    }

    @Test func `of several loops the newest counts`() throws {
        let family = MetricFamily("h", .histogram(bounds: [1]), help: "x")
        var merged = MetricSnapshot()
        let trace = try #require(self.trace(Self.sampled))
        for at in [5.0, 7, 6] {
            let registry = MetricRegistry()
            registry.observe(0.5, in: registry.series(family), trace: trace, at: at)
            merged.merge(registry.snapshot())
        }
        #expect(merged.exemplars[family]?[[]]?[0]?.at == 7)
        #expect(merged.exemplars[family]?[[]]?[1] == nil)
    }

    @Test(arguments: [
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true),
        ("text/plain", false), ("*/*", false), ("application/openmetrics-text;q=0", false),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.5", false), ("Application/OpenMetrics-Text", true),
    ])
    func `OpenMetrics is for those who ask for it`(_ accept: String, _ isOpen: Bool) {
        #expect((MetricExposition(accept: accept) == .openMetrics) == isOpen)
    }
}
