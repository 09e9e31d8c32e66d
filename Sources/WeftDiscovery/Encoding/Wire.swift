internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos

/// The name under which Weft's extensions travel.
let weftExtensionName = "weft.v1"

/// "From this same stream."
let adsSource: Envoy_Config_Core_V3_ConfigSource = .with {
    $0.ads = Envoy_Config_Core_V3_AggregatedConfigSource()
    $0.resourceApiVersion = .v3
}

/// Wraps a message; equal messages give equal bytes.
func pack<M: Message>(_ message: M) throws -> Google_Protobuf_Any {
    var options = BinaryEncodingOptions()
    options.useDeterministicOrdering = true
    var packed = Google_Protobuf_Any()
    packed.typeURL = typeURL(of: M.self)
    packed.value = try message.serializedBytes(options: options)
    return packed
}

func typeURL<M: Message>(of type: M.Type) -> String { "type.googleapis.com/\(M.protoMessageName)" }

func socketAddress(_ address: String, _ port: Int) -> Envoy_Config_Core_V3_Address {
    .with {
        $0.socketAddress.address = address
        $0.socketAddress.portValue = UInt32(clamping: port)
    }
}

func weftMetadata(_ message: some Message) throws -> Envoy_Config_Core_V3_Metadata {
    var metadata = Envoy_Config_Core_V3_Metadata()
    metadata.typedFilterMetadata[weftExtensionName] = try pack(message)
    return metadata
}

extension Google_Protobuf_Duration {
    init(_ duration: Duration) {
        let parts = duration.components
        self.init(seconds: parts.seconds, nanos: Int32(parts.attoseconds / 1_000_000_000))
    }

    var swiftDuration: Duration { .seconds(self.seconds) + .nanoseconds(Int64(self.nanos)) }
}

extension Weft_V1_Provenance {
    init(_ provenance: Provenance) {
        self.init()
        self.kind = provenance.resource.kind.rawValue
        self.namespace = provenance.resource.namespace
        self.name = provenance.resource.name
        self.revision = provenance.revision.number
        self.file = provenance.file ?? ""
        self.line = UInt32(clamping: provenance.line ?? 0)
    }

    /// Nil where the kind is one that this version does not know.
    var model: Provenance? {
        guard let kind = ResourceKind(rawValue: self.kind) else { return nil }
        return Provenance(
            resource: ResourceKey(kind: kind, namespace: self.namespace, name: self.name),
            revision: Revision(self.revision), file: self.file.isEmpty ? nil : self.file,
            line: self.line == 0 ? nil : Int(self.line))
    }
}

extension ServicePort {
    /// Reads `name.namespace:port`; nil for other shapes.
    init?(parsing text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = Int(parts[1]), (1...65535).contains(port) else { return nil }
        let labels = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count == 2, labels.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(service: ServiceName(namespace: String(labels[1]), name: String(labels[0])), port: port)
    }

    /// The host names, with and without port, by which callers in `namespace` reach this port.
    func authorities(from namespace: String) -> [String] {
        var names = [self.service.description, "\(self.service).mesh"]
        if self.service.namespace == namespace { names.append(self.service.name) }
        return names.map { "\($0):\(self.port)" } + (self.port == 80 ? names : [])
    }
}
