/// The settings of one command: a flag beats the environment, the environment beats the file.
///
/// A flag `--data-dir` is `WEFT_DATA_DIR` in the environment and `data-dir` in the file. Lists are separated by commas
/// in the environment and are YAML lists in the file; the first source that has a list gives all of it.
package struct Settings: Sendable {
    private let environment: [String: String]
    private let file: SettingsFile?
    /// Names asked for so far: what else a file holds is a mistake.
    private var asked: Set<String> = []

    package init(environment: [String: String], file: SettingsFile? = nil) {
        self.environment = environment
        self.file = file
    }

    /// The environment variable of a flag.
    package static func variable(_ name: String) -> String {
        "WEFT_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// The values of a setting and where they were found; nil when no source has it. An empty variable counts as unset.
    private mutating func find(_ name: String, flags: [String], list: Bool) -> (values: [String], origin: String)? {
        self.asked.insert(name)
        if !flags.isEmpty { return (flags, "--\(name)") }
        let variable = Self.variable(name)
        if let value = self.environment[variable], !value.isEmpty {
            let values = list ? value.split(separator: ",").map { String($0.drop { $0 == " " }) } : [value]
            return (values, "$\(variable)")
        }
        if let file = self.file, let entry = file.entries[name] {
            return (entry.values, "\(file.name)\(entry.line.map { ":\($0)" } ?? ""): \(name)")
        }
        return nil
    }

    /// One value, read by `parse`; a value that it does not take is a usage failure that says what was expected.
    package mutating func value<Value>(
        _ name: String, _ flag: String?, expected: String, _ parse: (String) -> Value?
    ) throws -> Value? {
        guard let (values, origin) = self.find(name, flags: flag.map { [$0] } ?? [], list: false) else { return nil }
        guard values.count == 1 else {
            throw CommandFailure.usage("takes one value, not \(values.count)", at: origin)
        }
        guard let value = parse(values[0]) else {
            throw CommandFailure.usage("'\(values[0])' is not \(expected)", at: origin)
        }
        return value
    }

    /// Several values, each read by `parse`.
    package mutating func values<Value>(
        _ name: String, _ flags: [String], expected: String, _ parse: (String) -> Value?
    ) throws -> [Value] {
        guard let (values, origin) = self.find(name, flags: flags, list: true) else { return [] }
        return try values.map { text in
            guard let value = parse(text) else {
                throw CommandFailure.usage("'\(text)' is not \(expected)", at: origin)
            }
            return value
        }
    }

    package mutating func text(_ name: String, _ flag: String?) throws -> String? {
        try self.value(name, flag, expected: "text") { $0 }
    }

    package mutating func texts(_ name: String, _ flags: [String]) throws -> [String] {
        try self.values(name, flags, expected: "text") { $0 }
    }

    package mutating func number(_ name: String, _ flag: String?, in range: ClosedRange<Int>) throws -> Int? {
        try self.value(name, flag, expected: "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    package mutating func duration(_ name: String, _ flag: String?) throws -> Duration? {
        try self.value(name, flag, expected: "a duration such as 250ms, 2s, 5m or 24h", DurationText.parse)
    }

    /// A flag that takes no value: given, or `true`, `yes`, `1` or their opposites elsewhere.
    package mutating func isOn(_ name: String, _ flag: Bool) throws -> Bool {
        try self.value(name, flag ? "true" : nil, expected: "true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1": true
            case "false", "no", "off", "0": false
            default: nil
            }
        } ?? false
    }

    /// A value that must be there.
    package func required<Value>(_ value: Value?, _ name: String, why: String) throws -> Value {
        guard let value else {
            throw CommandFailure.usage(
                "--\(name) is missing: \(why)",
                remedy: "Give --\(name), set \(Self.variable(name)), or write `\(name)` in the --config file.")
        }
        return value
    }

    /// Refuses a file with settings that this command does not have. Call it when everything has been asked for.
    package func finish() throws {
        guard let file = self.file else { return }
        for (name, entry) in file.entries.sorted(by: { $0.key < $1.key }) where !self.asked.contains(name) {
            throw CommandFailure.usage(
                "no setting is called `\(name)`", at: "\(file.name)\(entry.line.map { ":\($0)" } ?? "")",
                remedy: Nearest.name(to: name, among: self.asked).map { "Did you mean `\($0)`?" }
                    ?? "Known here: \(self.asked.sorted().joined(separator: ", ")).")
        }
    }
}

/// Suggestions for mistyped names.
package enum Nearest {
    /// The candidate with the fewest edits, when they are few enough to be a slip.
    package static func name(to name: String, among candidates: some Sequence<String>) -> String? {
        let scored = candidates.map { (distance: self.distance(Array(name.utf8), Array($0.utf8)), name: $0) }
        guard let best = scored.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else { return nil }
        return best.distance <= max(1, name.utf8.count / 3) ? best.name : nil
    }

    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let substituted = previous + (a == b ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = min(substituted, previous + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
