package import WeftMessage

/// How the time that is left travels with a request.
///
/// `x-weft-deadline-ms` and `x-envoy-expected-rq-timeout-ms` hold milliseconds; `grpc-timeout` up to eight digits and a
/// unit (gRPC over HTTP/2). Where several are there the shortest counts. All are written anew with what is left.
package enum Deadline {
    /// Nothing read here is longer: about 11 days.
    private static let longest: Int64 = 1_000_000_000_000_000

    /// What a head says about the time left, in nanoseconds.
    package enum Reading: Hashable, Sendable {
        case none
        case left(Int64)
        /// A `grpc-timeout` that is not one.
        case malformed
    }

    package static func read(_ headers: HeaderBlock) -> Reading {
        var left = Int64.max
        for index in 0..<headers.fields.count {
            switch headers.fields[index].name {
            case .weftDeadline, .xEnvoyExpectedTimeout:
                // Text that is not a number says nothing; Envoy's zero means no timeout.
                guard let milliseconds = headers.withValue(at: index, { Int(saturating: $0) }) else {
                    // A caller that subtracts without looking arrives below zero: its deadline has passed.
                    if headers.withValue(at: index, Self.isNegative) { left = 0 }
                    continue
                }
                if milliseconds == 0, headers.fields[index].name == .xEnvoyExpectedTimeout { continue }
                left = min(left, Int64(min(milliseconds, Int(Self.longest / 1_000_000))) * 1_000_000)
            case .grpcTimeout:
                guard let nanoseconds = headers.withValue(at: index, { Self.nanoseconds(grpcTimeout: $0) }) else {
                    return .malformed
                }
                left = min(left, nanoseconds)
            default: continue
            }
        }
        return left == .max ? .none : .left(left)
    }

    private static func isNegative(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count > 1 && text[0] == UInt8(ascii: "-")
            && Int(saturating: UnsafeRawBufferPointer(rebasing: text[1...])) != nil
    }

    /// Writes what is left, never below zero: always as `x-weft-deadline-ms`, as `grpc-timeout` for gRPC, and as
    /// Envoy's where the caller used that. Rounded down.
    package static func write(_ nanoseconds: Int64, to headers: inout HeaderBlock, isGRPC: Bool) {
        let left = max(0, nanoseconds)
        headers.set(.weftDeadline, Int(left / 1_000_000))
        if isGRPC { headers.set(.grpcTimeout, Self.grpcTimeout(left)) }
        if headers.contains(.xEnvoyExpectedTimeout) {
            headers.set(.xEnvoyExpectedTimeout, Int(max(1, left / 1_000_000)))
        }
    }

    /// The finest unit that eight digits can hold, rounded down, at least `1n`.
    package static func grpcTimeout(_ nanoseconds: Int64) -> String {
        let limit: Int64 = 99_999_999
        var value = max(1, nanoseconds)
        if value <= limit { return "\(value)n" }
        for (unit, divisor) in [("u", 1_000), ("m", 1_000), ("S", 1_000), ("M", 60), ("H", 60)] as [(String, Int64)] {
            value /= divisor
            if value <= limit { return "\(value)\(unit)" }
        }
        return "\(limit)H"
    }

    /// Reads a `grpc-timeout`; nil when malformed.
    package static func nanoseconds(grpcTimeout value: UnsafeRawBufferPointer) -> Int64? {
        guard (2...9).contains(value.count), let unit = value.last,
            let number = Int(decimal: UnsafeRawBufferPointer(rebasing: value[..<(value.count - 1)]))
        else { return nil }
        let scale: Int64
        switch unit {
        case UInt8(ascii: "H"): scale = 3_600_000_000_000
        case UInt8(ascii: "M"): scale = 60_000_000_000
        case UInt8(ascii: "S"): scale = 1_000_000_000
        case UInt8(ascii: "m"): scale = 1_000_000
        case UInt8(ascii: "u"): scale = 1_000
        case UInt8(ascii: "n"): scale = 1
        default: return nil
        }
        let (product, overflow) = Int64(number).multipliedReportingOverflow(by: scale)
        return overflow ? Self.longest : min(product, Self.longest)
    }
}
