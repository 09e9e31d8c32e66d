internal import Foundation

/// Why a control plane does not start, or stops. What, where, why, and what to do.
package enum ControlPlaneError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotListen(what: String, address: String, errnoCode: Int32)
    /// Another process holds the data directory.
    case dataDirectoryInUse(path: String, by: Int32?)
    case dataDirectoryUnusable(path: String, cause: String, remedy: String)
    /// The store could not be opened, read or written.
    case store(String)
    case authority(String)
    case invalidConfiguration(field: String, cause: String)

    package var description: String {
        switch self {
        case .cannotListen(let what, let address, let code):
            "cannot listen on \(address) (\(what)): \(String(cString: strerror(code))); \(Self.remedy(code))"
        case .dataDirectoryInUse(let path, let pid):
            "\(path) belongs to another control plane\(pid.map { " (process \($0))" } ?? ""); stop it, or choose another --data-dir"
        case .dataDirectoryUnusable(let path, let cause, let remedy): "\(path): \(cause); \(remedy)"
        case .store(let cause): "the store cannot be used: \(cause)"
        case .authority(let cause): "the certificate authority cannot be used: \(cause)"
        case .invalidConfiguration(let field, let cause): "\(field): \(cause)"
        }
    }

    private static func remedy(_ code: Int32) -> String {
        switch code {
        case EADDRINUSE: "stop what listens there (`ss -ltnp` names it), or choose another port"
        case EACCES: "choose a port above 1023, or run with the right to use it"
        case EADDRNOTAVAIL: "choose an address of this machine"
        default: "choose another address or port"
        }
    }
}
