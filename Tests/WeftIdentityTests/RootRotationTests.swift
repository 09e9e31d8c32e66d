import Testing
import WeftIdentity

@Suite struct RootRotationTests {
    /// A leaf lives a day.
    static let life: Int64 = 86_400

    /// A fleet where everybody trusts both roots and is under `issuer`.
    func fleet(_ issuer: String, trusting: Set<String> = ["old", "new"], _ names: [String] = ["a", "b"]) -> FleetTrust {
        FleetTrust(
            proxies: names.map { .init(name: $0, trustedRoots: trusting, issuerRoot: issuer) }, watchedSince: 0)
    }

    /// A rotation that was begun at 1000 and driven to `phase`, with the time then.
    func rotation(in phase: RootRotation.Phase) throws -> (RootRotation, now: Int64) {
        var rotation = RootRotation(oldRoot: "old", newRoot: "new", now: 1000)
        var now: Int64 = 1000
        while rotation.phase != phase {
            now += RootRotation.observation
            let before = rotation.phase
            if phase == .aborting, before == .issuing {
                _ = try rotation.abort(now: now, leavesUntil: now + Self.life)
            } else if rotation.phase == .settling {
                now += 2 * Self.life
                _ = rotation.step(now: now, fleet: self.fleet("new"), leavesUntil: now + Self.life)
            } else {
                let issuer = rotation.phase == .publishing ? "old" : "new"
                _ = rotation.step(now: now, fleet: self.fleet(issuer), leavesUntil: now + Self.life)
            }
            try #require(rotation.phase != before, "stuck in \(before)")
        }
        return (rotation, now)
    }

    @Test func `every phase waits for its condition and enters the next by itself`() {
        var rotation = RootRotation(oldRoot: "old", newRoot: "new", now: 1000)
        let behind = self.fleet("old", trusting: ["old"])
        #expect(rotation.step(now: 5000, fleet: behind, leavesUntil: 0) == .none)
        #expect(rotation.obstacle(now: 5000, fleet: behind) == .trust(["a", "b"]))
        #expect(rotation.step(now: 5000, fleet: self.fleet("old"), leavesUntil: 5000 + Self.life) == .issueUnderNew)
        #expect(rotation.phase == .issuing)
        #expect(rotation.obstacle(now: 6000, fleet: self.fleet("old")) == .renewal(["a", "b"]))
        #expect(rotation.step(now: 6000, fleet: self.fleet("old"), leavesUntil: 0) == .none)
        #expect(rotation.step(now: 6000, fleet: self.fleet("new"), leavesUntil: 0) == .none)
        #expect(rotation.phase == .settling)
        let until = 5000 + Self.life + RootRotation.skew
        #expect(rotation.obstacle(now: until - 1, fleet: self.fleet("new")) == .leaves(until: until))
        #expect(rotation.step(now: until - 1, fleet: self.fleet("new"), leavesUntil: 0) == .none)
        #expect(rotation.step(now: until, fleet: self.fleet("new"), leavesUntil: 0) == .withdrawOld)
        #expect(rotation.phase == .finished)
        #expect(rotation.step(now: until + 1, fleet: self.fleet("old"), leavesUntil: 0) == .none)
    }

    @Test func `a control plane that has just started does not take nobody for everybody`() {
        var rotation = RootRotation(oldRoot: "old", newRoot: "new", now: 1000)
        let restarted = FleetTrust(proxies: [], watchedSince: 90_000)
        #expect(rotation.step(now: 90_000, fleet: restarted, leavesUntil: 0) == .none)
        #expect(
            rotation.obstacle(now: 90_000, fleet: restarted) == .watching(until: 90_000 + RootRotation.observation))
        let later = 90_000 + RootRotation.observation
        #expect(rotation.step(now: later, fleet: restarted, leavesUntil: later) == .issueUnderNew)
    }

    @Test func `a proxy that comes while the others have followed is waited for, and one that goes is not`() throws {
        var (rotation, now) = try self.rotation(in: .publishing)
        now += RootRotation.observation
        var fleet = self.fleet("old")
        fleet.proxies.append(.init(name: "late"))
        #expect(rotation.step(now: now, fleet: fleet, leavesUntil: 0) == .none)
        #expect(rotation.obstacle(now: now, fleet: fleet) == .trust(["late"]))
        fleet.proxies.removeLast()
        #expect(rotation.step(now: now, fleet: fleet, leavesUntil: now) == .issueUnderNew)
        // One that was away comes back with a certificate of the old root, in the last phase.
        (rotation, now) = try self.rotation(in: .settling)
        now += 2 * Self.life
        var back = self.fleet("new")
        back.proxies.append(.init(name: "back", trustedRoots: ["old", "new"], issuerRoot: "old"))
        #expect(rotation.step(now: now, fleet: back, leavesUntil: 0) == .none)
        #expect(rotation.obstacle(now: now, fleet: back) == .renewal(["back"]))
    }

    @Test func `withdrawing early is refused with the names of those that would be cut off`() throws {
        let behind = self.fleet("old", trusting: ["old"], ["b", "a"])
        var (rotation, now) = try self.rotation(in: .publishing)
        #expect(throws: RotationRefusal.notYet(.trust(["a", "b"]))) {
            try rotation.withdraw(now: now, fleet: behind, force: true)
        }
        (rotation, now) = try self.rotation(in: .issuing)
        #expect(throws: RotationRefusal.notYet(.trust(["a", "b"]))) {
            try rotation.withdraw(now: now, fleet: behind, force: false)
        }
        #expect(throws: RotationRefusal.notYet(.renewal(["a", "b"]))) {
            try rotation.withdraw(now: now, fleet: self.fleet("old"), force: false)
        }
        #expect(rotation.phase == .issuing)
        (rotation, now) = try self.rotation(in: .settling)
        let error = #expect(throws: RotationRefusal.self) {
            try rotation.withdraw(now: now, fleet: self.fleet("new"), force: false)
        }
        guard case .notYet(.watching)? = error else { Issue.record("\(String(describing: error))"); return }
        now += RootRotation.observation
        #expect(throws: RotationRefusal.notYet(.leaves(until: try #require(rotation.leavesUntil)))) {
            try rotation.withdraw(now: now, fleet: self.fleet("new"), force: false)
        }
        #expect(try rotation.withdraw(now: now, fleet: behind, force: true) == .withdrawOld)
        #expect(rotation.phase == .finished)
    }

    @Test func `going on without everybody needs force`() throws {
        let behind = self.fleet("old", trusting: ["old"])
        var (rotation, now) = try self.rotation(in: .publishing)
        #expect(throws: RotationRefusal.notYet(.trust(["a", "b"]))) {
            try rotation.advance(now: now, fleet: behind, leavesUntil: now, force: false)
        }
        #expect(try rotation.advance(now: now, fleet: behind, leavesUntil: now, force: true) == .issueUnderNew)
    }

    @Test func `before the new root issues, going back is done at once`() throws {
        var (rotation, now) = try self.rotation(in: .publishing)
        #expect(try rotation.abort(now: now, leavesUntil: now + Self.life) == .withdrawNew)
        #expect(rotation.phase == .aborted)
    }

    @Test(arguments: [RootRotation.Phase.issuing, .settling])
    func `later the old root issues again, and the new one goes when its last leaf has expired`(
        phase: RootRotation.Phase
    ) throws {
        var (rotation, now) = try self.rotation(in: phase)
        #expect(try rotation.abort(now: now, leavesUntil: now + Self.life) == .issueUnderOld)
        #expect(rotation.phase == .aborting)
        #expect(throws: RotationRefusal.aborting) { try rotation.abort(now: now, leavesUntil: now) }
        #expect(throws: RotationRefusal.aborting) {
            try rotation.withdraw(now: now, fleet: self.fleet("old"), force: true)
        }
        let until = try #require(rotation.leavesUntil)
        #expect(rotation.obstacle(now: until, fleet: self.fleet("new")) == .renewal(["a", "b"]))
        #expect(rotation.step(now: until - 1, fleet: self.fleet("old"), leavesUntil: 0) == .none)
        #expect(rotation.step(now: until, fleet: self.fleet("old"), leavesUntil: 0) == .withdrawNew)
        #expect(rotation.phase == .aborted)
    }

    @Test func `what is over takes no orders`() throws {
        for phase in [RootRotation.Phase.finished, .aborted] {
            var (rotation, now) = try phase == .finished ? self.rotation(in: .finished) : self.rotation(in: .publishing)
            if phase == .aborted { _ = try rotation.abort(now: now, leavesUntil: now) }
            now += 1
            #expect(throws: RotationRefusal.notRunning) { try rotation.abort(now: now, leavesUntil: now) }
            #expect(throws: RotationRefusal.notRunning) {
                try rotation.withdraw(now: now, fleet: self.fleet("new"), force: true)
            }
            #expect(throws: RotationRefusal.notRunning) {
                try rotation.advance(now: now, fleet: self.fleet("new"), leavesUntil: now, force: true)
            }
        }
    }
}
