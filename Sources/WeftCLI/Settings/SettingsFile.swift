internal import Yams

/// A `--config` file: a YAML mapping whose keys are the command's flags without their dashes.
package struct SettingsFile: Sendable {
    package struct Entry: Sendable, Hashable {
        /// A scalar has one.
        package var values: [String]
        /// From 1.
        package var line: Int?
    }

    /// As the operator named it.
    package let name: String
    package let entries: [String: Entry]

    /// Reads the text; throws a usage failure that names file, line and what is wrong.
    package init(name: String, text: String) throws {
        self.name = name
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error {
            throw CommandFailure.usage("not YAML: \(error)", at: name)
        }
        guard let node else {
            self.entries = [:]
            return
        }
        guard let mapping = node.mapping else {
            throw CommandFailure.usage(
                "a configuration file is a mapping", at: "\(name):\(node.mark?.line ?? 1)",
                remedy: "Write one `flag-name: value` a line, for instance `admin: 127.0.0.1:15000`.")
        }
        var entries: [String: Entry] = [:]
        for (key, value) in mapping {
            let line = key.mark?.line
            let place = "\(name):\(line ?? 1)"
            guard let key = key.scalar?.string else { throw CommandFailure.usage("a key must be text", at: place) }
            guard entries[key] == nil else { throw CommandFailure.usage("`\(key)` is there twice", at: place) }
            switch value {
            case .scalar(let scalar): entries[key] = Entry(values: [scalar.string], line: line)
            case .sequence(let sequence):
                let values = sequence.compactMap { $0.scalar?.string }
                guard values.count == sequence.count else {
                    throw CommandFailure.usage("`\(key)` must be a list of plain values", at: place)
                }
                entries[key] = Entry(values: values, line: line)
            case .mapping, .alias:
                throw CommandFailure.usage("`\(key)` must be a plain value or a list of them", at: place)
            }
        }
        self.entries = entries
    }
}
