/// What we announce on an HTTP/2 connection besides the limits.
package struct HTTP2Settings: Sendable {
    /// Bytes that a stream may receive ahead of `consumed`. 65 535–2^31−1; values below 65 535 are allowed but slow.
    package var streamWindow: Int = 1_048_576
    /// Bytes that all streams together may receive ahead of `consumed`; at least 65 535.
    package var connectionWindow: Int = 4_194_304
    /// Whether literals are sent Huffman coded.
    package var usesHuffman: Bool = false

    package init() {}
}
