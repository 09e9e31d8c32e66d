/// How the tool ends, as its caller's shell sees it.
package enum ExitStatus: Int32, Sendable {
    case ok = 0
    /// What was asked for could not be done.
    case failed = 1
    /// The command line, the environment or a configuration file is wrong.
    case usage = 2
    /// It works, and something is not as it should be.
    case degraded = 3
}

/// Why a command did not do what it was asked: what, where, why, and what to do.
package struct CommandFailure: Error, Hashable, Sendable {
    package var exit: ExitStatus
    /// What could not be done, in one clause.
    package var message: String
    /// A file, an address, a flag; nil where there is no one place.
    package var location: String?
    /// Why; nil where the message says it.
    package var cause: String?
    /// What to do about it; nil where nothing sensible can be said.
    package var remedy: String?
    /// Printed as they are, before the rest: one for each of several mistakes.
    package var details: [String]

    package init(
        _ message: String, at location: String? = nil, because cause: String? = nil, remedy: String? = nil,
        details: [String] = [], exit: ExitStatus = .failed
    ) {
        self.exit = exit
        self.message = message
        self.location = location
        self.cause = cause
        self.remedy = remedy
        self.details = details
    }

    /// A mistake in the command line, the environment or a configuration file.
    package static func usage(_ message: String, at location: String? = nil, remedy: String? = nil) -> Self {
        Self(message, at: location, remedy: remedy, exit: .usage)
    }
}

extension CommandFailure {
    /// The description for a terminal, which must not obey what others wrote.
    package var shown: String {
        self.description.split(separator: "\n", omittingEmptySubsequences: false).map { Table.visible(String($0)) }
            .joined(separator: "\n")
    }
}

extension CommandFailure: CustomStringConvertible {
    /// `error: WHERE: WHAT: WHY`, and the remedy on a line of its own.
    package var description: String {
        var text = self.details.map { $0 + "\n" }.joined()
        text += "error: "
        if let location = self.location { text += "\(location): " }
        text += self.message
        if let cause = self.cause { text += ": \(cause)" }
        if let remedy = self.remedy { text += "\n  \(remedy)" }
        return text
    }
}
