internal import NIOCore
internal import WeftMessage

/// What has come of a request's body and is kept: until an upstream takes it, or for another attempt.
///
/// How much is kept is the exchange's decision; until it is sent, the sender's credit bounds it.
struct HeldBody {
    private(set) var chunks: [ByteBuffer] = []
    private(set) var trailers: HeaderBlock?
    /// The message ends with what is held.
    private(set) var isComplete = false

    mutating func hold(_ data: ByteBuffer, end: Bool) {
        if data.readableBytes > 0 { self.chunks.append(data) }
        if end { self.isComplete = true }
    }

    mutating func hold(trailers: HeaderBlock) {
        self.trailers = trailers
        self.isComplete = true
    }

    /// Forgets everything and keeps the storage.
    mutating func drop() {
        self.chunks.removeAll(keepingCapacity: true)
        self.trailers = nil
        self.isComplete = false
    }
}
