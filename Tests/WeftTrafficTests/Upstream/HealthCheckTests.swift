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
