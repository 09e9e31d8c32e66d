internal import WeftMessage

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Int {
    /// A decimal number without a sign; one that does not fit is the largest that does. Nil for what is no number.
    init?(saturating bytes: UnsafeRawBufferPointer) {
        if let number = Int(decimal: bytes) {
            self = number
        } else {
            guard !bytes.isEmpty, bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
                return nil
            }
            self = .max
        }
    }
}

/// The functions of the C library that decisions need.
enum Arithmetic {
    static func log(_ value: Double) -> Double {
        #if canImport(Glibc)
            Glibc.log(value)
        #elseif canImport(Musl)
            Musl.log(value)
        #else
            Darwin.log(value)
        #endif
    }

    static func power(_ base: Double, _ exponent: Double) -> Double {
        #if canImport(Glibc)
            Glibc.pow(base, exponent)
        #elseif canImport(Musl)
            Musl.pow(base, exponent)
        #else
            Darwin.pow(base, exponent)
        #endif
    }
}
