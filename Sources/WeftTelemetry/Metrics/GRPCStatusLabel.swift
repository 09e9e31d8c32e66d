/// A gRPC status as metrics tell it: one of gRPC's own, or `other`. A peer can answer with any number, and must not make a
/// series of each.
struct GRPCStatusLabel: Hashable {
    /// -1 is none, 17 is any that gRPC does not define.
    private let code: Int8

    static let none = GRPCStatusLabel(nil)
    static let other = GRPCStatusLabel(17)

    init(_ status: Int?) { self.code = status.map { (0...16).contains($0) ? Int8($0) : 17 } ?? -1 }

    var isFailure: Bool { self.code > 0 }

    /// The label's value; empty where the call was no gRPC.
    var text: String {
        switch self.code {
        case -1: ""
        case 17: "other"
        default: "\(self.code)"
        }
    }
}
