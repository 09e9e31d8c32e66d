internal import WeftModel

/// Which header fields a record keeps the values of. Everything else is kept by name at most.
package struct RecordSelection: Hashable, Sendable {
    /// In lower case; never those of `secret`.
    package let kept: Set<String>
    /// Names whose values are never kept, whoever asks for them.
    package let secret: Set<String>

    /// Kept where nothing else is said.
    package static let standard: Set<String> = [
        "content-type", "content-length", "user-agent", "traceparent", "grpc-timeout", "x-weft-attempt",
    ]
    /// Names that routes are matched by, beyond which no more are kept.
    package static let maxMatched = HopRecord.maxMatchedHeaders
    /// Secret always: what the access log leaves out.
    package static var alwaysSecret: Set<String> { Redaction.standardHeaders }

    package init(kept: Set<String> = Self.standard, secret: Set<String> = []) {
        let secret = Self.alwaysSecret.union(secret.map { $0.lowercased() })
        self.secret = secret
        self.kept = Set(kept.map { $0.lowercased() }).subtracting(secret)
    }
}
