internal import GRDB

extension StoreError {
    /// Sorts a failure of SQLite by what the operator must do.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StoreError: self = error
        case is CancellationError: self = .interrupted
        case let error as DatabaseError: self.init(error, path: path)
        default: self = .io(path: path, cause: "\(error)")
        }
    }

    private init(_ error: DatabaseError, path: String) {
        let cause = error.message ?? "\(error.extendedResultCode)"
        self =
            switch error.resultCode {
            case .SQLITE_FULL: .diskFull(path: path)
            case .SQLITE_BUSY, .SQLITE_LOCKED: .locked(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt(path: path, cause: cause)
            case .SQLITE_READONLY: .readOnly(path: path)
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: .cannotOpen(path: path, cause: cause)
            case .SQLITE_INTERRUPT, .SQLITE_ABORT: .interrupted
            default: .io(path: path, cause: cause)
            }
    }
}
