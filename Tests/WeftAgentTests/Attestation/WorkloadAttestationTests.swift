import Testing
import WeftModel

@testable import WeftAgent

@Suite struct WorkloadAttestationTests {
    private static let process = ProcessFacts(
        pid: 7, uid: 1000, gid: 100, path: "/usr/bin/billing", unit: "billing.service", user: "bill")

    private func ids(_ entries: [AgentEntry], of process: ProcessFacts = Self.process) -> [String] {
        WorkloadAttestation.entries(of: process, among: entries).map(\.id)
    }

    @Test(arguments: [
        ([ProcessSelector.uid(1000)], true), ([.uid(1001)], false), ([.gid(100)], true), ([.gid(0)], false),
        ([.path("/usr/bin/billing")], true), ([.path("/usr/bin/bill")], false), ([.unit("billing.service")], true),
        ([.unit("other.service")], false), ([.user("bill")], true), ([.user("root")], false),
        ([.uid(1000), .path("/usr/bin/billing"), .unit("billing.service")], true),
        ([.uid(1000), .path("/usr/bin/other")], false), ([.uid(1), .uid(1000)], false),
    ])
    func `all selectors of an entry must hold`(selectors: [ProcessSelector], isMeant: Bool) {
        #expect(self.ids([.test("a", selectors)]) == (isMeant ? ["default/a"] : []))
    }

    @Test func `an entry without selectors is meant for nobody`() {
        #expect(self.ids([.test("a", [])]).isEmpty)
    }

    @Test(arguments: [ProcessSelector.path(""), .unit(""), .user(""), .path("/usr/bin/billing"), .unit("a.service")])
    func `what is not known of a process holds for nothing`(selector: ProcessSelector) {
        #expect(self.ids([.test("a", [selector])], of: ProcessFacts(pid: 7, uid: 0, gid: 0)).isEmpty)
    }

    @Test func `the most specific entry is the default identity, and the order stays the same`() {
        let entries: [AgentEntry] = [
            .test("c", [.uid(1000)]), .test("b", [.uid(1000), .gid(100)]), .test("a", [.gid(100)]),
        ]
        #expect(self.ids(entries) == ["default/b", "default/a", "default/c"])
        #expect(self.ids(entries.reversed()) == ["default/b", "default/a", "default/c"])
    }

    @Test func `one hint stands for one identity`() {
        var (first, second) = (AgentEntry.test("a", [.uid(1000)]), AgentEntry.test("b", [.uid(1000)]))
        first.hint = "internal"
        second.hint = "internal"
        let found = WorkloadAttestation.entries(of: Self.process, among: [second, first])
        #expect(found.map(\.id) == ["default/a", "default/b"])
        #expect(found.map(\.hint) == ["internal", ""])
    }
}

@Suite struct ProcessTextTests {
    @Test(arguments: [
        ("7 (billing) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8731 1 1 1", 8731),
        // Programs choose their names.
        ("7 (a) b) (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9 1", 9),
        ("7 (x) S 1 2 3", nil), ("", nil), ("7 (x", nil),
    ])
    func `the start time is found behind any name`(text: String, time: UInt64?) {
        #expect(ProcessText.startTime(ofStat: text) == time)
    }

    @Test(arguments: [
        ("0::/system.slice/billing.service\n", "billing.service"),
        ("0::/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
        ("12:cpu:/x.service\n1:name=systemd:/system.slice/billing.service\n0::/\n", "billing.service"),
        ("0::/user.slice/user-1000.slice/session-2.scope", "session-2.scope"),
        // A user's own units, and groups that a service made, are named by others than systemd's root.
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/billing.service", "user@1000.service"),
        ("0::/system.slice/evil.service/billing.service", "evil.service"),
        ("0::/", nil), ("0::/init.scope", "init.scope"), ("0::/docker/abc/billing.service", nil),
        ("0::/../billing.service", nil), ("nonsense", nil), ("", nil),
    ])
    func `the unit is the outermost below slices`(text: String, unit: String?) {
        #expect(ProcessText.unit(ofControlGroups: text) == unit)
    }

    @Test(arguments: [
        ("pos:\t0\nflags:\t02000002\nPid:\t4711\nNSpid:\t4711\n", 4711), ("Pid:\t-1\n", nil), ("Pid:\t0\n", nil),
        ("pos:\t0\n", nil),
    ])
    func `a descriptor says whether its process is there`(text: String, pid: Int32?) {
        #expect(ProcessText.process(ofDescriptorInfo: text) == pid)
    }
}

extension AgentEntry {
    static func test(_ name: String, _ selectors: [ProcessSelector]) -> AgentEntry {
        AgentEntry(
            id: "default/\(name)", spiffeID: SPIFFEID(trustDomain: .standard, namespace: "default", account: name),
            selectors: selectors)
    }
}
