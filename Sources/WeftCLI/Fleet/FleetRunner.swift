internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import WeftModel

/// Runs a fleet: brings it up from its file, takes up changes of the file, and takes it down.
package final class FleetRunner: Sendable {
    package let paths: FleetPaths
    package let supervisor: Supervisor
    package let journal: FleetJournal
    private let shownAs: String
    private let environment: [String: String]
    private let progress: @Sendable (String) -> Void
    private let plan: Guarded<FleetPlan?>

    /// How long the control plane, and then the sidecars, may take to be ready.
    private static let patience = Duration.seconds(60)
    /// After so many starts in vain nothing more is hoped for: some 6 s.
    private static let hopeless = 5

    package init(
        _ paths: FleetPaths, shownAs: String, environment: [String: String],
        progress: @escaping @Sendable (String) -> Void
    ) throws {
        try paths.make()
        self.paths = paths
        self.shownAs = shownAs
        self.environment = environment
        self.progress = progress
        self.plan = Guarded(nil)
        var state =
            try paths.load()
            ?? FleetState(fleet: "", file: paths.file, apiSocket: paths.apiSocket, ports: PortBook(seed: paths.seed))
        state.supervisor = ProcessMark(of: getpid())
        state.phase = .starting
        state.apiSocket = paths.apiSocket
        state.processes = []
        let journal = FleetJournal(state, paths: paths)
        self.journal = journal
        let address = APIAddress.socket(path: paths.apiSocket)
        self.supervisor = Supervisor(
            logs: paths.logs, environment: environment,
            token: { joining in
                // A sidecar starts from the identity it saved, whether a control plane answers or not.
                guard joining.needsToken(now: Date()), FileManager.default.fileExists(atPath: paths.apiSocket) else {
                    return nil
                }
                let token = try? await APIClient.with(address) { api in
                    try await api.createToken(
                        TokenRequest(
                            service: joining.service, account: joining.account, namespace: joining.namespace,
                            ttlSeconds: 600, labels: joining.labels)
                    ).token
                }
                if let token { joining.took(token) }
                return token
            },
            journal: { reports in journal.update { $0.processes = reports } })
        FleetRegister(home: Machine.home).add(paths)
        journal.update { $0.message = "starting" }
    }

    /// The plan that runs now; nil before the first `bringUp`.
    package var current: FleetPlan? { self.plan.with { $0 } }

    /// Brings the fleet to what its file says: starts, replaces and stops what differs, applies the resources, and
    /// returns when everything is ready.
    package func bringUp() async throws {
        self.journal.update {
            $0.phase = .starting
            $0.message = "reading \(self.shownAs)"
        }
        let source = try FleetSource.load(self.paths, shownAs: self.shownAs)
        var ports = self.journal.current.ports
        let running = Set(ports.ports.values)
        let environment = self.environment
        let plan = try FleetPlan(
            source.fleet, ports: &ports,
            in: FleetPlan.Surroundings(
                weft: Machine.executable, directory: self.paths.directory, state: self.paths.state,
                apiSocket: self.paths.apiSocket, environment: environment,
                isInstalled: { Machine.isInstalled($0, environment: environment) },
                isFree: { running.contains($0) || Machine.isFree($0) }))
        try await self.refuseTakenPorts(source.fleet)
        for directory in Set(plan.logFiles.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) }) {
            do {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            } catch {
                throw CommandFailure(
                    "the access logs have no directory", at: "telemetry.access-log-output", because: "\(error)",
                    remedy: "Make \(directory), or write another.")
            }
        }
        self.plan.with { $0 = plan }
        self.journal.update {
            $0.fleet = source.fleet.name
            $0.ports = ports
        }
        for name in await self.supervisor.reports.map(\.name) where !plan.processes.contains(where: { $0.name == name })
        {
            self.say("stopping \(name)")
            await self.supervisor.remove(name)
        }
        await self.supervisor.want(plan.control)
        try await self.waitForControlPlane()
        try await self.apply(source)
        for process in plan.members { await self.supervisor.want(process) }
        try await self.waitForSidecars(plan)
        self.journal.update {
            $0.phase = .ready
            $0.message = "ready"
        }
        self.say("ready: \(plan.members.count / 2) workloads")
    }

    /// Starts sidecars again, with a new token, whose identity has run out; until cancelled.
    package func replaceExpired() async {
        while (try? await Task.sleep(for: .seconds(30))) != nil {
            for process in self.current?.members ?? [] where process.joins?.hasRunOut(now: Date()) == true {
                self.progress("\(process.name) is started again: its identity has run out")
                await self.supervisor.restart(process.name)
            }
        }
    }

    /// Stops everything and says so in the state file.
    package func takeDown() async {
        // A failure stays to be seen by whoever waits.
        self.journal.update { if $0.phase != .failed { $0.phase = .stopping } }
        await self.supervisor.shutdown()
        self.journal.update {
            $0.processes = []
            $0.supervisor = nil
            if $0.phase != .failed {
                $0.phase = .stopped
                $0.message = "stopped"
            }
        }
        FleetRegister(home: Machine.home).remove(self.paths)
    }

    package func fail(_ error: any Error) {
        self.journal.update {
            $0.phase = .failed
            $0.message = "\(error)"
        }
    }

    // MARK: Parts

    private func say(_ text: String) {
        self.journal.update { $0.message = text }
        self.progress(text)
    }

    /// A port that the file asks for by number must be ours or free.
    private func refuseTakenPorts(_ fleet: Fleet) async throws {
        let running = await self.supervisor.reports
        for member in fleet.services {
            guard let port = member.port, !running.contains(where: { $0.name == member.name }), !Machine.isFree(port)
            else { continue }
            throw CommandFailure(
                "port \(port) is in use", at: "\(self.shownAs): services.\(member.name).port",
                remedy: "Stop what listens there (`ss -ltnp 'sport = :\(port)'` names it), or choose another port.")
        }
    }

    private func waitForControlPlane() async throws {
        self.say("starting the control plane")
        let address = APIAddress.socket(path: self.paths.apiSocket)
        try await self.wait(for: "the control plane", log: "control") {
            guard FileManager.default.fileExists(atPath: self.paths.apiSocket) else { return ["no socket yet"] }
            return await (try? APIClient.with(address) { await $0.isHealthy() }) == true ? [] : ["no answer yet"]
        }
        self.say("the control plane is ready")
    }

    /// Applies the documents, and deletes what an earlier run applied and the file no longer has.
    private func apply(_ source: FleetSource) async throws {
        guard !source.documents.isEmpty || !self.journal.current.applied.isEmpty else { return }
        try await APIClient.with(.socket(path: self.paths.apiSocket)) { api in
            var keys: [ResourceKey] = []
            if !source.documents.isEmpty {
                let response = try await api.apply(ApplyRequest(documents: source.documents, author: "weft up"))
                for warning in response.warnings { self.progress("\(warning)") }
                keys = response.changes.map(\.key)
                let changed = response.changes.count { $0.action != .unchanged }
                self.say("applied \(keys.count) resources, \(changed) changed (revision \(response.revision))")
            }
            for key in self.journal.current.applied where !keys.contains(key) {
                _ = try await api.delete(key)
                self.say("deleted \(key), which is no longer in the file")
            }
            let applied = keys
            self.journal.update { $0.applied = applied }
        }
    }

    private func waitForSidecars(_ plan: FleetPlan) async throws {
        let sidecars = plan.members.filter { $0.role == .sidecar }
        self.say("starting \(sidecars.count) workloads")
        let told = Guarded<Set<String>>([])
        try await self.wait(for: "the workloads", log: nil) {
            var missing = await self.supervisor.unsettled
            for sidecar in sidecars {
                guard let readiness = sidecar.readiness else { continue }
                let name = String(sidecar.name.dropLast(".sidecar".count))
                let answer = await Probe.get(port: readiness.port, path: readiness.path)
                if answer.isReady {
                    if told.with({ $0.insert(name).inserted }) { self.say("\(name) is ready") }
                } else {
                    missing.append("\(name): \(answer.cause)")
                }
            }
            return missing
        }
    }

    /// Asks again and again until nothing is missing; gives up with what still is.
    private func wait(
        for what: String, log: String?, _ missing: () async throws -> [String]
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        while true {
            let open = try await missing()
            if open.isEmpty { return }
            let ended = await self.supervisor.reports.filter { $0.state == .waiting && $0.restarts >= Self.hopeless }
            if clock.now > deadline || !ended.isEmpty {
                let time = Figures.span(seconds: (Self.patience - (deadline - clock.now)).components.seconds)
                throw CommandFailure(
                    "\(what) did not become ready within \(time)",
                    because: ended.isEmpty ? open.joined(separator: "; ") : nil,
                    remedy: "Read \(self.paths.logs)/\(log.map { "\($0).log" } ?? "NAME.log and NAME.sidecar.log").",
                    details: ended.map { report in
                        let line = LogFile.lastLine("\(self.paths.logs)/\(report.name).log")
                        return "\(report.name) \(report.lastEnd ?? "does not run")\(line.map { ": \($0)" } ?? "")"
                    })
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Asks a loopback port how it is.
enum Probe {
    struct Answer: Sendable {
        var isReady: Bool
        /// Why not.
        var cause: String
    }

    /// What a call through a sidecar came to.
    struct Reply: Sendable {
        /// Zero where no answer came.
        var status: Int
        /// The mesh's reason, where it answered itself.
        var reason: String?
        var body: String

        var summary: String { self.status == 0 ? self.body : "\(self.status)\(self.reason.map { ", \($0)" } ?? "")" }
    }

    /// Calls a service through the outbound port of a sidecar.
    static func call(_ service: String, path: String, through port: Int) async -> Reply {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "host", value: service)
        request.headers.add(name: "connection", value: "close")
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            let body = try await response.body.collect(upTo: 65536)
            return Reply(
                status: Int(response.status.code), reason: response.headers.first(name: "x-weft-reason"),
                body: String(buffer: body))
        } catch let error {
            return Reply(status: 0, reason: nil, body: "\(error)")
        }
    }

    static func get(port: Int, path: String) async -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "connection", value: "close")
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(2))
            let body = try await response.body.collect(upTo: 65536)
            let text = String(buffer: body).trimmingCharacters(in: .whitespacesAndNewlines)
            return Answer(isReady: (200..<400).contains(response.status.code), cause: text)
        } catch is CancellationError {
            return Answer(isReady: false, cause: "cancelled")
        } catch let error {
            return Answer(isReady: false, cause: "\(error)")
        }
    }
}
