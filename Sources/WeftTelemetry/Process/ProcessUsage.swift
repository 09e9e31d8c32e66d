#if canImport(Glibc)
    internal import FoundationEssentials
    internal import Glibc
#endif
internal import WeftModel

/// What the kernel says of this process.
package struct ProcessUsage: Hashable, Sendable {
    /// User and system time, seconds.
    package var cpuSeconds: Double
    package var residentBytes: Int
    /// Seconds since 1970.
    package var startedAt: Double

    /// Reads the texts of `/proc/PID/stat` and `/proc/PID/statm`; nil where they are not of that form.
    ///
    /// - Parameters:
    ///   - ticks: clock ticks in a second.
    ///   - bootedAt: seconds since 1970.
    package init?(stat: String, statm: String, ticks: Int, pageSize: Int, bootedAt: Double) {
        // The second field is the program's name in parentheses, and may hold anything.
        guard ticks > 0, let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        let pages = statm.split(separator: " ")
        guard fields.count > 19, let user = Double(fields[11]), let system = Double(fields[12]),
            let start = Double(fields[19]), pages.count > 1, let resident = Int(pages[1])
        else { return nil }
        self.cpuSeconds = (user + system) / Double(ticks)
        self.residentBytes = resident * pageSize
        self.startedAt = bootedAt + start / Double(ticks)
    }

    /// This process now; nil where the system has no `/proc`.
    package static func read() -> ProcessUsage? {
        #if canImport(Glibc)
            guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
                let statm = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            else { return nil }
            return ProcessUsage(
                stat: stat, statm: statm, ticks: sysconf(Int32(_SC_CLK_TCK)), pageSize: sysconf(Int32(_SC_PAGESIZE)),
                bootedAt: Self.bootedAt)
        #else
            return nil
        #endif
    }

    /// When the machine started, seconds since 1970; zero where that is not told.
    private static let bootedAt: Double = {
        #if canImport(Glibc)
            let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
            return line.flatMap { Double($0.dropFirst("btime ".count)) } ?? 0
        #else
            return 0
        #endif
    }()
}

extension MetricSnapshot {
    /// Adds what is said of the process, `proxy` or `control`.
    package mutating func add(processOf component: String) {
        self.add(.gauge(1), to: ProcessMetricNames.build, labels: [component, WeftVersion.text])
        guard let usage = ProcessUsage.read() else { return }
        self.add(.amount(usage.cpuSeconds), to: ProcessMetricNames.cpu)
        self.add(.gauge(Double(usage.residentBytes)), to: ProcessMetricNames.residentMemory)
        self.add(.gauge(usage.startedAt), to: ProcessMetricNames.startTime)
    }
}
