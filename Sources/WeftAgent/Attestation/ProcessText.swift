/// Reads what Linux writes about processes under `/proc`.
package enum ProcessText {
    /// When a process started, in clock ticks since boot: field 22 of `/proc/PID/stat`. Nil for anything else.
    package static func startTime(ofStat text: String) -> UInt64? {
        // The second field is the program's own choice of name, in parentheses, and may hold spaces and parentheses.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19 else { return nil }
        return UInt64(fields[19])
    }

    /// The systemd unit in `/proc/PID/cgroup`: the outermost `.service` or `.scope` below slices.
    ///
    /// What lies below that unit belongs to it and may be named by it: a user's own units, and groups of services that
    /// have their subtree delegated. Nil where the path leaves the reader's view (`..`) or is not systemd's.
    package static func unit(ofControlGroups text: String) -> String? {
        var named: Substring?
        var unified: Substring?
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if parts[1] == "name=systemd" { named = parts[2] }
            if parts[0] == "0", parts[1].isEmpty { unified = parts[2] }
        }
        guard let path = named ?? unified, path.hasPrefix("/") else { return nil }
        for part in path.dropFirst().split(separator: "/") {
            if part.hasSuffix(".service") || part.hasSuffix(".scope") { return String(part) }
            guard part.hasSuffix(".slice") else { return nil }
        }
        return nil
    }

    /// The process that a descriptor of one stands for: `Pid:` in `/proc/self/fdinfo/N`. Nil once that has gone.
    package static func process(ofDescriptorInfo text: String) -> Int32? {
        for line in text.split(separator: "\n") where line.hasPrefix("Pid:") {
            guard let pid = Int32(line.dropFirst(4).drop { $0 == "\t" || $0 == " " }), pid > 0 else { return nil }
            return pid
        }
        return nil
    }
}
