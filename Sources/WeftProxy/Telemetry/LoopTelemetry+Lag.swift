internal import NIOCore
internal import WeftTelemetry

/// How late the loop runs what is due: the first sign that it has more to do than it can.
extension LoopTelemetry {
    private static let interval = TimeAmount.seconds(1)

    /// Measures once a second from now on.
    func watchLag() { self.measureLag(due: .now() + Self.interval, in: self.registry.series(MetricNames.loopLag)) }

    func stopWatching() {
        self.lagTask?.cancel()
        self.lagTask = nil
    }

    private func measureLag(due: NIODeadline, in series: MetricRegistry.SeriesID) {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.lagTask = self.eventLoop.scheduleTask(deadline: due) {
            let now = NIODeadline.now()
            bound.value.registry.observe(Double((now - due).nanoseconds) / 1e9, in: series)
            bound.value.measureLag(due: now + Self.interval, in: series)
        }
    }
}
