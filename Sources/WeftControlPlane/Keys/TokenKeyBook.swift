internal import Logging
internal import WeftModel

/// Keeps the key sets that RequestAuthentications name: reads them as `TokenKeySchedule` says, and holds on to the last
/// good ones, over restarts too.
actor TokenKeyBook {
    private let table: any RecordTable
    private let logger: Logger
    private var schedule = TokenKeySchedule()
    private var random = SystemRandomNumberGenerator()
    private var texts: [TokenKeys: String] = [:]
    private var failures: [TokenKeys: String] = [:]
    /// Which rules want which keys, with where the rule was written.
    private var wanted: [TokenKeySource: (place: TokenKeys, provenance: Provenance?)] = [:]
    private let wakeUps: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(table: any RecordTable, logger: Logger) {
        self.table = table
        self.logger = logger
        (self.wakeUps, self.wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What was had, for each rule that keys are fetched for.
    var keys: [TokenKeySource: String] { self.wanted.compactMapValues { self.texts[$0.place] } }

    /// Keys that cannot be had, each with what that means.
    var problems: [Diagnostic] {
        self.wanted.compactMap { source, entry in
            guard let cause = self.failures[entry.place] else { return nil }
            let consequence =
                self.texts[entry.place] == nil
                ? "every token of the issuer is refused" : "the last good ones are believed meanwhile"
            return Diagnostic(
                .warning, "no keys from \(Self.shown(entry.place)): \(cause); \(consequence)",
                remedy: "Correct the address or path, or what answers there; it is tried again by itself.",
                file: entry.provenance?.file, line: entry.provenance?.line, resource: source.policy.description,
                field: "spec.rules[\(source.rule)]")
        }.sorted()
    }

    /// Takes up what an earlier run had.
    func restore() async {
        do {
            for (name, text) in try await self.table.all() {
                if let place = Self.place(name) { self.texts[place] = text }
            }
        } catch { self.logger.error("saved token keys could not be read", metadata: ["cause": "\(error)"]) }
    }

    /// Serves these resources from now on.
    func follow(_ resources: [Resource]) async {
        var wanted: [TokenKeySource: (place: TokenKeys, provenance: Provenance?)] = [:]
        for case .requestAuthentication(let policy) in resources {
            let key = Resource.requestAuthentication(policy).key
            for (index, rule) in policy.rules.enumerated() {
                switch rule.keys {
                case .inline: continue
                case .file, .url:
                    wanted[TokenKeySource(policy: key, rule: index)] = (rule.keys, policy.metadata.provenance)
                }
            }
        }
        self.wanted = wanted
        let places = Set(wanted.values.map(\.place))
        self.schedule.follow(places, now: .now)
        self.failures = self.failures.filter { places.contains($0.key) }
        for place in self.texts.keys where !places.contains(place) {
            self.texts[place] = nil
            try? await self.table.remove(Self.name(place))
        }
        self.wake.yield()
    }

    /// Reads what is due, and says so when keys are others than before; until cancelled.
    func run(changed: @escaping @Sendable () async -> Void) async {
        let fetcher = TokenKeyFetcher()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.readDue(fetcher, changed) }
            group.addTask {
                // Wakes the reader when something becomes due.
                while !Task.isCancelled {
                    let wait = await self.untilDue
                    guard (try? await Task.sleep(for: min(wait, .seconds(1)))) != nil else { return }
                    if wait <= .seconds(1) { self.wake.yield() }
                }
            }
            await group.waitForAll()
        }
        await fetcher.shutdown()
    }

    private var untilDue: Duration { max(.milliseconds(100), self.schedule.wait(now: .now) ?? .seconds(60)) }

    private func readDue(_ fetcher: TokenKeyFetcher, _ changed: @Sendable () async -> Void) async {
        for await _ in self.wakeUps {
            let places = self.schedule.due(now: .now)
            guard !places.isEmpty else { continue }
            let results = await withTaskGroup(of: (TokenKeys, Result<String, TokenKeyFetcher.Failure>).self) { group in
                // A policy names 16 at most, a mesh more: not all at once.
                var waiting = places[...]
                var results: [(TokenKeys, Result<String, TokenKeyFetcher.Failure>)] = []
                func start() {
                    guard let place = waiting.popFirst() else { return }
                    group.addTask {
                        do throws(TokenKeyFetcher.Failure) {
                            return (place, .success(try await fetcher.read(place)))
                        } catch { return (place, .failure(error)) }
                    }
                }
                for _ in 0..<8 { start() }
                for await result in group {
                    results.append(result)
                    start()
                }
                return results
            }
            if Task.isCancelled { return }
            var isChanged = false
            for (place, result) in results where await self.take(place, result) { isChanged = true }
            if isChanged { await changed() }
        }
    }

    /// Returns whether the keys are others than before.
    private func take(_ place: TokenKeys, _ result: Result<String, TokenKeyFetcher.Failure>) async -> Bool {
        let succeeded = (try? result.get()) != nil
        self.schedule.finished(place, succeeded: succeeded, now: .now, random: &self.random)
        // Nobody may want it any more.
        guard self.wanted.values.contains(where: { $0.place == place }) else { return false }
        switch result {
        case .failure(let failure):
            if self.failures[place] != failure.description {
                self.logger.warning(
                    "token keys could not be had",
                    metadata: ["from": "\(Self.shown(place))", "cause": "\(failure.description)"])
            }
            self.failures[place] = failure.description
            return false
        case .success(let text):
            self.failures[place] = nil
            guard self.texts[place] != text else { return false }
            self.texts[place] = text
            do { try await self.table.put(Self.name(place), text) } catch {
                self.logger.error("token keys could not be saved", metadata: ["cause": "\(error)"])
            }
            self.logger.info("token keys", metadata: ["from": "\(Self.shown(place))"])
            return true
        }
    }

    /// What a place is called in messages and logs: an address may have a secret in it.
    private static func shown(_ place: TokenKeys) -> String {
        if case .url(let url) = place { AddressText.redacted(url) } else { self.name(place) }
    }

    /// What a place is called in records: a path or an address.
    private static func name(_ place: TokenKeys) -> String {
        switch place {
        case .inline: ""
        case .file(let path): path
        case .url(let url): url
        }
    }

    private static func place(_ name: String) -> TokenKeys? {
        if name.isEmpty { return nil }
        return name.hasPrefix("/") ? .file(name) : .url(name)
    }
}
