/// Whether a request's body can still be sent again: the rule, not the bytes, which the driver holds.
///
/// A body is held for replay up to 64 KiB; one that grows past that while it is being sent is let go and the request has
/// had its last attempt. What arrives before a connection is there must be held however long it is.
package struct ReplayBuffer: Hashable, Sendable {
    /// 64 KiB.
    package static let maxBytes = 65_536

    /// Bytes the driver holds.
    package private(set) var heldBytes = 0
    /// The body outgrew the buffer.
    package private(set) var isOutgrown = false
    /// Nothing is held any more.
    package private(set) var isDropped = false

    package init() {}

    /// A chunk arrived. `sending` when the attempt's stream is open; `wanted` when a retry could use it.
    mutating func received(_ bytes: Int, sending: Bool, wanted: Bool) -> ExchangeEffects {
        if self.isDropped { return .forwardRequest }
        guard sending else {
            self.heldBytes += bytes
            return .hold
        }
        if wanted, self.heldBytes + bytes <= Self.maxBytes {
            self.heldBytes += bytes
            return [.hold, .forwardRequest]
        }
        self.isOutgrown = wanted
        return self.drop().union(.forwardRequest)
    }

    /// An attempt that was being sent failed. Whether the whole body can be sent again.
    mutating func canReplay(sent: Bool) -> Bool {
        if self.isDropped { return false }
        if sent, self.heldBytes > Self.maxBytes {
            self.isOutgrown = true
            return false
        }
        return true
    }

    /// Whether all that came is held, so that a second attempt could be sent now.
    var isWhole: Bool { !self.isDropped && self.heldBytes <= Self.maxBytes }

    /// There will be no other attempt.
    mutating func drop() -> ExchangeEffects {
        if self.isDropped { return [] }
        self.isDropped = true
        self.heldBytes = 0
        return .dropHeld
    }
}
