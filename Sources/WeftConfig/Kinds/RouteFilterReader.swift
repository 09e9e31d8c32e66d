internal import WeftModel

/// What the filters of a rule or backend do, together.
struct RouteFilters {
    var requestHeaders = HeaderModifier()
    var responseHeaders = HeaderModifier()
    var redirect: RequestRedirect?
    var rewrite: URLRewrite?
    var mirrors: [RouteMirror] = []
}

/// Reads the filters of a rule or backend.
///
/// Source: Gateway API `HTTPRouteFilter` and `GRPCRouteFilter`.
struct RouteFilterReader {
    /// The types that may stand here.
    let supported: [String]
    /// Where a backend without a namespace is.
    let namespace: String
    private var filters = RouteFilters()
    private var seen: Set<String> = []

    /// What stands at the rules of an HTTPRoute.
    static let httpRule = [
        "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror",
    ]
    /// What stands at their backends.
    static let httpBackend = ["RequestHeaderModifier", "ResponseHeaderModifier", "URLRewrite", "RequestMirror"]
    /// What stands in a GRPCRoute.
    static let grpc = ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror"]

    private static let elsewhere: [String: String] = [
        "RequestRedirect": "a redirect answers instead of a backend",
        "URLRewrite": "a gRPC path is the method that is called",
        "CORS": "browsers call through a gateway, which answers them",
        "ExternalAuth": "who may call is said by an AuthorizationPolicy",
        "ExtensionRef": "Weft has no extensions of that kind",
    ]

    private init(supported: [String], namespace: String) {
        self.supported = supported
        self.namespace = namespace
    }

    /// `supported` are the types allowed here.
    static func read(_ field: Field, supported: [String], namespace: String) -> RouteFilters {
        var reader = Self(supported: supported, namespace: namespace)
        for item in field.list(atMost: 16) ?? [] { reader.read(item) }
        if reader.filters.redirect != nil, reader.filters.rewrite != nil {
            field.refuse(
                "a request cannot be both redirected and rewritten",
                remedy: "Remove one; a redirect has hostname and path of its own.")
        }
        if reader.filters.redirect != nil {
            let idle = ["RequestHeaderModifier", "RequestMirror"].filter(reader.seen.contains)
            if !idle.isEmpty {
                field.refuse(
                    "the request is redirected and goes nowhere, so \(idle.joined(separator: " and ")) beside the "
                        + "RequestRedirect would never act",
                    remedy: "Remove one or the other; a ResponseHeaderModifier may change the redirect's own answer.")
            }
        }
        return reader.filters
    }

    private static let parts = [
        "requestHeaderModifier", "responseHeaderModifier", "requestRedirect", "urlRewrite", "requestMirror",
    ]

    private mutating func read(_ item: Field) {
        guard
            let object = item.object(
                known: ["type"] + Self.parts, ignored: ["cors", "externalAuth", "extensionRef"]),
            let type = object.required("type", remedy: "Add the filter's `type`."), let name = type.text()
        else { return }
        guard self.supported.contains(name) else {
            type.refuse(
                Self.elsewhere[name].map { "the filter \(name) has no place here: \($0)" }
                    ?? "there is no filter \"\(YAMLNode.shortened(name))\"",
                remedy: Suggestion.remedy(for: name, among: self.supported, noun: "Filters"))
            return
        }
        let part = name == "URLRewrite" ? "urlRewrite" : name.prefix(1).lowercased() + name.dropFirst()
        for other in Self.parts where other != part {
            object[other]?.refuse("the filter's type is \(name), so `\(other)` does nothing", remedy: "Remove it.")
        }
        if !self.seen.insert(name).inserted, name != "RequestMirror" {
            type.refuse("this type of filter stands here already", remedy: "Put everything into one filter.")
        }
        guard let field = object.required(part, remedy: "Add `\(part):` with what the filter does.") else { return }
        switch name {
        case "RequestHeaderModifier": self.filters.requestHeaders = HeaderModifierReader.read(field)
        case "ResponseHeaderModifier": self.filters.responseHeaders = HeaderModifierReader.read(field)
        case "RequestRedirect": self.filters.redirect = Self.redirect(field)
        case "URLRewrite": self.filters.rewrite = Self.rewrite(field)
        default: if let mirror = self.mirror(field) { self.filters.mirrors.append(mirror) }
        }
    }

    // MARK: Redirect and rewrite

    private static let schemes = ["http", "https"]
    private static let redirectStatuses = [301, 302, 303, 307, 308]

    private static func redirect(_ field: Field) -> RequestRedirect? {
        guard let object = field.object(known: ["scheme", "hostname", "path", "port", "statusCode"]) else { return nil }
        var redirect = RequestRedirect()
        if let scheme = object["scheme"], let text = scheme.text() {
            if !Self.schemes.contains(text) {
                scheme.refuse(
                    "there is no scheme \"\(YAMLNode.shortened(text))\" to redirect to",
                    remedy: Suggestion.remedy(for: text, among: Self.schemes, noun: "Values"))
            }
            redirect.scheme = text
        }
        redirect.hostname = object["hostname"]?.subdomain("host name")
        redirect.path = object["path"].flatMap(Self.path)
        redirect.port = object["port"]?.port()
        if let status = object["statusCode"], let code = status.integer(in: 300...399, "status of a redirect") {
            if !Self.redirectStatuses.contains(code) {
                status.refuse(
                    "\(code) is no redirect that callers follow",
                    remedy: "Values: \(Self.redirectStatuses.map(String.init).joined(separator: ", ")).")
            }
            redirect.status = code
        }
        if redirect == RequestRedirect(status: redirect.status) {
            field.refuse(
                "the redirect changes nothing: its caller would come back for ever",
                remedy: "Set scheme, hostname, path or port.")
        }
        return redirect
    }

    private static func rewrite(_ field: Field) -> URLRewrite? {
        guard let object = field.object(known: ["hostname", "path"]) else { return nil }
        let rewrite = URLRewrite(
            hostname: object["hostname"]?.subdomain("host name"), path: object["path"].flatMap(Self.path))
        if rewrite == URLRewrite(), object["hostname"] == nil, object["path"] == nil {
            field.refuse("the rewrite changes nothing", remedy: "Set hostname or path, or remove the filter.")
        }
        return rewrite
    }

    private enum PathType: String, CaseIterable { case ReplaceFullPath, ReplacePrefixMatch }

    private static func path(_ field: Field) -> PathModifier? {
        guard let object = field.object(known: ["type", "replaceFullPath", "replacePrefixMatch"]),
            let type = object.required("type", remedy: "Add `type: ReplaceFullPath` or `ReplacePrefixMatch`.")?
                .word(PathType.self)
        else { return nil }
        let (name, other) =
            type == .ReplaceFullPath
            ? ("replaceFullPath", "replacePrefixMatch") : ("replacePrefixMatch", "replaceFullPath")
        if let useless = object[other] {
            useless.refuse("the type is \(type.rawValue), so `\(other)` does nothing", remedy: "Write `\(name)`.")
            return nil
        }
        guard let value = object.required(name, remedy: "Add `\(name): ` with the new path."),
            let text = value.anyText(atMost: 1024)
        else { return nil }
        // An empty prefix takes the matched one away.
        guard text.isEmpty && type == .ReplacePrefixMatch || RouteMatchReader.isPath(text, value) else { return nil }
        return type == .ReplaceFullPath ? .full(text) : .prefix(text)
    }

    // MARK: Mirror

    private func mirror(_ field: Field) -> RouteMirror? {
        guard let object = field.object(known: ["backendRef", "percent", "fraction"]),
            let reference = object.required("backendRef", remedy: "Add `backendRef:` with the name of a Service."),
            let target = reference.object(known: ["group", "kind", "name", "namespace", "port"]),
            let backend = BackendReader.reference(target, namespace: self.namespace)
        else { return nil }
        if let percent = object["percent"] {
            object["fraction"]?.refuse("`percent` says the share already", remedy: "Remove one of them.")
            guard let number = percent.integer(in: 0...100, "percentage") else { return nil }
            return RouteMirror(backend: backend, fraction: Fraction(number))
        }
        guard let fraction = object["fraction"] else { return RouteMirror(backend: backend) }
        guard let parts = fraction.object(known: ["numerator", "denominator"]) else { return nil }
        let denominator = parts["denominator"].map { $0.integer(in: 1...Int(Int32.max), "denominator") } ?? 100
        guard let denominator,
            let numerator = parts.required("numerator", remedy: "Add `numerator: `.")?
                .integer(in: 0...denominator, "numerator below the denominator")
        else { return nil }
        return RouteMirror(backend: backend, fraction: Fraction(numerator, of: denominator))
    }
}

/// Reads what a route names as its destinations.
enum BackendReader {
    static let referenceFields = ["group", "kind", "name", "namespace", "port"]

    /// A destination. `namespace` is the one where none is named.
    static func reference(_ object: ObjectFields, namespace: String) -> BackendReference? {
        let group = object["group"].map { $0.anyText() } ?? ""
        let kindText = object["kind"].map { $0.text() } ?? "Service"
        guard let group, let kindText else { return nil }
        guard let kind = BackendReference.Kind(rawValue: kindText) else {
            object["kind"]?.refuse(
                "traffic cannot go to a \(YAMLNode.shortened(kindText))",
                remedy: "Name a Service, or remove `kind`.")
            return nil
        }
        let expected = kind == .service ? "" : "weft.dev"
        if group != expected {
            (object["group"] ?? object.field).refuse(
                kind == .service
                    ? "a Service has the empty group, not \"\(YAMLNode.shortened(group))\""
                    : "an ExternalService has the group weft.dev",
                remedy: kind == .service ? "Remove `group`." : "Write group: weft.dev.")
        }
        let name = object.required("name", remedy: "Add the `name` of the \(kind.rawValue).")?.label("service")
        let target = object["namespace"].map { $0.label("namespace") } ?? namespace
        let port = object.required(
            "port", remedy: "Add the `port` of the \(kind.rawValue), the one that callers use.")?.port()
        guard let name, let target, let port else { return nil }
        return BackendReference(kind: kind, service: ServiceName(namespace: target, name: name), port: port)
    }

    /// One of a rule's weighted destinations; `filters` are the types of filter allowed at it, empty for none.
    static func backend(_ field: Field, namespace: String, filters: [String]) -> RouteBackend? {
        guard
            let object = field.object(
                known: self.referenceFields + ["weight"] + (filters.isEmpty ? [] : ["filters"]))
        else { return nil }
        let weight = object["weight"].map { $0.integer(in: 0...1_000_000, "weight") } ?? 1
        let read =
            object["filters"].map { RouteFilterReader.read($0, supported: filters, namespace: namespace) }
            ?? RouteFilters()
        guard let reference = self.reference(object, namespace: namespace), let weight else { return nil }
        return RouteBackend(
            kind: reference.kind, service: reference.service, port: reference.port, weight: weight,
            requestHeaders: read.requestHeaders, responseHeaders: read.responseHeaders, rewrite: read.rewrite,
            mirrors: read.mirrors)
    }
}
