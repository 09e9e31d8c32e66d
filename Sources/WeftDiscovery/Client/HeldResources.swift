internal import SwiftProtobuf
internal import WeftProtos

/// What a discovery client wants, awaits and has of one type.
struct HeldResources: Sendable {
    /// A resource as it came and as it was read.
    struct Entry: Sendable {
        let name: String
        let version: String
        let body: Google_Protobuf_Any
        let resource: XDSDecoder.Resource

        init(
            _ type: ResourceType, name: String, version: String, body: Google_Protobuf_Any
        ) throws(XDSDecodingError) {
            self.resource = try XDSDecoder.decode(type, body)
            guard self.resource.name == name else {
                throw XDSDecodingError(resource: name, field: "name", cause: "is '\(self.resource.name)' inside")
            }
            self.name = name
            self.version = version
            self.body = body
        }

        /// Reads a resource of a state-of-the-world response: bare, or in a wrapper that names it.
        init(_ type: ResourceType, wrapped body: Google_Protobuf_Any, version: String) throws(XDSDecodingError) {
            if body.typeURL == typeURL(of: Envoy_Service_Discovery_V3_Resource.self) {
                let wrapper: Envoy_Service_Discovery_V3_Resource = try unpack(body)
                self.resource = try XDSDecoder.decode(type, wrapper.resource)
                self.body = wrapper.resource
            } else {
                self.resource = try XDSDecoder.decode(type, body)
                self.body = body
            }
            self.name = self.resource.name
            self.version = version
        }
    }

    /// What to tell the server about what is wanted.
    struct Change {
        var added: Set<String>
        var removed: Set<String>
        /// Whether this is the first request of the type on the stream.
        var isFirst: Bool
    }

    let type: ResourceType
    /// Of the last response on this stream; empty before.
    var nonce = ""
    /// State of the world only: survives the stream.
    var acceptedVersion = ""

    private var entries: [String: Entry] = [:]
    private var absent: Set<String> = []
    private var wanted: Set<String> = []
    private var stated: Set<String> = []
    private var isStated = false
    /// Since when a name has been waited for.
    private var waits: [String: ContinuousClock.Instant] = [:]

    init(type: ResourceType) { self.type = type }

    static func refuseDuplicates(in entries: [Entry]) throws(XDSDecodingError) {
        var seen: Set<String> = []
        for entry in entries where !seen.insert(entry.name).inserted {
            throw XDSDecodingError(resource: entry.name, field: "name", cause: "comes twice in one response")
        }
    }

    func resource(_ name: String) -> XDSDecoder.Resource? { self.entries[name]?.resource }
    func isAbsent(_ name: String) -> Bool { self.absent.contains(name) }

    /// What is held, as a stream's first request states it.
    var versions: [String: String] {
        var versions: [String: String] = [:]
        for name in self.wanted { versions[name] = self.entries[name]?.version }
        return versions
    }

    var wantedNames: [String] { self.wanted.sorted() }

    var saved: [Weft_V1_SavedConfiguration.Resource] {
        self.entries.values.sorted { $0.name < $1.name }.map { entry in
            .with {
                $0.name = entry.name
                $0.version = entry.version
                $0.body = entry.body
            }
        }
    }

    mutating func streamOpened(now: ContinuousClock.Instant) {
        self.nonce = ""
        self.stated = []
        self.isStated = false
        for name in self.waits.keys { self.waits[name] = now }
    }

    mutating func update(_ entry: Entry) {
        self.entries[entry.name] = entry
        self.absent.remove(entry.name)
        self.waits[entry.name] = nil
    }

    mutating func remove(_ name: String) {
        self.entries[name] = nil
        self.waits[name] = nil
        self.absent.insert(name)
    }

    mutating func removeDelivered(except names: Set<String>) {
        for name in self.entries.keys where !names.contains(name) { self.remove(name) }
    }

    /// Sets what is wanted; what is not any more is forgotten. Nil where the server need not hear of it.
    mutating func want(_ names: Set<String>, now: ContinuousClock.Instant) -> Change? {
        self.wanted = names
        for name in self.entries.keys where !names.contains(name) { self.entries[name] = nil }
        self.absent.formIntersection(names)
        for name in self.waits.keys where !names.contains(name) { self.waits[name] = nil }
        for name in names where self.entries[name] == nil && !self.absent.contains(name) && self.waits[name] == nil {
            self.waits[name] = now
        }
        guard names != self.stated else { return nil }
        return Change(
            added: names.subtracting(self.stated), removed: self.stated.subtracting(names), isFirst: !self.isStated)
    }

    /// The server has been told what is wanted.
    mutating func wasStated() {
        self.stated = self.wanted
        self.isStated = true
    }

    var oldestWait: ContinuousClock.Instant? { self.waits.values.min() }

    /// Counts names waited for since before `instant` as absent.
    mutating func giveUp(on instant: ContinuousClock.Instant) {
        for (name, since) in self.waits where since <= instant {
            self.waits[name] = nil
            self.absent.insert(name)
        }
    }
}
