internal import FoundationEssentials

/// Decides how a mesh moves from one root to another without anybody being refused on the way.
///
/// Both roots are published first; when every proxy trusts the new one, it issues; when every leaf is under it, and the
/// last one of the old has expired, the old is withdrawn. Going back is possible until then. Owns no clock, key or file:
/// whoever drives it saves the new state before acting on the answer, so that a crash repeats nothing and skips nothing.
package struct RootRotation: Hashable, Sendable, Codable {
    package enum Phase: String, Hashable, Sendable, Codable, CaseIterable {
        /// Both are trusted, the old one issues, until every proxy trusts the new one.
        case publishing
        /// Both are trusted, the new one issues, until every proxy's certificate is under it.
        case issuing
        /// As before, until the last leaf of the old one has expired.
        case settling
        /// Called off: the old one issues again, and the new one is trusted until its last leaf has expired.
        case aborting
        /// The old one is withdrawn.
        case finished
        /// The new one is withdrawn.
        case aborted
    }

    /// What the driver does next.
    package enum Action: Hashable, Sendable {
        case none
        /// Issue under the new root, and have everybody renew.
        case issueUnderNew
        /// Issue under the old root again, and have everybody renew.
        case issueUnderOld
        /// Trust the old root no longer.
        case withdrawOld
        /// Trust the new root no longer.
        case withdrawNew
    }

    package private(set) var phase: Phase
    /// SHA-256 of the root that issued before, hex.
    package let oldRoot: String
    /// SHA-256 of the root that is to issue, hex.
    package let newRoot: String
    /// Seconds since 1970, as are all times here.
    package let startedAt: Int64
    package private(set) var phaseSince: Int64
    /// When the last leaf of the root that no longer issues has expired; nil while that root issues.
    package private(set) var leavesUntil: Int64?

    /// How long the fleet is watched before it is believed to be complete, seconds.
    package static let observation: Int64 = 15
    /// What clocks may differ, seconds: a leaf is believed that much longer than it lives.
    package static let skew: Int64 = 60

    package init(oldRoot: String, newRoot: String, now: Int64) {
        self.phase = .publishing
        self.oldRoot = oldRoot
        self.newRoot = newRoot
        self.startedAt = now
        self.phaseSince = now
    }

    /// Whether two roots are trusted.
    package var isRunning: Bool { self.phase != .finished && self.phase != .aborted }

    /// Whether the new root issues.
    package var newRootIssues: Bool { [.issuing, .settling, .finished].contains(self.phase) }

    /// Goes on where the phase's condition holds: at most one phase at a time.
    ///
    /// - Parameter leavesUntil: when all that has been signed until now has expired, seconds since 1970.
    package mutating func step(now: Int64, fleet: FleetTrust, leavesUntil: Int64) -> Action {
        guard self.obstacle(now: now, fleet: fleet) == nil else { return .none }
        return self.proceed(now: now, leavesUntil: leavesUntil)
    }

    /// Goes on though the phase's condition may not hold; without `force` it is refused with the names of those that
    /// would be cut off.
    package mutating func advance(
        now: Int64, fleet: FleetTrust, leavesUntil: Int64, force: Bool
    ) throws(RotationRefusal) -> Action {
        guard self.isRunning else { throw .notRunning }
        if !force, let obstacle = self.obstacle(now: now, fleet: fleet) { throw .notYet(obstacle) }
        return self.proceed(now: now, leavesUntil: leavesUntil)
    }

    /// Withdraws the old root; without `force` only when nobody needs it any more.
    package mutating func withdraw(now: Int64, fleet: FleetTrust, force: Bool) throws(RotationRefusal) -> Action {
        switch self.phase {
        case .finished, .aborted: throw .notRunning
        case .publishing:
            let missing = fleet.lacking(self.newRoot)
            throw .notYet(missing.isEmpty ? .watching(until: now + Self.observation) : .trust(missing))
        case .aborting: throw .aborting
        case .issuing, .settling: break
        }
        if !force {
            let missing = fleet.lacking(self.newRoot)
            guard missing.isEmpty else { throw .notYet(.trust(missing)) }
            if let obstacle = self.obstacle(now: now, fleet: fleet) { throw .notYet(obstacle) }
            if self.phase == .issuing, let until = self.leavesUntil, now < until {
                throw .notYet(.leaves(until: until))
            }
        }
        self.enter(.finished, now: now)
        return .withdrawOld
    }

    /// Goes back to the old root.
    package mutating func abort(now: Int64, leavesUntil: Int64) throws(RotationRefusal) -> Action {
        switch self.phase {
        case .finished, .aborted: throw .notRunning
        case .aborting: throw .aborting
        case .publishing:
            // The new one has signed nothing yet.
            self.enter(.aborted, now: now)
            return .withdrawNew
        case .issuing, .settling:
            self.enter(.aborting, now: now)
            self.leavesUntil = leavesUntil + Self.skew
            return .issueUnderOld
        }
    }

    /// What the present phase waits for; nil where it can go on, and where the rotation is over.
    package func obstacle(now: Int64, fleet: FleetTrust) -> RotationObstacle? {
        guard self.isRunning else { return nil }
        // A clock that went back does not make a watch longer than it is.
        let since = min(max(self.phaseSince, fleet.watchedSince), now)
        let lacking = fleet.lacking(self.phase == .aborting ? self.oldRoot : self.newRoot)
        if !lacking.isEmpty { return .trust(lacking) }
        if self.phase != .publishing {
            let others = fleet.notUnder(self.phase == .aborting ? self.oldRoot : self.newRoot)
            if !others.isEmpty { return .renewal(others) }
        }
        if now < since + Self.observation { return .watching(until: since + Self.observation) }
        if self.phase == .settling || self.phase == .aborting, let until = self.leavesUntil, now < until {
            return .leaves(until: until)
        }
        return nil
    }

    private mutating func proceed(now: Int64, leavesUntil: Int64) -> Action {
        switch self.phase {
        case .publishing:
            self.enter(.issuing, now: now)
            self.leavesUntil = leavesUntil + Self.skew
            return .issueUnderNew
        case .issuing:
            self.enter(.settling, now: now)
            return .none
        case .settling:
            self.enter(.finished, now: now)
            return .withdrawOld
        case .aborting:
            self.enter(.aborted, now: now)
            return .withdrawNew
        case .finished, .aborted: return .none
        }
    }

    private mutating func enter(_ phase: Phase, now: Int64) {
        self.phase = phase
        self.phaseSince = now
    }
}

/// What a rotation waits for.
package enum RotationObstacle: Hashable, Sendable, CustomStringConvertible {
    /// These proxies do not trust the root that is to issue.
    case trust([String])
    /// These proxies' certificates are under the other root.
    case renewal([String])
    /// The fleet has not been watched for long enough to know who is there.
    case watching(until: Int64)
    /// Leaves of the other root may be in use.
    case leaves(until: Int64)

    package var description: String {
        switch self {
        case .trust(let names): "not every proxy trusts both roots yet: \(Self.list(names))"
        case .renewal(let names): "not every proxy has renewed its certificate yet: \(Self.list(names))"
        case .watching(let until): "the proxies are watched until \(Self.time(until)), so that none is overlooked"
        case .leaves(let until): "certificates of the other root are valid until \(Self.time(until))"
        }
    }

    /// The names of those that are waited for.
    package var missing: [String] {
        switch self {
        case .trust(let names), .renewal(let names): names
        case .watching, .leaves: []
        }
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(10).joined(separator: ", ") + (names.count > 10 ? " and \(names.count - 10) more" : "")
    }

    private static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

/// Why a rotation does not do what it was told. Nothing has changed then.
package enum RotationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case alreadyRunning(RootRotation.Phase)
    case notRunning
    case notYet(RotationObstacle)
    /// It is being called off, and cannot be called off again or finished.
    case aborting

    package var description: String {
        switch self {
        case .alreadyRunning(let phase): "a rotation of the root is running already (\(phase.rawValue))"
        case .notRunning: "no rotation of the root is running"
        case .notYet(let obstacle): "\(obstacle)"
        case .aborting: "the rotation has been called off already, and ends by itself"
        }
    }
}
