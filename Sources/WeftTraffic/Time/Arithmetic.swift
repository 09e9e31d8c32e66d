#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

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
