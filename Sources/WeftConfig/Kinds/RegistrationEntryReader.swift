internal import WeftModel

/// Reads `weft.dev/v1 RegistrationEntry`.
enum RegistrationEntryReader {
    static func read(_ document: ObjectFields) -> RegistrationEntry? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard
            let spec = document.spec(
                known: ["account", "service", "labels", "hosts", "selectors", "ttl", "dnsNames", "hint"],
                refused: ["namespace": "It stands below `metadata`.", "spiffeID": "It follows from the account."])
        else { return nil }
        let account = spec.required("account", remedy: "Add the `account` of the identity.")
            .flatMap { $0.label("account") }
        let service = spec["service"].map { $0.label("service") }
        let labels = spec["labels"].map(self.labels)
        let hosts = spec["hosts"].map(self.hosts)
        let selectors = spec.required("selectors", remedy: "Add `selectors:` with an item such as `- uid: 1000`.")
            .flatMap(self.selectors)
        let ttl = spec["ttl"].map(self.ttl)
        let dnsNames = spec["dnsNames"].map { field in
            field.list(atLeast: 1, atMost: 16)?.compactMap { $0.subdomain("DNS name") }
        }
        let hint = spec["hint"].map { $0.text(atMost: 1024) }
        guard let metadata, let account, let selectors else { return nil }
        if let cause = ReservedIdentity(namespace: metadata.namespace, account: account)?.refusal {
            spec["account"]?.refuse(cause, remedy: "Name another account, or put the entry into another namespace.")
            return nil
        }
        return RegistrationEntry(
            metadata: metadata, account: account, service: service ?? nil, labels: (labels ?? nil) ?? [:],
            hosts: (hosts ?? .some(nil)) ?? nil, selectors: selectors, ttl: ttl ?? nil,
            dnsNames: (dnsNames ?? nil) ?? [], hint: (hint ?? nil) ?? "")
    }

    private static func labels(_ field: Field) -> [String: String]? {
        guard let labels = field.labels() else { return nil }
        guard labels.count <= LabelGrants.perSource else {
            field.refuse(
                "\(labels.count) labels are more than \(LabelGrants.perSource)",
                remedy: "Name those that selectors look at; others may be claimed without.")
            return nil
        }
        return labels
    }

    /// The outer nil stands for a mistake, the inner for every host.
    private static func hosts(_ field: Field) -> [String]?? {
        guard let items = field.list(atLeast: 1, atMost: 1024) else { return nil }
        if items.count == 1, case .text("*") = items[0].node.value { return .some(nil) }
        var hosts: [String] = []
        for item in items {
            if case .text("*") = item.node.value {
                item.refuse(
                    "\"*\" means every host, so that others beside it mean nothing", remedy: "Keep one of both.")
            } else if let host = item.subdomain("host") {
                hosts.append(host)
            }
        }
        return hosts
    }

    private static func ttl(_ field: Field) -> Duration? {
        guard let duration = field.duration(allowsZero: false) else { return nil }
        guard duration >= .seconds(10), duration <= .seconds(30 * 86_400) else {
            field.refuse("the life of a certificate must be from 10s to 720h", remedy: "Write 1h, or remove the field.")
            return nil
        }
        return duration
    }

    private static func selectors(_ field: Field) -> [ProcessSelector]? {
        guard let items = field.list(atLeast: 1, atMost: 16) else { return nil }
        var selectors: [ProcessSelector] = []
        for item in items {
            guard let object = item.object(known: ["uid", "gid", "path", "unit", "user"]) else { continue }
            let found = [
                object["uid"].map { ($0, self.number($0, "user id").map(ProcessSelector.uid)) },
                object["gid"].map { ($0, self.number($0, "group id").map(ProcessSelector.gid)) },
                object["path"].map { ($0, self.path($0).map(ProcessSelector.path)) },
                object["unit"].map { ($0, self.unit($0).map(ProcessSelector.unit)) },
                object["user"].map { ($0, self.user($0).map(ProcessSelector.user)) },
            ].compactMap(\.self)
            guard found.count == 1 else {
                item.refuse(
                    "a selector is one of uid, gid, path, unit, user, and this has \(found.count) of them",
                    remedy: "Give each an item of its own; all items must hold.")
                continue
            }
            if let selector = found[0].1 { selectors.append(selector) }
        }
        self.warnOfRoot(selectors, field)
        return selectors
    }

    private static func warnOfRoot(_ selectors: [ProcessSelector], _ field: Field) {
        let isPlain = selectors.allSatisfy { selector in
            switch selector {
            case .path, .unit: false
            case .uid, .gid, .user: true
            }
        }
        guard isPlain, selectors.contains(.uid(0)) || selectors.contains(.user("root")) else { return }
        field.warn(
            "every process of root has this identity, whatever program it is",
            remedy: "Add a `unit` or `path`, or run the program under a user of its own.")
    }

    private static func number(_ field: Field, _ what: String) -> UInt32? {
        field.integer(in: 0...4_294_967_294, what).flatMap { UInt32(exactly: $0) }
    }

    private static func path(_ field: Field) -> String? {
        guard let text = field.text(atMost: 4096) else { return nil }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard text.hasPrefix("/"), !segments.isEmpty, segments.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no path of a program: the kernel names them absolutely and cleanly",
                remedy: "Write what `readlink /proc/PID/exe` prints, such as /usr/bin/billing.")
            return nil
        }
        return text
    }

    private static func unit(_ field: Field) -> String? {
        guard let text = field.text(atMost: 256) else { return nil }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: ":-_.\\@".utf8.contains(byte)
            }
        }
        guard isName, text.hasSuffix(".service") || text.hasSuffix(".scope") else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no unit that processes run in",
                remedy: "Write the unit's whole name, such as billing.service.")
            return nil
        }
        return text
    }

    private static func user(_ field: Field) -> String? {
        guard let text = field.text(atMost: 256) else { return nil }
        guard !text.contains(where: { $0 == ":" || $0 == "/" || $0.isWhitespace }) else {
            field.refuse("\"\(YAMLNode.shortened(text))\" is no user's name", remedy: "Write what `id -un` prints.")
            return nil
        }
        return text
    }
}
