internal import Foundation
internal import WeftModel

/// Golden metrics by edge, drawn anew every second.
struct LiveView: Sendable {
    /// Where people call the platform.
    let entry: String
    let runner: FleetRunner
    let api: APIClient
    let traffic: TrafficGenerator
    let console: Console

    /// Until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.traffic.run(rate: 20) }
            group.addTask {
                var dashboard: DashboardAddress?
                while !Task.isCancelled {
                    // A new way in well before the last one closes.
                    if (dashboard?.expiresAt ?? 0) < Int64(Date().timeIntervalSince1970) + 300 {
                        dashboard = (try? await DashboardAddress.make(self.api)) ?? dashboard
                    }
                    await self.draw(dashboard)
                    try? await Task.sleep(for: .seconds(1))
                }
            }
        }
        self.console.put("\u{1B}[?25h\n")
    }

    private func draw(_ dashboard: DashboardAddress?) async {
        let tally = self.traffic.take()
        var lines = [
            self.console.styled("The learning platform, as a mesh on this machine", .strong) + "   (Ctrl-C ends it)",
            "",
            "  gateway   \(self.entry)", "  dashboard \(dashboard?.url ?? "")",
            "  fleet     \(self.runner.paths.file)", "  logs      \(self.runner.paths.logs)",
            "  try       weft apply -f \(self.runner.paths.directory)/canary-50-50.yaml",
            "            weft status --api \(self.runner.paths.apiSocket)", "",
            "  last second: \(tally.sent) requests, \(tally.failed) failed, p50 \(Figures.milliseconds(tally.latency.p50)), "
                + "billing \(tally.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))",
            "",
        ]
        do {
            var report = try await self.api.stat(window: .seconds(10))
            report.edges = report.edges.filter { $0.direction == .outbound }
            lines += Tables.stat(report, console: self.console).split(separator: "\n", omittingEmptySubsequences: false)
                .map(String.init)
        } catch let failure as CommandFailure {
            lines.append(self.console.styled(failure.message, .warning))
        } catch let error {
            lines.append(self.console.styled("\(error)", .warning))
        }
        // Home, each line cleared to its end, then everything below.
        let body = lines.prefix(max(1, self.console.size.rows - 1)).map { $0 + "\u{1B}[K" }.joined(separator: "\n")
        self.console.put("\u{1B}[?25l\u{1B}[H" + body + "\n\u{1B}[J")
    }
}
