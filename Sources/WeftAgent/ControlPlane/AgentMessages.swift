internal import FoundationEssentials
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// What the control plane said that an agent cannot follow.
struct UnreadableState: Error, CustomStringConvertible {
    let description: String
}

extension AgentEntry {
    /// Reads an entry; throws `UnreadableState` for one that a newer control plane wrote in words not known here, because
    /// a selector that is passed over would give the identity to too many.
    init(_ message: Weft_V1_AgentEntry, trustDomain: TrustDomain) throws {
        guard let id = SPIFFEID(message.spiffeID), id.trustDomain == trustDomain, id.workload != nil else {
            throw UnreadableState(description: "the entry \(message.id) has the identity \(message.spiffeID)")
        }
        let selectors = try message.selectors.map { selector -> ProcessSelector in
            switch selector.selector {
            case .uid(let number)?: .uid(number)
            case .gid(let number)?: .gid(number)
            case .path(let path)?: .path(path)
            case .unit(let unit)?: .unit(unit)
            case .user(let user)?: .user(user)
            case nil:
                throw UnreadableState(description: "the entry \(message.id) has a selector that is not known here")
            }
        }
        guard !selectors.isEmpty else {
            throw UnreadableState(description: "the entry \(message.id) has no selector")
        }
        self.init(
            id: message.id, spiffeID: id, selectors: selectors, hint: message.hint, ttlSeconds: message.ttlSeconds,
            dnsNames: message.dnsNames)
    }
}

extension WorkloadTrust {
    init(_ message: Weft_V1_AgentState) throws {
        self.init(
            own: try TrustedDomain(message.own), federated: try message.federated.map { try TrustedDomain($0) },
            renewBefore: message.renewBeforeUnix == 0 ? nil : message.renewBeforeUnix)
    }
}

extension TrustedDomain {
    fileprivate init(_ message: Weft_V1_TrustedDomain) throws {
        guard let trustDomain = TrustDomain(message.name) else {
            throw UnreadableState(description: "\(message.name.prefix(64)) is no trust domain")
        }
        self.init(
            trustDomain: trustDomain, roots: message.rootsDer.map { Array($0) },
            keySet: String(decoding: message.jwks, as: UTF8.self))
    }
}
