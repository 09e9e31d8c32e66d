#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Where a command writes: results to standard output, progress and errors to standard error.
package struct Console: Sendable {
    /// Whether colour and redrawing make sense on standard output.
    package let isTerminal: Bool
    /// Whether standard error is a terminal.
    package let errorIsTerminal: Bool
    /// Colour on standard output: a terminal, and neither `NO_COLOR` nor `TERM=dumb`.
    package let colours: Bool
    /// Leaves out progress.
    package var quiet = false

    package init(isTerminal: Bool, errorIsTerminal: Bool, environment: [String: String]) {
        self.isTerminal = isTerminal
        self.errorIsTerminal = errorIsTerminal
        self.colours = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// The process's own streams.
    package static func standard(environment: [String: String]) -> Console {
        Console(isTerminal: isatty(1) == 1, errorIsTerminal: isatty(2) == 1, environment: environment)
    }

    /// A line on standard output.
    package func line(_ text: String = "") { Self.write(text + "\n", to: 1) }

    /// Text on standard output as it is.
    package func put(_ text: String) { Self.write(text, to: 1) }

    /// A line of progress on standard error.
    package func progress(_ text: String) {
        if !self.quiet { Self.write(text + "\n", to: 2) }
    }

    /// A line on standard error.
    package func error(_ text: String) { Self.write(text + "\n", to: 2) }

    /// `text` in `tone`, where colour makes sense.
    package func styled(_ text: String, _ tone: Tone) -> String { self.colours ? tone.applied(to: text) : text }

    /// The terminal's size; 80 × 24 where it is not known.
    package var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Unbuffered, so that a line is there when whoever started us reads it; a reader that went away is not an error.
    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count =
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress.map {
                        #if canImport(Glibc)
                            Glibc.write(descriptor, $0, rest.count)
                        #else
                            Darwin.write(descriptor, $0, rest.count)
                        #endif
                    } ?? 0
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}

/// What a piece of output means, shown as colour.
package enum Tone: Sendable, Hashable {
    case plain
    case good
    case warning
    case bad
    case faint
    case strong

    func applied(to text: String) -> String {
        let code =
            switch self {
            case .plain: ""
            case .good: "32"
            case .warning: "33"
            case .bad: "31"
            case .faint: "2"
            case .strong: "1"
            }
        return code.isEmpty ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}
