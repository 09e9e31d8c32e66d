import Testing
import WeftConfig
import WeftModel

@Suite struct RegistrationEntryReaderTests {
    private func entry(_ spec: String) -> Reading {
        read("apiVersion: weft.dev/v1\nkind: RegistrationEntry\nmetadata: {name: a, namespace: money}\nspec: \(spec)\n")
    }

    @Test func `an entry without hosts is for every host`() throws {
        for hosts in ["", ", hosts: [\"*\"]"] {
            let resource = try #require(
                self.entry("{account: b, selectors: [{uid: 1}]\(hosts)}").resources.first?.resource)
            guard case .registrationEntry(let entry) = resource else { return #expect(Bool(false)) }
            #expect(entry.hosts == nil)
            #expect(entry.isFor(host: "any"))
            #expect(entry.id == "money/a")
        }
    }

    @Test func `no entry gives away the control plane's own identity, and others of its namespace may be given`() {
        func entry(_ namespace: String, _ account: String) -> Reading {
            read(
                "apiVersion: weft.dev/v1\nkind: RegistrationEntry\nmetadata: {name: a, namespace: \(namespace)}\nspec: {account: \(account), selectors: [{uid: 1}]}\n"
            )
        }
        let refused = entry("weft", "control")
        #expect(refused.resources.isEmpty)
        #expect(refused.diagnostics.first?.field == "spec.account")
        #expect(refused.diagnostics.first?.message.contains("control plane's own") == true)
        #expect(entry("weft", "admin").resources.count == 1)
        #expect(entry("money", "control").resources.count == 1)
    }

    @Test func `an entry says what it says`() throws {
        let spec = """
            {account: b, service: billing, labels: {tier: gold}, hosts: [db-1, db-2.example], ttl: 10m, dnsNames: [b.example], hint: internal,
             selectors: [{uid: 1000}, {gid: 100}, {path: /usr/bin/billing}, {unit: billing.service}, {user: bill}]}
            """
        let reading = self.entry(spec)
        #expect(reading.diagnostics.isEmpty)
        guard case .registrationEntry(let entry)? = reading.resources.first?.resource else {
            return #expect(Bool(false))
        }
        #expect(
            entry.selectors == [
                .uid(1000), .gid(100), .path("/usr/bin/billing"), .unit("billing.service"), .user("bill"),
            ])
        #expect(entry.isFor(host: "db-1") && !entry.isFor(host: "db-3"))
        #expect(entry.labels == ["tier": "gold"])
        #expect(entry.service == "billing" && entry.ttl == .seconds(600) && entry.hint == "internal")
        let again = read(try #require(reading.resources.first?.canonicalJSON), file: "")
        #expect(again.resources.first?.canonicalJSON == reading.resources.first?.canonicalJSON)
    }

    @Test(arguments: [
        ("{selectors: [{uid: 1}]}", "spec"), ("{account: b}", "spec"),
        ("{account: b, selectors: []}", "spec.selectors"),
        ("{account: b, labels: {a b: c}, selectors: [{uid: 1}]}", "spec.labels.a b"),
        ("{account: B, selectors: [{uid: 1}]}", "spec.account"),
        ("{account: b, selectors: [{}]}", "spec.selectors[0]"),
        ("{account: b, selectors: [{uid: 1, gid: 1}]}", "spec.selectors[0]"),
        ("{account: b, selectors: [{uid: -1}]}", "spec.selectors[0].uid"),
        ("{account: b, selectors: [{uid: 4294967295}]}", "spec.selectors[0].uid"),
        ("{account: b, selectors: [{image: x}]}", "spec.selectors[0].image"),
        ("{account: b, selectors: [{path: bin/x}]}", "spec.selectors[0].path"),
        ("{account: b, selectors: [{path: /usr/../x}]}", "spec.selectors[0].path"),
        ("{account: b, selectors: [{path: /}]}", "spec.selectors[0].path"),
        ("{account: b, selectors: [{unit: billing}]}", "spec.selectors[0].unit"),
        ("{account: b, selectors: [{user: \"a:b\"}]}", "spec.selectors[0].user"),
        ("{account: b, selectors: [{uid: 1}], hosts: []}", "spec.hosts"),
        ("{account: b, selectors: [{uid: 1}], hosts: [\"*\", a]}", "spec.hosts[0]"),
        ("{account: b, selectors: [{uid: 1}], ttl: 5s}", "spec.ttl"),
        ("{account: b, selectors: [{uid: 1}], dnsNames: [\"*.x\"]}", "spec.dnsNames[0]"),
        ("{account: b, selectors: [{uid: 1}], spiffeID: x}", "spec.spiffeID"),
    ])
    func `an entry that cannot stand is refused where it is wrong`(spec: String, field: String) {
        let reading = self.entry(spec)
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.map(\.field).contains(field), "\(reading.diagnostics)")
    }

    @Test func `root without a program is doubted`() {
        #expect(self.entry("{account: b, selectors: [{uid: 0}]}").diagnostics.map(\.severity) == [.warning])
        #expect(self.entry("{account: b, selectors: [{uid: 0}, {path: /usr/bin/x}]}").diagnostics.isEmpty)
    }
}
