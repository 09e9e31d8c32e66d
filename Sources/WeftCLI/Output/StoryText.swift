internal import Foundation
internal import WeftModel

/// A story as people read it.
enum StoryText {
    static func lines(_ story: RequestStory, console: Console) -> [String] {
        let summary = story.summary
        var lines = [
            console.styled(Self.safe("\(summary.method) \(summary.authority)\(summary.path)"), .strong)
                + "  \(Self.status(summary.status, summary.grpcStatus, summary.reason, console)) in \(Self.time(summary.durationMs))",
            console.styled("request \(Self.safe(story.id))  \(Self.moment(summary.startedAtMs))", .faint),
            "",
            console.styled("Why", .strong) + "  \(Self.safe(story.cause.text))",
        ]
        let cause = story.cause
        let place = cause.hop == 0 ? "" : "at hop \(cause.hop), \(Self.safe(cause.place))"
        // A status with the reason `ok` is an application's own.
        let reason = cause.reason == .ok ? "" : "\(cause.reason.rawValue)"
        let facts = [reason, place].filter { !$0.isEmpty }
        if !facts.isEmpty { lines.append("     " + facts.joined(separator: "  ")) }
        if let policy = cause.policy { lines.append("     \(Self.safe("\(policy)"))") }
        for consequence in cause.consequences {
            let policy = consequence.policy.map { "  \($0)" } ?? ""
            lines.append(
                "then \(consequence.reason.rawValue)  at hop \(consequence.hop): "
                    + Self.safe(consequence.text + policy))
        }
        lines.append("")
        let width = story.events.map { Self.offset($0.atMs).count }.max() ?? 0
        var hop = 0
        for event in story.events {
            if event.hop != hop {
                hop = event.hop
                if let found = story.hops.first(where: { $0.number == hop }) {
                    let path = "\(found.source) → \(found.destination)"
                    lines.append(console.styled("hop \(hop)  \(Self.safe(path))", .strong))
                }
            }
            let offset = Self.offset(event.atMs)
            let padding = String(repeating: " ", count: width - offset.count)
            let text = "\(event.actor) \(event.text)"
            lines.append(
                "  \(console.styled(padding + offset, .faint))  \(console.styled(Self.safe(text), Self.tone(event.kind)))"
            )
        }
        if !story.advice.isEmpty {
            lines.append("")
            lines.append(console.styled("What to do", .strong))
            lines += story.advice.map { "  - \(Self.safe($0))" }
            lines.append("  weft explain --reason \(story.cause.reason.rawValue) has the whole page")
        }
        if !story.gaps.isEmpty {
            lines.append("")
            lines.append(console.styled("What is missing", .strong))
            lines += story.gaps.map { "  - \(Self.safe($0))" }
        }
        return lines
    }

    /// One request of a tap.
    static func line(_ record: HopRecord, console: Console) -> String {
        let side = record.direction == .outbound ? "→" : "←"
        let attempts = record.attempts.count > 1 ? "  \(record.attempts.count) attempts" : ""
        return Self.safe(
            "\(Self.moment(record.startedAtMs))  \(record.source) \(side) \(record.destination)  "
                + "\(record.method) \(record.authority)\(record.path)  ")
            + Self.status(record.status, record.grpcStatus, record.reason, console)
            + "  \(Self.time(record.durationMs))\(attempts)  " + console.styled(Self.safe(record.requestID), .faint)
    }

    static func status(_ status: Int, _ grpc: Int?, _ reason: Reason, _ console: Console) -> String {
        let isFailed = status >= 500 || reason != .ok || (grpc ?? 0) != 0
        let text = "\(status)" + (grpc.map { " grpc \($0)" } ?? "") + (reason == .ok ? "" : " \(reason.rawValue)")
        return console.styled(text, isFailed ? .bad : status >= 400 ? .warning : .good)
    }

    static func time(_ milliseconds: Double) -> String {
        milliseconds >= 1000
            ? "\((milliseconds / 10).rounded() / 100) s" : "\((milliseconds * 10).rounded() / 10) ms"
    }

    static func moment(_ milliseconds: Double) -> String {
        Date(timeIntervalSince1970: milliseconds / 1000).formatted(.iso8601.time(includingFractionalSeconds: true))
    }

    /// What callers made up must not write to the terminal: as tables show it.
    static func safe(_ text: String) -> String { Table.visible(text) }

    private static func offset(_ milliseconds: Double) -> String {
        "+" + String(format: "%.1f", milliseconds) + " ms"
    }

    private static func tone(_ kind: RequestStory.Kind) -> Tone {
        switch kind {
        case .failure: .bad
        case .decision: .warning
        case .answer: .good
        case .route, .policy: .faint
        case .request, .attempt, .outcome, .arrival, .note: .plain
        }
    }
}

/// A story as a tree of calls with bars of time.
enum StoryTree {
    private static let width = 32

    static func lines(_ story: RequestStory, console: Console) -> [String] {
        let total = story.hops.map { $0.atMs + $0.durationMs }.max() ?? 0
        var rows: [(label: String, hop: RequestStory.Hop)] = []
        func add(_ parent: Int?, depth: Int) {
            guard depth < 64 else { return }
            for hop in story.hops where hop.parent == parent {
                let indent = String(repeating: "  ", count: depth)
                let request = hop.outbound ?? hop.inbound.first
                let path = request.map { " \($0.method) \($0.path)" } ?? ""
                rows.append((indent + StoryText.safe("\(hop.source) → \(hop.destination)\(path)"), hop))
                add(hop.number, depth: depth + 1)
            }
        }
        add(nil, depth: 0)
        let width = rows.map(\.label.count).max() ?? 0
        return rows.map { row in
            let request = row.hop.outbound ?? row.hop.inbound.first
            let padding = String(repeating: " ", count: width - row.label.count)
            let status = request.map { StoryText.status($0.status, $0.grpcStatus, $0.reason, console) } ?? ""
            let attempts =
                (row.hop.outbound?.attempts.count ?? 1) > 1 ? "  \(row.hop.outbound?.attempts.count ?? 1) attempts" : ""
            return "\(row.label)\(padding)  \(Self.bar(row.hop.atMs, row.hop.durationMs, of: total))  "
                + "\(StoryText.time(row.hop.durationMs))  \(status)\(attempts)"
        }
    }

    static func bar(_ start: Double, _ duration: Double, of total: Double) -> String {
        guard total > 0 else { return String(repeating: "█", count: Self.width) }
        let from = min(Self.width - 1, Int(start / total * Double(Self.width)))
        let count = max(1, min(Self.width - from, Int((duration / total * Double(Self.width)).rounded())))
        return String(repeating: "·", count: from) + String(repeating: "█", count: count)
            + String(repeating: "·", count: Self.width - from - count)
    }
}
