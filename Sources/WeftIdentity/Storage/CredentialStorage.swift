/// Where keys and certificates are kept between runs: a few small files by name.
package protocol CredentialStorage: Sendable {
    /// The file's content; nil when there is none.
    func read(_ name: String) throws(CredentialStorageError) -> [UInt8]?
    /// Replaces the file: after a crash the old or the new content is there, whole.
    func write(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError)
    /// Makes the file unless it exists; false when it did. Of several callers exactly one gets true.
    func create(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError) -> Bool
    /// Removes the file; nothing happens when there is none.
    func remove(_ name: String) throws(CredentialStorageError)
}

/// Why a credential file could not be read or written.
package struct CredentialStorageError: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    package let cause: String
    package let remedy: String

    package init(path: String, cause: String, remedy: String) {
        self.path = path
        self.cause = cause
        self.remedy = remedy
    }

    package var description: String { "\(self.path): \(self.cause); \(self.remedy)" }
}
