internal import FoundationEssentials
package import WeftModel

/// What a workload trusts, as a file beside its identity, so that a restart trusts and refuses the same.
package enum SavedTrust {
    package static let fileName = "trust.json"

    /// Saves the state, and its own roots once more where programs that know nothing of it look for them.
    package static func save(_ trust: TrustState, to storage: some CredentialStorage) throws(WorkloadIdentityError) {
        let bytes: [UInt8]
        do { bytes = Array(try JSONEncoder().encode(Document(trust))) } catch {
            throw .damaged("what is trusted cannot be written: \(error)")
        }
        do {
            try storage.write(self.fileName, bytes)
            try storage.write(WorkloadIdentity.bundleFileName, Array(PEM.encode(trust.roots).utf8))
        } catch {
            throw .storage(error)
        }
    }

    /// Loads what `save` wrote; nil when there is nothing, as beside identities of before there was such a file.
    package static func load(from storage: some CredentialStorage) throws(WorkloadIdentityError) -> TrustState? {
        let bytes: [UInt8]?
        do { bytes = try storage.read(self.fileName) } catch { throw .storage(error) }
        guard let bytes else { return nil }
        do {
            return try JSONDecoder().decode(Document.self, from: Data(bytes)).state()
        } catch let error as WorkloadIdentityError {
            throw error
        } catch {
            throw .damaged("\(self.fileName) cannot be read: \(error)")
        }
    }

    /// Forgets it: an identity of another origin trusts what came with it.
    package static func remove(from storage: some CredentialStorage) throws(WorkloadIdentityError) {
        do { try storage.remove(self.fileName) } catch { throw .storage(error) }
    }

    private struct Document: Codable {
        var trustDomain: String
        var version: UInt64
        var roots: [Data]
        var federated: [String: [Data]]
        var revoked: [String]
        var renewBefore: Int64?

        init(_ trust: TrustState) {
            self.trustDomain = trust.trustDomain.name
            self.version = trust.version
            self.roots = trust.roots.map { Data($0) }
            self.federated = Dictionary(
                uniqueKeysWithValues: trust.federated.map { ($0.name, $1.map { Data($0) }) })
            self.revoked = trust.revoked.map(\.description).sorted()
            self.renewBefore = trust.renewBefore
        }

        func state() throws(WorkloadIdentityError) -> TrustState {
            func domain(_ name: String) throws(WorkloadIdentityError) -> TrustDomain {
                guard let domain = TrustDomain(name) else {
                    throw .damaged("\(SavedTrust.fileName) names \(name), which is no trust domain")
                }
                return domain
            }
            var state = TrustState(
                trustDomain: try domain(self.trustDomain), roots: self.roots.map { [UInt8]($0) },
                renewBefore: self.renewBefore, version: self.version)
            for (name, roots) in self.federated { state.federated[try domain(name)] = roots.map { [UInt8]($0) } }
            for text in self.revoked {
                guard let id = SPIFFEID(text) else {
                    throw .damaged("\(SavedTrust.fileName) names \(text), which is no SPIFFE ID")
                }
                state.revoked.insert(id)
            }
            return state
        }
    }
}
