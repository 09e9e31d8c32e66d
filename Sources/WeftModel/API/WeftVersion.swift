/// Which Weft this is: what `weft --version` prints, and what the parts tell each other for people to read.
///
/// Nothing is decided by it; both planes agree by the messages they understand.
package enum WeftVersion {
    /// Semantic version, without a leading `v`.
    package static let text = "0.1.0"
}
