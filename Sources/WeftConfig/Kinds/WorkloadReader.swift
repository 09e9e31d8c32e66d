internal import WeftModel

/// Reads `weft.dev/v1 Workload`.
enum WorkloadReader {
    static func read(_ document: ObjectFields) -> Workload? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard
            let spec = document.spec(
                known: ["account", "service", "address", "ports", "locality", "weight"],
                refused: ["labels": "Labels stand below `metadata`."])
        else { return nil }
        let service = spec["service"].map { $0.label("service") }
        let account = spec["account"].map { $0.label("account") }
        let address = spec.required("address", remedy: "Add the `address` that peers connect to.").flatMap(self.address)
        let ports = spec.required("ports", remedy: "Add `ports:` with an item `- port: 8080`.").flatMap(self.ports)
        let locality = spec["locality"].map(self.locality) ?? Locality()
        let weight = spec["weight"].map { $0.integer(in: 1...1_000_000, "weight") } ?? 1
        guard let metadata, let address, let ports, let locality, let weight else { return nil }
        if let service, service == nil { return nil }
        if let account, account == nil { return nil }
        let serviceName = service ?? nil
        let label = metadata.name.split(separator: ".").first.map(String.init) ?? metadata.name
        return Workload(
            metadata: metadata, account: (account ?? nil) ?? serviceName ?? label, service: serviceName,
            address: address, ports: ports, locality: locality, weight: weight)
    }

    private static func ports(_ field: Field) -> [Workload.Port]? {
        guard let items = field.list(atLeast: 1, atMost: 64) else { return nil }
        var ports: [Workload.Port] = []
        for item in items {
            guard let object = item.object(known: ["name", "port", "inboundPort", "appProtocol"]) else { continue }
            let name = object["name"].map { $0.portName() } ?? ""
            let number = object.required("port", remedy: "Add the application's `port`.")?.port()
            let inbound = object["inboundPort"].map { $0.port() }
            let application = object["appProtocol"].map(AppProtocolReader.read) ?? .detect
            guard let name, let number, let application else { continue }
            if ports.contains(where: { $0.port == number }) {
                item.refuse("port \(number) stands twice", remedy: "Give each item a port of its own.")
            }
            ports.append(
                Workload.Port(name: name, port: number, inboundPort: inbound ?? nil, appProtocol: application))
        }
        return ports
    }

    private static func locality(_ field: Field) -> Locality? {
        guard let object = field.object(known: ["region", "zone", "subZone"]) else { return nil }
        func part(_ name: String) -> String? { object[name].map { $0.anyText(atMost: 128) } ?? "" }
        guard let region = part("region"), let zone = part("zone"), let subZone = part("subZone") else { return nil }
        return Locality(region: region, zone: zone, subZone: subZone)
    }

    private static func address(_ field: Field) -> String? {
        guard let text = field.text(atMost: 64) else { return nil }
        guard IPAddressText.isAddress(text) else {
            field.refuse(
                "\"\(text)\" is no IP address", remedy: "Write an IPv4 or IPv6 address; names are not resolved here.")
            return nil
        }
        return text
    }
}

/// Whether text is an IP address.
enum IPAddressText {
    static func isAddress(_ text: String) -> Bool { self.isIPv4(text) || self.isIPv6(text) }

    private static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (48...57).contains($0) }
                    && (part.utf8.count == 1 || !part.hasPrefix("0")) && UInt8(part) != nil
            }
    }

    private static func isIPv6(_ text: String) -> Bool {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups = text
        var room = 8
        // A dotted tail stands for two groups.
        if let tail = halves.last, tail.contains(".") {
            guard self.isIPv4(tail) else { return false }
            groups = String(text.dropLast(tail.count))
            room = 6
            if groups.hasSuffix(":"), !groups.hasSuffix("::") { groups.removeLast() }
        }
        guard let gap = self.firstDoubleColon(in: groups) else {
            return self.areGroups(groups, exactly: room)
        }
        let left = String(groups[..<gap.lowerBound])
        let right = String(groups[gap.upperBound...])
        guard !right.contains("::"), !right.hasPrefix(":") else { return false }
        let leftCount = left.isEmpty ? 0 : self.groupCount(left)
        let rightCount = right.isEmpty ? 0 : self.groupCount(right)
        guard let leftCount, let rightCount else { return false }
        return leftCount + rightCount < room
    }

    private static func firstDoubleColon(in text: String) -> Range<String.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if next < text.endIndex, text[index] == ":", text[next] == ":" { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    private static func areGroups(_ text: String, exactly count: Int) -> Bool { self.groupCount(text) == count }

    /// Nil unless every group is one to four hexadecimal digits.
    private static func groupCount(_ text: String) -> Int? {
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        let valid = groups.allSatisfy { group in
            (1...4).contains(group.utf8.count) && group.allSatisfy(\.isHexDigit)
        }
        return valid ? groups.count : nil
    }
}
