internal import Foundation

/// What `/proc/PID/stat` says of a process: enough to know it again after its number was given to another.
package struct ProcessStat: Hashable, Sendable {
    package var pid: Int32
    /// `R`, `S`, `Z`, …
    package var state: Character
    package var group: Int32
    /// Clock ticks after boot.
    package var startTime: UInt64

    /// Nil for text that is not of this form.
    package init?(_ text: String) {
        // The second field is the program's name in parentheses, and may itself hold both blanks and parentheses.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
            let pid = Int32(text[..<open].trimmingCharacters(in: .whitespaces))
        else { return nil }
        let fields = text[text.index(after: close)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let state = fields[0].first, let group = Int32(fields[2]),
            let startTime = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        self.state = state
        self.group = group
        self.startTime = startTime
    }

    /// The process with this number now; nil when there is none.
    package static func of(_ pid: Int32) -> ProcessStat? {
        (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)).flatMap { ProcessStat($0) }
    }

    /// Everything that runs in a process group and began no earlier than `startTime`, zombies left out.
    package static func members(ofGroup group: Int32, since startTime: UInt64) -> [ProcessStat] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.compactMap { Self.of($0) }
            .filter { $0.group == group && $0.startTime >= startTime && $0.state != "Z" }
    }
}

/// A process as written down when it was started.
package struct ProcessMark: Hashable, Sendable, Codable {
    package var pid: Int32
    /// Clock ticks after boot; with `pid` it names one process for as long as the machine runs.
    package var startTime: UInt64

    package init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The mark of a running process; nil when it is gone already.
    package init?(of pid: Int32) {
        guard let stat = ProcessStat.of(pid) else { return nil }
        self.init(pid: pid, startTime: stat.startTime)
    }

    /// Whether that very process still runs.
    package var isAlive: Bool {
        guard let stat = ProcessStat.of(self.pid) else { return false }
        return stat.startTime == self.startTime && stat.state != "Z"
    }
}
