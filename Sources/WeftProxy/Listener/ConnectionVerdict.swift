internal import WeftModel

/// Whether a connection may go on, after what is believed or allowed has changed.
enum ConnectionVerdict: Hashable, Sendable {
    case goesOn
    /// It ends at once; what is open on it is recorded with this reason and detail.
    case ends(Reason, detail: String)
}
