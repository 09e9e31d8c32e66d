internal import WeftModel

/// What one resource, or one rule of a route, says about traffic.
final class LintLayer: Sendable {
    /// From the widest to the narrowest.
    enum Width: Int, Comparable {
        case mesh, service, route, rule

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    let width: Width
    let kind: ResourceKind
    let metadata: Metadata
    /// The path of the settings: `spec`, `spec.traffic`, `spec.rules[0]`.
    let path: String
    let settings: TrafficSettings
    let given: Set<TrafficSetting>
    /// Where the settings stand whose own line is not known.
    let line: Int?

    init(
        _ width: Width, kind: ResourceKind, metadata: Metadata, path: String, settings: TrafficSettings,
        line: Int? = nil
    ) {
        self.width = width
        self.kind = kind
        self.metadata = metadata
        self.path = path
        self.settings = settings
        self.given = settings.given
        self.line = line
    }

    var key: ResourceKey {
        ResourceKey(kind: self.kind, namespace: self.metadata.namespace, name: self.metadata.name)
    }

    /// The setting's field below `path`.
    func name(of setting: TrafficSetting) -> String {
        self.width == .rule ? setting.ruleField ?? setting.rawValue : setting.rawValue
    }
}

/// What holds for some calls once every policy has been heard, and who said each value.
struct LintTraffic {
    private(set) var settings = TrafficSettings()
    private var origins: [TrafficSetting: LintLayer] = [:]

    /// Puts a narrower layer over these values.
    mutating func apply(_ layer: LintLayer) {
        guard !layer.given.isEmpty else { return }
        self.settings = layer.settings.merged(over: self.settings)
        for setting in layer.given { self.origins[setting] = layer }
    }

    /// Who said a value; nil for the built-in default.
    func origin(_ setting: TrafficSetting) -> LintOrigin? {
        self.origins[setting].map { LintOrigin(layer: $0, setting: setting) }
    }

    func origins(_ settings: [TrafficSetting]) -> [LintOrigin] { settings.compactMap(self.origin) }

    var isSticky: Bool { self.settings.balancing?.stickyCookie != nil }
    var isHashing: Bool { self.settings.loadBalancing?.isHashing ?? false }
}

/// One value and who said it.
struct LintOrigin: Hashable {
    let layer: LintLayer
    let setting: TrafficSetting

    static func == (left: Self, right: Self) -> Bool {
        left.setting == right.setting && left.layer === right.layer
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.setting)
        hasher.combine(ObjectIdentifier(self.layer))
    }
}

/// Gathers findings about values that do not go together, each combination of values once however many calls it holds
/// for.
struct LintFindings {
    private struct Key: Hashable {
        let check: String
        let origins: [String]
    }

    private(set) var diagnostics: [Diagnostic] = []
    private var seen: Set<Key> = []

    /// The finding is about the narrowest of the origins, and names the others; nothing is found among defaults alone.
    mutating func add(
        _ check: String, severity: Diagnostic.Severity = .warning, _ origins: [LintOrigin], _ message: String,
        remedy: String
    ) {
        guard let width = origins.map(\.layer.width).max(),
            let main = origins.first(where: { $0.layer.width == width })
        else { return }
        let names = origins.map { "\($0.layer.key) \($0.layer.path).\($0.layer.name(of: $0.setting))" }
        guard self.seen.insert(Key(check: check, origins: names)).inserted else { return }
        let others = origins.filter { $0.layer !== main.layer }.map { origin in
            "\(origin.layer.name(of: origin.setting)) of \(origin.layer.key)"
        }
        self.diagnostics.append(
            main.layer.metadata.finding(
                severity, kind: main.layer.kind, field: "\(main.layer.path).\(main.layer.name(of: main.setting))",
                others.isEmpty ? message : "\(message) (with \(others.joined(separator: ", ")))", remedy: remedy,
                line: main.layer.settings.lines[main.setting] ?? main.layer.line))
    }
}
