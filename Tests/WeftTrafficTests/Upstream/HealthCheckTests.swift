import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct HealthCheckTests {
    @Test func `three failures take an endpoint out and two successes bring it back`() {
        var random = TrafficRandom(seed: 1)
        var schedule = HealthCheckSchedule(HealthCheckPolicy(.tcp), random: &random, now: .ms(0))
        var changes: [Bool?] = []
        for passed in [false, false, true, false, false, false, false, true, false, true, true] {
            changes.append(schedule.checked(passed: passed, random: &random, now: .ms(0)))
        }
        #expect(changes == [nil, nil, nil, nil, nil, false, nil, nil, nil, nil, true])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `checks begin at a random point, come by the interval ±10 %, and never two at once`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        var schedule = HealthCheckSchedule(HealthCheckPolicy(.tcp), random: &random, now: .ms(0))
        #expect(schedule.due <= .ms(10_000))
        let due = schedule.due
        #expect(schedule.begin(now: due) == true)
        #expect(schedule.begin(now: .ms(60_000)) == false)
        _ = schedule.checked(passed: true, random: &random, now: .ms(60_000))
        #expect(schedule.due >= .ms(69_000) && schedule.due <= .ms(71_000))
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a shorter interval counts at once, a longer one from the next check on`(seed: UInt64) {
        var random = TrafficRandom(seed: seed)
        func policy(_ interval: Duration) -> HealthCheckPolicy {
            var policy = HealthCheckPolicy(.tcp)
            policy.interval = interval
            return policy
        }
        var schedule = HealthCheckSchedule(policy(.seconds(3_600)), random: &random, now: .ms(0))
        schedule.update(policy(.seconds(5)), random: &random, now: .ms(1_000))
        let due = schedule.due
        #expect(due <= .ms(6_000))
        schedule.update(policy(.seconds(3_600)), random: &random, now: .ms(1_000))
        #expect(schedule.due == due)
        // One under way goes on.
        #expect(schedule.begin(now: due) == true)
        schedule.update(policy(.seconds(2)), random: &random, now: due)
        #expect(schedule.due == .never)
        _ = schedule.checked(passed: true, random: &random, now: .ms(10_000))
        #expect(schedule.due >= .ms(11_800) && schedule.due <= .ms(12_200))
    }

    @Test(
        arguments: [
            "overload", "rate_limited", "draining", "attempt_refused", "denied", "connect_failed", "nonsense",
        ])
    func `a check that the endpoint's proxy refused tells nothing, if the proxy has proved itself`(reason: String) {
        let isRefusal = reason != "connect_failed" && reason != "nonsense"
        for probe in [HealthCheckPolicy.Probe.http(path: "/", statuses: []), .grpc(service: "")] {
            var head = ResponseHead(status: probe == .grpc(service: "") ? 200 : 503)
            head.headers.append(.weftReason, reason)
            head.headers.append(.grpcStatus, 14)
            var peers = HealthAnswer(probe, isFromPeer: true)
            peers.received(head, end: true)
            #expect(peers.isOver && peers.wasRefused == isRefusal && peers.passed == (isRefusal ? nil : false))
            var anyones = HealthAnswer(probe)
            anyones.received(head, end: true)
            #expect(anyones.passed == false && !anyones.wasRefused)
        }
        var random = TrafficRandom(seed: 1)
        var schedule = HealthCheckSchedule(HealthCheckPolicy(.tcp), random: &random, now: .ms(0))
        for _ in 0..<10 { #expect(schedule.checked(passed: nil, random: &random, now: .ms(0)) == nil) }
        #expect(schedule.isHealthy && schedule.due != .never)
    }

    @Test func `HTTP is well with one of the statuses, any success without them`() {
        for (status, statuses, well) in [
            (200, [], true), (204, [], true), (302, [], false), (503, [], false), (503, [503], true),
            (200, [503], false),
        ] as [(Int, Set<Int>, Bool)] {
            var answer = HealthAnswer(.http(path: "/", statuses: statuses))
            answer.received(ResponseHead(status: status), end: false)
            #expect(answer.passed == well)
        }
        let question = HealthQuestion(.http(path: "/healthz", statuses: []), authority: "billing.default")
        #expect(question.request?.head.path == "/healthz")
        #expect(HealthQuestion(.tcp, authority: "a").request == nil)
    }

    @Test func `gRPC is well when its body says SERVING and its status is OK`() {
        func ask(_ body: [UInt8], _ status: Int, head: Int = 200) -> Bool? {
            var answer = HealthAnswer(.grpc(service: ""))
            answer.received(ResponseHead(status: head), end: false)
            answer.received(body, end: false)
            answer.received(trailers: ["grpc-status": "\(status)"])
            return answer.passed
        }
        #expect(ask([0, 0, 0, 0, 2, 8, 1], 0) == true)
        #expect(ask([0, 0, 0, 0, 2, 8, 2], 0) == false)
        #expect(ask([], 12) == false)
        #expect(ask([0, 0, 0, 0, 2, 8, 1], 14) == false)
        #expect(ask([0, 0, 0, 0, 2, 8, 1], 0, head: 503) == false)
        var broken = HealthAnswer(.grpc(service: ""))
        broken.failed()
        #expect(broken.passed == false)
        var endless = HealthAnswer(.grpc(service: ""))
        endless.received(ResponseHead(status: 200), end: false)
        endless.received([UInt8](repeating: 0, count: 1_000), end: false)
        #expect(endless.passed == false)
        #expect(
            HealthQuestion(.grpc(service: "a.B"), authority: "x").request?.body == [0, 0, 0, 0, 5, 10, 3, 97, 46, 66])
        #expect(HealthQuestion(.grpc(service: ""), authority: "x").request?.body == [0, 0, 0, 0, 0])
    }
}
