/// What we announce on an HTTP/2 connection besides the limits.
///
/// A stream whose reader stands still must not stop the others, and all of them together must not take memory without
/// bound. So the connection's window only bounds what is under way: its credit goes back as soon as bytes arrive. What may
/// wait is bounded by the windows of the streams, which begin small and grow for those that are read as fast as they come:
/// at most `maxStreams` × `streamWindow` + `windowGrowth`, 24 MiB by default, and for an upstream connection the streams
/// that we have opened × `streamWindow` + `windowGrowth`. A stream that stands still from its beginning holds no more than
/// `streamWindow`; one that stops later keeps its share of the growth until it ends, and others grow less meanwhile.
/// These are bytes of bodies. The storage that they wait in may be several times that, as a waiting piece can keep all of
/// the read that it came in; measured with hundreds of streams that stand still, it is four to five times.
package struct HTTP2Settings: Sendable {
    /// Bytes that a stream may receive ahead of `consumed` at first. 65 535–2^31−1; values below 65 535 are allowed but
    /// slow.
    package var streamWindow: Int = 65_536
    /// What a stream's window may grow to.
    package var maxStreamWindow: Int = 1_048_576
    /// What all streams' windows together may grow beyond `streamWindow` each.
    package var windowGrowth: Int = 8_388_608
    /// Bytes of all streams that the peer may have under way; at least 65 535.
    package var connectionWindow: Int = 4_194_304
    /// Whether literals are sent Huffman coded.
    package var usesHuffman: Bool = false

    package init() {}
}
