internal import FoundationEssentials
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

// What the snapshot says, in the messages of the SPIFFE Workload API.

/// Why a caller gets nothing, as the Workload API tells it.
enum WorkloadRefusal: Error, Hashable, CustomStringConvertible {
    /// No entry is meant for the caller.
    case noEntry(ProcessFacts)
    /// The caller has an entry, and its certificate has not come yet or has run out.
    case notReady

    var description: String {
        switch self {
        case .noEntry(let process):
            "no registration entry is meant for this process (uid \(process.uid), gid \(process.gid), program \(process.path ?? "unknown"), unit \(process.unit ?? "none"))"
        case .notReady: "the certificate of this process has not come yet"
        }
    }
}

extension AgentSnapshot {
    /// The certificates of the caller, or why there are none.
    func x509(for process: ProcessFacts) throws(WorkloadRefusal) -> X509SVIDResponse {
        let grants = self.grants(of: process)
        guard !grants.isEmpty else { throw .noEntry(process) }
        guard let trust = self.trust else { throw .notReady }
        let bundle = Self.concatenated(trust.own.roots)
        let svids = grants.compactMap { entry, identity -> X509SVID? in
            guard let identity else { return nil }
            return .with {
                $0.spiffeID = "\(identity.id)"
                $0.x509Svid = Self.concatenated(identity.chain)
                $0.x509SvidKey = Data(identity.keyDER)
                $0.bundle = bundle
                $0.hint = entry.hint
            }
        }
        // What is on its way is waited for: without the first, the caller's default, another would be taken for it. What
        // will not come keeps nobody from the rest.
        guard !svids.isEmpty, grants.allSatisfy({ $1 != nil || self.absent.contains($0.id) }) else {
            throw .notReady
        }
        return .with {
            $0.svids = svids
            for domain in trust.federated {
                $0.federatedBundles["spiffe://\(domain.trustDomain)"] = Self.concatenated(domain.roots)
            }
        }
    }

    /// The roots that the caller verifies others by, or why it is told none.
    func x509Bundles(for process: ProcessFacts) throws(WorkloadRefusal) -> X509BundlesResponse {
        let trust = try self.trust(for: process)
        return .with {
            for domain in trust.all {
                $0.bundles["spiffe://\(domain.trustDomain)"] = Self.concatenated(domain.roots)
            }
        }
    }

    /// The keys that the caller verifies tokens with, or why it is told none.
    func jwtBundles(for process: ProcessFacts) throws(WorkloadRefusal) -> JWTBundlesResponse {
        let trust = try self.trust(for: process)
        return .with {
            for domain in trust.all { $0.bundles["spiffe://\(domain.trustDomain)"] = Data(domain.keySet.utf8) }
        }
    }

    /// Whom the caller may believe; only a process with an entry is told.
    func trust(for process: ProcessFacts) throws(WorkloadRefusal) -> WorkloadTrust {
        guard !self.grants(of: process).isEmpty else { throw .noEntry(process) }
        guard let trust = self.trust else { throw .notReady }
        return trust
    }

    private static func concatenated(_ certificates: [[UInt8]]) -> Data { Data(certificates.flatMap(\.self)) }
}
