#if canImport(Glibc)
    internal import FoundationEssentials
    internal import Glibc
#endif

/// Gives back what only the start of the process needed.
///
/// Starting runs through much of the executable once, and the kernel maps generously around every page touched: most of a
/// sidecar's resident memory would be code that never runs again. Those pages are clean and stay in the page cache; what
/// is used comes back by itself with the first requests.
enum ResidentPages {
    /// Unmaps the process's pages of code. Nothing happens where the system does not say which they are.
    static func giveBackCode() {
        #if canImport(Glibc)
            guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
            for line in maps.split(separator: "\n") {
                let fields = line.split(separator: " ", omittingEmptySubsequences: true)
                // Code of a file only: constants may have been relocated, which cannot be read from the file again.
                guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
                let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                guard bounds.count == 2, bounds[0] < bounds[1],
                    let start = UnsafeMutableRawPointer(bitPattern: bounds[0])
                else { continue }
                madvise(start, Int(bounds[1] - bounds[0]), MADV_DONTNEED)
            }
        #endif
    }
}
