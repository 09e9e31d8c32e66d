package import WeftModel

/// Why the store could not do what was asked. Nothing has changed when it is thrown, except for `interrupted`.
package enum StoreError: Error, Hashable, Sendable {
    /// The store has moved on since the caller looked.
    case conflict(expected: Revision, actual: Revision)
    /// Two mutations of one transaction name the same key.
    case duplicateKey(ResourceKey)
    /// A revision that the store has not reached.
    case unknownRevision(Revision, newest: Revision)
    /// Change sets after that revision are no longer kept, up to and with the second one.
    case compacted(Revision, through: Revision)
    case diskFull(path: String)
    /// Another connection holds the database.
    case locked(path: String)
    /// Another control plane runs on the same data directory.
    case inUse(path: String)
    case corrupt(path: String, cause: String)
    case readOnly(path: String)
    case cannotOpen(path: String, cause: String)
    /// Written by a newer version of weft.
    case newerFormat(path: String, cause: String)
    case io(path: String, cause: String)
    /// The asking task was cancelled; the change may have been made.
    case interrupted
    case closed

    /// What the operator can do about it; empty where the caller is to act.
    package var remedy: String {
        switch self {
        case .conflict: "read the current state and apply again"
        case .duplicateKey: "keep one of the two documents"
        case .unknownRevision: "watch from the revision that `list` gave"
        case .compacted: "list the resources anew and watch from there"
        case .diskFull: "make room on the disk; nothing that was acknowledged is lost"
        case .locked: "close the program that has the database open, then try again"
        case .inUse: "stop the other control plane, or give this one its own --data-dir"
        case .corrupt:
            "stop the control plane and restore the file from a backup, or move it away and apply the configuration anew"
        case .readOnly: "give the user that runs weft the right to write there, or remount the disk read-write"
        case .cannotOpen: "check that the directory exists and that the user that runs weft may use it"
        case .newerFormat: "run the version of weft that wrote it, or a later one"
        case .io: "check the disk and the system log; nothing that was acknowledged is lost if the disk is sound"
        case .interrupted, .closed: ""
        }
    }

    /// Whether the same call may succeed later without anybody's doing.
    package var isTransient: Bool {
        switch self {
        case .locked, .diskFull, .io: true
        case .conflict, .duplicateKey, .unknownRevision, .compacted, .inUse, .corrupt, .readOnly, .cannotOpen,
            .newerFormat,
            .interrupted, .closed:
            false
        }
    }
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        let cause =
            switch self {
            case .conflict(let expected, let actual):
                "the configuration is at revision \(actual), not \(expected): somebody else changed it"
            case .duplicateKey(let key): "\(key) is given twice"
            case .unknownRevision(let revision, let newest):
                "revision \(revision) is not known; the newest is \(newest)"
            case .compacted(let revision, let through):
                "changes after revision \(revision) are no longer kept; the oldest left are after \(through)"
            case .diskFull(let path): "\(path) could not be written: the disk is full"
            case .locked(let path): "\(path) is locked by another program"
            case .inUse(let path): "\(path) belongs to a control plane that is running"
            case .corrupt(let path, let cause): "\(path) is damaged: \(cause)"
            case .readOnly(let path): "\(path) cannot be written"
            case .cannotOpen(let path, let cause): "\(path) cannot be opened: \(cause)"
            case .newerFormat(let path, let cause): "\(path) was written by a newer weft: \(cause)"
            case .io(let path, let cause): "\(path) could not be read or written: \(cause)"
            case .interrupted: "the request was cancelled"
            case .closed: "the store is closed"
            }
        return self.remedy.isEmpty ? cause : "\(cause); \(self.remedy)"
    }
}
