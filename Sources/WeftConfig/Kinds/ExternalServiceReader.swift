internal import WeftModel

/// Reads `weft.dev/v1 ExternalService`.
enum ExternalServiceReader {
    static func read(_ document: ObjectFields) -> ExternalService? {
        let metadata = MetadataReader.read(document, nameIsLabel: true)
        guard let spec = document.spec(known: ["host", "ports"]) else { return nil }
        let host = spec.required("host", remedy: "Add the `host` that callers use, such as api.example.com.")
            .flatMap(self.host)
        let ports = spec.required("ports", remedy: "Add `ports:` with an item `- port: 80`.")?
            .list(atLeast: 1, atMost: 64)
        var read: [ExternalService.Port] = []
        for item in ports ?? [] {
            guard let port = self.port(item, host: host ?? "") else { continue }
            if read.contains(where: { $0.port == port.port }) {
                item.refuse("port \(port.port) stands twice", remedy: "Give each item a port of its own.")
            }
            read.append(port)
        }
        guard let metadata, let host, ports != nil else { return nil }
        return ExternalService(metadata: metadata, host: host, ports: read)
    }

    private static func host(_ field: Field) -> String? {
        guard let text = field.text(atMost: 253) else { return nil }
        let host = text.lowercased()
        guard NameRules.isSubdomain(host) else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no host: it must be a whole DNS name or an IPv4 address",
                remedy: "Write a name such as api.example.com, without scheme, port or path.")
            return nil
        }
        guard host.contains("."), !host.hasSuffix(".mesh") else {
            field.refuse(
                "\(host) is a name of the mesh's own: callers would mean a service by it",
                remedy: "Write the whole DNS name of a destination outside.")
            return nil
        }
        let labels = host.split(separator: ".")
        if labels.last == "localhost"
            || labels.count == 4 && labels[0] == "127" && labels.allSatisfy({ UInt8($0) != nil })
        {
            field.refuse(
                "\(host) is the caller's own host, another one for every sidecar",
                remedy: "Write a destination outside, or let the application call it directly.")
            return nil
        }
        return host
    }

    private static func port(_ field: Field, host: String) -> ExternalService.Port? {
        guard let object = field.object(known: ["name", "port", "targetPort", "appProtocol", "tls"]) else { return nil }
        let name = object["name"].map { $0.portName() } ?? ""
        let number = object.required("port", remedy: "Add the `port` that callers use.")?.port()
        let target = object["targetPort"].map { $0.port() } ?? number
        let application = object["appProtocol"].map(AppProtocolReader.read) ?? .http
        let tls = object["tls"].map { self.tls($0, host: host) }
        guard let name, let number, let target, let application else { return nil }
        if case .some(.none) = tls { return nil }
        if tls == nil, target == 443 {
            field.warn(
                "port 443 is called in the clear: nothing of the call is encrypted by the mesh",
                remedy: "Add `tls: {}`, unless the application speaks TLS itself.")
        }
        return ExternalService.Port(
            name: name, port: number, targetPort: target, appProtocol: application, tls: tls ?? nil)
    }

    private static func tls(_ field: Field, host: String) -> TLSOrigination? {
        guard let object = field.object(known: ["serverName", "subjectAltNames", "rootsFile"]) else { return nil }
        let serverName = object["serverName"].map { $0.subdomain("server name") } ?? host
        let names = object["subjectAltNames"].map {
            $0.list(atLeast: 1, atMost: 16)?.compactMap { $0.subdomain("name") }
        }
        let roots = object["rootsFile"].map { $0.text(atMost: 4096) }
        if let file = object["rootsFile"], case .some(.some(let path)) = roots, !path.hasPrefix("/") {
            file.refuse("the path must be absolute: proxies look for it on their own hosts", remedy: "Write /etc/….")
        }
        guard let serverName else { return nil }
        return TLSOrigination(serverName: serverName, names: names ?? nil, rootsFile: roots ?? nil)
    }
}
