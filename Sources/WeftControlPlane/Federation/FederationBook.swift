internal import Foundation
internal import WeftIdentity
internal import WeftModel

/// Decides which trust domains are believed, by which roots, and when to look for newer ones.
///
/// Pure: the time, in seconds since 1970, and chance are arguments; the driver fetches and stores.
struct FederationBook: Sendable {
    /// What is kept of one trust domain over restarts.
    struct Saved: Hashable, Sendable, Codable {
        /// The bundle that the resource named when this was fetched: another one there begins anew.
        var seed: String?
        /// The document as it was fetched.
        var document: String
        var fetchedAt: Int64
    }

    /// One fetch to make.
    struct Poll: Hashable, Sendable {
        let domain: TrustDomain
        let endpoint: BundleEndpoint
        /// DER, to verify an endpoint of the profile https_spiffe by.
        let roots: [[UInt8]]
        /// Which resource it was asked for: an answer to an older question is not taken.
        let generation: Int
    }

    private struct Entry: Sendable {
        var federation: TrustDomainFederation
        var generation: Int
        var document: SPIFFEBundleDocument?
        var isFetched = false
        var fetchedAt: Int64?
        var due: Int64
        var isAsked = false
        var failures = 0
        var problem: String?

        /// What people call its resource.
        var name: String {
            "TrustDomainFederation/\(self.federation.metadata.namespace)/\(self.federation.metadata.name)"
        }
    }

    /// The most trust domains that are believed; those beyond, by key, are not.
    static let maxDomains = 256

    let ownDomain: TrustDomain
    private var entries: [TrustDomain: Entry] = [:]
    private var generation = 0

    init(ownDomain: TrustDomain) { self.ownDomain = ownDomain }

    /// The roots of each trust domain that is believed, DER.
    var bundles: [TrustDomain: [[UInt8]]] {
        self.entries.compactMapValues { $0.document?.roots }
    }

    /// The keys for JWT-SVIDs of each trust domain that is believed, as JSON Web Key Sets.
    var keySets: [TrustDomain: String] {
        self.entries.compactMapValues { $0.document?.jwtKeySet }
    }

    /// What keeps a federation from being followed.
    var problems: [Diagnostic] {
        let unusable = self.entries.values.flatMap { entry in
            (entry.document?.unusableKeys ?? []).map { cause in
                Diagnostic(
                    .warning, "a key for tokens of \(entry.federation.trustDomain) was left out: \(cause)",
                    remedy:
                        "Tokens that it signs are not accepted. RSA from 2048 bits on, P-256, P-384 and Ed25519 are taken.",
                    resource: entry.name)
            }
        }
        let failed = self.entries.values.compactMap { entry in
            entry.problem.map { problem in
                Diagnostic(
                    .warning, "the bundle of \(entry.federation.trustDomain) was not fetched: \(problem)",
                    remedy: entry.document == nil
                        ? "Nobody of that trust domain is believed until it is. Check the bundleEndpoint."
                        : "The last known bundle stays in force. Check the bundleEndpoint.",
                    resource: entry.name, field: "spec.bundleEndpoint")
            }
        }
        return (failed + unusable).sorted { $0.message < $1.message }
    }

    /// Takes the resources as they are now: what is gone is believed no longer, what is new or changed is due at once.
    ///
    /// Where two name one trust domain, the first by key counts; applying such is refused.
    mutating func configure(
        _ federations: [TrustDomainFederation], saved: (TrustDomain) -> Saved?, now: Int64
    ) {
        var next: [TrustDomain: Entry] = [:]
        let sorted = federations.sorted {
            ($0.metadata.namespace, $0.metadata.name) < ($1.metadata.namespace, $1.metadata.name)
        }
        for federation in sorted.prefix(Self.maxDomains)
        where federation.trustDomain != self.ownDomain && next[federation.trustDomain] == nil {
            let domain = federation.trustDomain
            if var entry = self.entries[domain], entry.federation.endpoint == federation.endpoint,
                entry.federation.bundle == federation.bundle
            {
                entry.federation = federation
                next[domain] = entry
                continue
            }
            self.generation += 1
            var entry = Entry(federation: federation, generation: self.generation, due: now)
            if federation.endpoint != nil, let saved = saved(domain), saved.seed == federation.bundle,
                let document = try? SPIFFEBundleDocument(Array(saved.document.utf8), of: domain)
            {
                entry.document = document
                entry.isFetched = true
                entry.fetchedAt = saved.fetchedAt
            } else if let bundle = federation.bundle {
                do throws(SPIFFEBundleError) {
                    entry.document = try SPIFFEBundleDocument(Array(bundle.utf8), of: domain)
                } catch {
                    entry.problem = "its `bundle` cannot be read: \(error)"
                }
            }
            next[domain] = entry
        }
        self.entries = next
    }

    /// The fetches to make now; each is made once until its answer is told.
    mutating func polls(now: Int64) -> [Poll] {
        var polls: [Poll] = []
        for (domain, entry) in self.entries where !entry.isAsked && entry.due <= now {
            guard let endpoint = entry.federation.endpoint else { continue }
            self.entries[domain]?.isAsked = true
            polls.append(
                Poll(
                    domain: domain, endpoint: endpoint, roots: entry.document?.roots ?? [],
                    generation: entry.generation))
        }
        return polls.sorted { $0.domain.name < $1.domain.name }
    }

    /// When the next fetch is due; nil while there is none to wait for.
    var nextDue: Int64? {
        self.entries.values.filter { $0.federation.endpoint != nil && !$0.isAsked }.map(\.due).min()
    }

    /// Takes what a fetch brought, and says what to store; nil stores nothing.
    ///
    /// - Parameter chance: 0 to 1; spreads the next fetches.
    mutating func fetched(
        _ poll: Poll, _ result: Result<[UInt8], FederationFetchError>, now: Int64, chance: Double
    ) -> Saved? {
        guard var entry = self.entries[poll.domain], entry.generation == poll.generation else { return nil }
        entry.isAsked = false
        defer { self.entries[poll.domain] = entry }
        do {
            let bytes = try result.get()
            let document = try SPIFFEBundleDocument(bytes, of: poll.domain)
            if entry.isFetched, let last = entry.document?.sequence, (document.sequence ?? last) < last {
                throw SPIFFEBundleError(
                    "its sequence went back from \(last) to \(document.sequence ?? 0): an older bundle is not taken")
            }
            let isNew = !entry.isFetched || document != entry.document
            entry.document = document
            entry.isFetched = true
            entry.fetchedAt = now
            entry.failures = 0
            entry.problem = nil
            let seconds = document.refresh.components.seconds
            // Between 90 and 100 % of the hint.
            entry.due = now + max(1, seconds - Int64(Double(seconds) * 0.1 * chance))
            guard isNew else { return nil }
            return Saved(
                seed: entry.federation.bundle, document: String(decoding: bytes, as: UTF8.self), fetchedAt: now)
        } catch {
            entry.failures += 1
            entry.problem = "\(error)"
            let longest = entry.document?.refresh.components.seconds ?? 300
            let wait = min(max(10, longest), Int64(5) << Int64(min(entry.failures, 10)))
            entry.due = now + wait - Int64(Double(wait) * 0.2 * chance)
            return nil
        }
    }

    // MARK: Checking what is applied

    /// What is wrong with the federations of a configuration.
    static func lint(_ resources: [Resource], ownDomain: TrustDomain) -> [Diagnostic] {
        var seen: [TrustDomain: ResourceKey] = [:]
        var findings: [Diagnostic] = []
        for resource in resources.sorted(by: { $0.key < $1.key }) {
            guard case .trustDomainFederation(let federation) = resource else { continue }
            func refuse(_ field: String, _ message: String, _ remedy: String) {
                findings.append(
                    Diagnostic(
                        .error, message, remedy: remedy, file: federation.metadata.provenance?.file,
                        line: federation.metadata.provenance?.line, resource: resource.key.description, field: field))
            }
            if federation.trustDomain == ownDomain {
                refuse(
                    "spec.trustDomain", "\(ownDomain) is this mesh's own trust domain",
                    "Name the other one. Two meshes that federate need different trust domains.")
            }
            if let other = seen[federation.trustDomain] {
                refuse(
                    "spec.trustDomain", "\(other) federates with \(federation.trustDomain) already",
                    "Remove one of them.")
            }
            seen[federation.trustDomain] = resource.key
            if let bundle = federation.bundle {
                do throws(SPIFFEBundleError) {
                    _ = try SPIFFEBundleDocument(Array(bundle.utf8), of: federation.trustDomain)
                } catch {
                    refuse(
                        "spec.bundle", "the bundle cannot be taken: \(error)",
                        "Write what the other trust domain's bundle endpoint serves, unchanged.")
                }
            }
        }
        return findings
    }
}

/// Why a bundle was not fetched.
struct FederationFetchError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}
