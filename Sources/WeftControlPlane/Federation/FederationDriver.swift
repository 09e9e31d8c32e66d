internal import Crypto
internal import Foundation
internal import Logging
internal import WeftIdentity
internal import WeftModel

/// What is believed of other trust domains, each for its own identities only.
struct FederatedTrust: Hashable, Sendable {
    /// DER of the roots of their X.509-SVIDs.
    var roots: [TrustDomain: [[UInt8]]] = [:]
    /// The keys of their JWT-SVIDs, as JSON Web Key Sets.
    var keySets: [TrustDomain: String] = [:]
}

/// Follows the `TrustDomainFederation` resources: fetches other trust domains' bundles, keeps them, and says which roots
/// and keys are believed. Also numbers the mesh's own bundle.
actor FederationDriver {
    private var book: FederationBook
    private let configurations: Configurations
    private let table: any RecordTable
    private let webRoots: String?
    private let audit: any AuditLog
    private let logger: Logger
    private var saved: [TrustDomain: FederationBook.Saved] = [:]
    private var own: OwnBundle?
    private var published = FederatedTrust()
    private let wakeUps: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    /// What is believed of all other trust domains, whenever it changes; the newest waits.
    nonisolated let updates: AsyncStream<FederatedTrust>
    private let publisher: AsyncStream<FederatedTrust>.Continuation

    /// Which number the own bundle has.
    private struct OwnBundle: Codable {
        var digest: String
        var sequence: UInt64
    }

    /// No trust domain is called so.
    private static let ownName = "#own"
    /// How soon others should look at ours again, seconds.
    private static let refreshHint = 300

    /// - Parameter webRoots: a PEM file with the authorities of https_web endpoints; nil: those this host trusts.
    init(
        configurations: Configurations, table: any RecordTable, trustDomain: TrustDomain, webRoots: String?,
        audit: any AuditLog, logger: Logger
    ) async throws {
        self.book = FederationBook(ownDomain: trustDomain)
        self.configurations = configurations
        self.table = table
        self.webRoots = webRoots
        self.audit = audit
        self.logger = logger
        (self.wakeUps, self.wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (self.updates, self.publisher) = AsyncStream.makeStream(
            of: FederatedTrust.self, bufferingPolicy: .bufferingNewest(1))
        let decoder = JSONDecoder()
        for (name, text) in try await table.all() {
            if name == Self.ownName {
                self.own = try decoder.decode(OwnBundle.self, from: Data(text.utf8))
            } else if let domain = TrustDomain(name) {
                self.saved[domain] = try? decoder.decode(FederationBook.Saved.self, from: Data(text.utf8))
            }
        }
    }

    /// The roots of each other trust domain that is believed, DER.
    var bundles: [TrustDomain: [[UInt8]]] { self.book.bundles }

    /// What is believed of each other trust domain.
    var believed: FederatedTrust { FederatedTrust(roots: self.book.bundles, keySets: self.book.keySets) }

    /// What keeps a federation from being followed.
    var problems: [Diagnostic] { self.book.problems }

    /// Takes the resources as the store has them: what was deleted is believed no longer when this returns.
    func reload() async throws {
        let loaded = try await self.configurations.load()
        let federations = loaded.resources.compactMap { resource in
            if case .trustDomainFederation(let value) = resource { value } else { nil }
        }
        let saved = self.saved
        self.book.configure(federations, saved: { saved[$0] }, now: Self.now)
        await self.publish()
        let wanted = Set(federations.map(\.trustDomain))
        for domain in self.saved.keys where !wanted.contains(domain) {
            self.saved[domain] = nil
            try await self.table.remove(domain.name)
        }
        self.wake.yield()
    }

    /// Fetches what is due; until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.wakeUps { await self.pollDue() } }
            group.addTask {
                while !Task.isCancelled {
                    let wait = await self.wait
                    guard (try? await Task.sleep(for: wait)) != nil else { return }
                    self.wake.yield()
                }
            }
            await group.waitForAll()
        }
    }

    /// How long until something is due; never so long that a new resource's own time is missed by much.
    private var wait: Duration {
        guard let due = self.book.nextDue else { return .seconds(5) }
        return .seconds(min(5, max(1, due - Self.now)))
    }

    private func pollDue() async {
        let polls = self.book.polls(now: Self.now)
        await withTaskGroup(of: (FederationBook.Poll, Result<[UInt8], FederationFetchError>).self) { group in
            var rest = polls[...]
            // Few at once: nobody is in a hurry, and a start with many must not be a burst.
            for poll in rest.prefix(8) { group.addTask { (poll, await self.fetch(poll)) } }
            rest = rest.dropFirst(8)
            for await (poll, result) in group {
                await self.take(poll, result)
                if let next = rest.popFirst() { group.addTask { (next, await self.fetch(next)) } }
            }
        }
    }

    private func take(_ poll: FederationBook.Poll, _ result: Result<[UInt8], FederationFetchError>) async {
        let before = self.book.problems
        let saved = self.book.fetched(poll, result, now: Self.now, chance: Double.random(in: 0...1))
        for problem in self.book.problems where !before.contains(problem) {
            self.logger.warning("a federation is not followed", metadata: ["cause": "\(problem.message)"])
        }
        await self.publish()
        guard let saved else { return }
        self.saved[poll.domain] = saved
        do {
            let text = String(decoding: try JSONEncoder().encode(saved), as: UTF8.self)
            try await self.table.put(poll.domain.name, text)
        } catch {
            self.logger.error(
                "a bundle was not kept", metadata: ["trust_domain": "\(poll.domain)", "cause": "\(error)"])
        }
    }

    private nonisolated func fetch(_ poll: FederationBook.Poll) async -> Result<[UInt8], FederationFetchError> {
        let fetch = HTTPSFetch(timeout: .seconds(10), maxBytes: SPIFFEBundleDocument.maxBytes)
        do {
            let trust: HTTPSFetch.Trust
            switch poll.endpoint.profile {
            case .web: trust = .web(roots: self.webRoots)
            case .spiffe(let id):
                let bundle = try TrustBundle(trustDomain: poll.domain, der: poll.roots)
                trust = .spiffe(id, SVIDVerifier(bundles: [bundle]))
            }
            let reply = try await fetch.send(
                HTTPSFetch.Request(address: poll.endpoint.url, path: poll.endpoint.url.path), trusting: trust)
            guard reply.status == 200 else {
                return .failure(FederationFetchError(description: "it answered \(reply.status)"))
            }
            return .success(reply.body)
        } catch {
            return .failure(FederationFetchError(description: "\(error)"))
        }
    }

    private func publish() async {
        let (now, before) = (self.believed, self.published)
        guard now != before else { return }
        let changed = Set(now.roots.keys).union(before.roots.keys).filter {
            now.roots[$0] != before.roots[$0] || now.keySets[$0] != before.keySets[$0]
        }
        self.published = now
        self.publisher.yield(now)
        for domain in changed.sorted(by: { $0.name < $1.name }) {
            let roots = now.roots[domain]
            self.logger.notice(
                roots == nil ? "a trust domain is believed no longer" : "a trust domain is believed",
                metadata: [
                    "trust_domain": "\(domain)", "roots": "\(roots?.count ?? 0)",
                    "token_keys": "\(now.keySets[domain].map(Self.keyNames).map(\.count) ?? 0)",
                ])
            await self.audit.record(
                AuditEvent(
                    at: Self.now * 1000, kind: .authority, actor: "federation", subject: "spiffe://\(domain)",
                    details: [
                        "roots": roots.map { $0.map(certificateFingerprint).joined(separator: " ") } ?? "none",
                        "tokenKeys": String(
                            (now.keySets[domain].map(Self.keyNames) ?? []).joined(separator: " ").prefix(2048)),
                    ]))
        }
    }

    /// The names of a key set's keys.
    private static func keyNames(_ keySet: String) -> [String] {
        ((try? JSONWebKeySet(keySet))?.keys ?? []).compactMap(\.id)
    }

    // MARK: The own bundle

    /// The mesh's own bundle as it is served; its number is kept, and grows when its content changes.
    func ownDocument(roots: [[UInt8]], jwtKeys: [String: StrictJSON] = [:]) async throws -> [UInt8] {
        var document = SPIFFEBundleDocument(roots: roots, jwtKeys: jwtKeys, refreshHint: Self.refreshHint)
        let digest = Hex.encode(SHA256.hash(data: try document.encoded()))
        if let own = self.own, own.digest == digest {
            document.sequence = own.sequence
            return try document.encoded()
        }
        let next = OwnBundle(digest: digest, sequence: (self.own?.sequence ?? 0) + 1)
        // Taken before anything waits, so that two at once do not give two contents one number.
        let before = self.own
        self.own = next
        do {
            try await self.table.put(
                Self.ownName, String(decoding: try JSONEncoder().encode(next), as: UTF8.self))
        } catch {
            if self.own?.digest == digest { self.own = before }
            throw error
        }
        document.sequence = next.sequence
        return try document.encoded()
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}
