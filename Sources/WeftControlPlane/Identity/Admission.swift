internal import WeftModel

/// What an identity joined for: kept for as long as the mesh has it, over restarts.
struct Admission: Hashable, Sendable, Codable {
    /// The services that it may register for.
    var services: Set<String> = []
    /// The labels that it may claim.
    var labels = LabelGrants()

    init() {}

    private enum CodingKeys: String, CodingKey {
        case services, labels
    }

    /// Earlier versions wrote the list of services alone.
    init(from decoder: any Decoder) throws {
        guard let container = try? decoder.container(keyedBy: CodingKeys.self) else {
            self.services = try decoder.singleValueContainer().decode(Set<String>.self)
            return
        }
        self.services = try container.decode(Set<String>.self, forKey: .services)
        self.labels = try container.decodeIfPresent(LabelGrants.self, forKey: .labels) ?? LabelGrants()
    }

    /// The list alone where there is nothing else to say, which earlier versions read.
    func encode(to encoder: any Encoder) throws {
        guard !self.labels.isEmpty else {
            var container = encoder.singleValueContainer()
            try container.encode(self.services.sorted())
            return
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.services.sorted(), forKey: .services)
        try container.encode(self.labels, forKey: .labels)
    }
}
