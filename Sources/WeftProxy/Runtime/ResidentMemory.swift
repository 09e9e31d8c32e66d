internal import FoundationEssentials
internal import Glibc

/// What this process keeps in memory.
enum ResidentMemory {
    /// Lets go of the pages of code that only starting up has touched: a sidecar stands beside every workload, and most of
    /// what one executable holds is never run by it. The pages are clean and come back from the file when they are needed.
    static func giveBackStartUpCode() {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8),
            let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        else { return }
        for line in maps.split(separator: "\n") where line.hasSuffix(executable) {
            let fields = line.split(separator: " ", maxSplits: 2)
            // Only what is never written: dropping a written page of a private mapping would lose it.
            guard fields.count == 3, fields[1] == "r-xp" else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { UInt(UInt64($0, radix: 16) ?? 0) }
            guard bounds.count == 2, bounds[0] > 0, bounds[1] > bounds[0] else { continue }
            madvise(UnsafeMutableRawPointer(bitPattern: bounds[0]), Int(bounds[1] - bounds[0]), MADV_DONTNEED)
        }
    }
}
