internal import NIOCore

/// Decides when a peer makes us work without asking for anything: resets, control frames, window updates, empty frames.
struct FloodGuard {
    private let limits: HTTPLimits
    private var intervalEnd: NIODeadline?
    private var resets = 0
    private var unansweredResets = 0
    private var opened = 0
    private var controlFrames = 0
    private var strayFrames = 0
    private var windowUpdates = 0
    private var dataFramesSent = 0
    private var emptyFrames = 0

    init(limits: HTTPLimits) { self.limits = limits }

    /// A stream that has been let in; one that was refused has not.
    mutating func streamOpened() { self.opened &+= 1 }

    mutating func dataSent() { self.dataFramesSent &+= 1 }

    /// A stream reset by the peer, or by us for the peer's fault. Many resets are in order on a busy connection; most
    /// streams reset is not, nor many of them before there was an answer: that is work for us and none for the peer.
    mutating func streamReset(answered: Bool, now: NIODeadline) -> Bool {
        self.turn(now)
        self.resets += 1
        if !answered { self.unansweredResets += 1 }
        return self.resets > self.limits.maxResets && self.resets > self.opened / 2
            || self.unansweredResets > self.limits.maxUnansweredResets && self.unansweredResets > self.opened / 8
    }

    /// A frame for a stream that has ended. Either side may send a few for each before it knows.
    mutating func strayFrame(now: NIODeadline) -> Bool {
        self.turn(now)
        self.strayFrames += 1
        return self.strayFrames > self.limits.maxControlFrames + 2 * self.opened
    }

    mutating func controlFrame(now: NIODeadline) -> Bool {
        self.turn(now)
        self.controlFrames += 1
        return self.controlFrames > self.limits.maxControlFrames
    }

    mutating func windowUpdate(now: NIODeadline) -> Bool {
        self.turn(now)
        self.windowUpdates += 1
        return self.windowUpdates > self.limits.maxControlFrames + 10 * self.dataFramesSent + self.opened
    }

    /// - Parameter bytes: the frame's payload.
    mutating func dataReceived(bytes: Int, end: Bool) -> Bool {
        guard bytes == 0, !end else {
            // Not back to zero: every other frame may be empty for ever else.
            self.emptyFrames = max(0, self.emptyFrames - 1)
            return false
        }
        self.emptyFrames += 1
        return self.emptyFrames > self.limits.maxEmptyFrames
    }

    private mutating func turn(_ now: NIODeadline) {
        guard let end = self.intervalEnd else {
            self.intervalEnd = now + self.limits.floodInterval
            return
        }
        guard now >= end else { return }
        self.intervalEnd = now + self.limits.floodInterval
        (self.resets, self.unansweredResets, self.opened) = (0, 0, 0)
        (self.controlFrames, self.strayFrames) = (0, 0)
        (self.windowUpdates, self.dataFramesSent) = (0, 0)
    }
}
