/// The labels that an identity may claim for its workloads, as its join tokens and registration entries name them.
package struct LabelGrants: Hashable, Sendable, Codable {
    /// The values that may be claimed, by key.
    private var values: [String: Set<String>] = [:]

    /// Labels of one token or entry, at most.
    package static let perSource = 16
    /// Values of one identity, at most; what comes later is left out.
    package static let maxValues = 256

    package init(_ labels: [String: String] = [:]) { self.add(labels) }

    package var isEmpty: Bool { self.values.isEmpty }

    package func contains(_ key: String, _ value: String) -> Bool { self.values[key]?.contains(value) ?? false }

    /// Whether anything is said of a label: then no other value of it counts.
    package func names(_ key: String) -> Bool { self.values[key] != nil }

    package mutating func add(_ labels: [String: String]) {
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) where self.count < Self.maxValues {
            self.values[key, default: []].insert(value)
        }
    }

    package func union(_ other: LabelGrants) -> LabelGrants {
        var union = self
        for (key, values) in other.values {
            for value in values { union.add([key: value]) }
        }
        return union
    }

    private var count: Int { self.values.values.reduce(0) { $0 + $1.count } }

    /// `{"tier": ["gold"]}`, in order, so that equal ones are written alike.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.values.mapValues { $0.sorted() })
    }

    package init(from decoder: any Decoder) throws {
        self.values = try decoder.singleValueContainer().decode([String: Set<String>].self)
    }
}
