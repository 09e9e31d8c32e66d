/// Rows under headings, padded to line up; what people see where programs get JSON.
package struct Table: Sendable {
    package struct Column: Sendable {
        package var heading: String
        package var alignment: Alignment

        package init(_ heading: String, _ alignment: Alignment = .left) {
            self.heading = heading
            self.alignment = alignment
        }
    }

    package enum Alignment: Sendable { case left, right }

    /// One value; its tone is shown where the output has colour.
    package struct Cell: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        package var text: String
        package var tone: Tone

        package init(_ text: String, _ tone: Tone = .plain) {
            self.text = text
            self.tone = tone
        }

        package init(stringLiteral text: String) { self.init(text) }
    }

    package var columns: [Column]
    package var rows: [[Cell]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// A row; cells that are missing are empty, cells too many are dropped.
    package mutating func add(_ cells: [Cell]) {
        let missing = max(0, self.columns.count - cells.count)
        self.rows.append(Array(cells.prefix(self.columns.count)) + Array(repeating: Cell("-", .faint), count: missing))
    }

    /// The lines, without trailing blanks. Empty values show as `-`.
    package func rendered(colours: Bool) -> String {
        let rows = self.rows.map { row in
            row.map { $0.text.isEmpty ? Cell("-", .faint) : Cell(Self.visible($0.text), $0.tone) }
        }
        let widths = self.columns.indices.map { index in
            ([self.columns[index].heading] + rows.map { $0[index].text }).map(\.count).max() ?? 0
        }
        let heading = self.line(self.columns.map { Cell($0.heading, .strong) }, widths: widths, colours: colours)
        return ([heading] + rows.map { self.line($0, widths: widths, colours: colours) }).joined(separator: "\n")
    }

    /// What others wrote, as one line that moves no cursor: control characters, line breaks and marks that turn the
    /// direction of writing read `\u{1B}`.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Self.isHidden) else { return text }
        return text.unicodeScalars.map { scalar in
            Self.isHidden(scalar) ? "\\u{\(String(scalar.value, radix: 16, uppercase: true))}" : String(scalar)
        }.joined()
    }

    static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: true
        default: false
        }
    }

    private func line(_ cells: [Cell], widths: [Int], colours: Bool) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.text.count)
            let text = colours ? cell.tone.applied(to: cell.text) : cell.text
            let isLast = index == cells.count - 1
            switch self.columns[index].alignment {
            case .left: line += isLast ? text : text + padding
            case .right: line += padding + text
            }
            if !isLast { line += "  " }
        }
        return line
    }
}
