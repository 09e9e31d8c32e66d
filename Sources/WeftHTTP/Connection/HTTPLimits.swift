package import NIOCore

/// Bounds on everything a peer can make a connection hold.
package struct HTTPLimits: Sendable {
    /// Bytes of one head: start line and fields on the wire, and name + value + 32 a field once decoded. Also bounds trailers.
    package var maxHeaderBytes: Int = 65_536
    /// Fields of one head.
    package var maxFields: Int = 200
    /// Bytes of an HTTP/1 start line. Longer ones are answered 414.
    package var maxStartLineBytes: Int = 16_384
    /// Bytes of one chunk-size line, its extensions included.
    package var maxChunkLineBytes: Int = 1_024
    /// Bytes of chunk extensions in one message.
    package var maxChunkExtensionBytes: Int = 16_384
    /// Received body bytes that may wait for `consumed` on one HTTP/1 connection before it is no longer read from.
    package var receiveBufferBytes: Int = 262_144
    /// Streams a peer may have open at once on one HTTP/2 connection.
    package var maxStreams: Int = 256
    /// Streams that the peer may reset, or make us reset, within `floodInterval`; beyond it, most of its streams must not
    /// be reset. Above `maxStreams`, so that a caller may give up all it has open.
    package var maxResets: Int = 300
    /// Streams that may be reset before their response has begun, within `floodInterval`; beyond it, no more than one in
    /// eight may be. Hedging and deadlines reset a few in a hundred.
    package var maxUnansweredResets: Int = 1_000
    /// CONTINUATION frames of one header block.
    package var maxContinuations: Int = 16
    /// SETTINGS, PING, PRIORITY and unknown frames that the peer may send within `floodInterval`, replies unsent included.
    package var maxControlFrames: Int = 1_000
    /// DATA frames without payload in a row, or that many more than others.
    package var maxEmptyFrames: Int = 10
    /// What flood counts are measured over.
    package var floodInterval: TimeAmount = .seconds(30)
    /// From the first byte of a head to its last; also of a chunk-size line, and of trailers. Nil waits for ever.
    package var headTimeout: TimeAmount? = .seconds(10)
    /// How long a connection without open streams is kept. Nil keeps it for ever.
    package var idleTimeout: TimeAmount? = .seconds(60)
    /// How long bytes may wait while the peer takes none at all. Nil waits for ever.
    package var stallTimeout: TimeAmount? = .minutes(5)
    /// Bytes a second at which an HTTP/1 request body must come where its length, or a chunk's, has been announced, on an
    /// average of each `bodyRateInterval` in which its reader is ready for more. What else holds is in `HTTP1BodyPace`.
    /// Zero waits for ever.
    package var minBodyRate: Int = 500
    /// What `minBodyRate` is measured over.
    package var bodyRateInterval: TimeAmount = .seconds(30)
    /// Bytes of an unwanted request body that are read and dropped to keep a connection usable.
    package var maxDiscardedBytes: Int = 262_144

    package init() {}
}
