internal import WeftModel

/// Decides what a sidecar that was told to stop does next. Owns no clock: it is asked with the time since the order.
///
/// Not ready and deregistered → dependents get a moment to hear of it → connections are told → requests in flight end →
/// streams that go on get longer → outbound stays until the application has exited → everything closes. What is still
/// under way after its time is not waited for; it goes on for as long as something else is.
package struct DrainSequence: Sendable {
    /// What there is to see when asked.
    package struct Observation: Hashable, Sendable {
        /// Since the order to stop.
        package var elapsed: Duration
        /// Inbound requests under way, streams among them.
        package var inboundRequests: Int
        /// Of these, the ones that may go on for as long as both sides like.
        package var inboundStreams: Int
        /// The application's own calls under way.
        package var outboundRequests: Int
        /// Every dependent is known to have the change.
        package var dependentsKnow: Bool
        /// The application has exited, or there is none to wait for.
        package var applicationExited: Bool

        package init(
            elapsed: Duration, inboundRequests: Int, inboundStreams: Int, outboundRequests: Int = 0,
            dependentsKnow: Bool, applicationExited: Bool
        ) {
            self.elapsed = elapsed
            self.inboundRequests = inboundRequests
            self.inboundStreams = inboundStreams
            self.outboundRequests = outboundRequests
            self.dependentsKnow = dependentsKnow
            self.applicationExited = applicationExited
        }
    }

    package enum Step: Hashable, Sendable {
        case wait
        /// Tell inbound connections that nothing new is taken.
        case drainInbound
        /// Tell the application's connections too.
        case drainOutbound
        /// Close what is left, and exit.
        case close
    }

    private enum State: Sendable {
        case announcing
        case drainingInbound(since: Duration)
        case drainingOutbound(since: Duration)
        case closed
    }

    private let settings: DrainSettings
    private var state = State.announcing

    package init(_ settings: DrainSettings) { self.settings = settings }

    /// What to do now. Ask again soon after every answer but `close`.
    package mutating func next(_ seen: Observation) -> Step {
        let step: Step
        (self.state, step) =
            switch self.state {
            case .announcing where seen.dependentsKnow || seen.elapsed >= self.settings.announcement:
                (.drainingInbound(since: seen.elapsed), .drainInbound)
            case .announcing: (.announcing, .wait)
            case .drainingInbound(let since)
            where self.inboundIsOver(seen, after: seen.elapsed - since) && seen.applicationExited:
                (.drainingOutbound(since: seen.elapsed), .drainOutbound)
            case .drainingInbound(let since): (.drainingInbound(since: since), .wait)
            case .drainingOutbound(let since) where self.outboundIsOver(seen, after: seen.elapsed - since):
                (.closed, .close)
            case .drainingOutbound(let since): (.drainingOutbound(since: since), .wait)
            case .closed: (.closed, .close)
            }
        return step
    }

    /// An application that has gone has taken its calls with it; one that lives gets the answers it waits for. Its
    /// connections get a moment to hear that they are not to be used again.
    private func outboundIsOver(_ seen: Observation, after elapsed: Duration) -> Bool {
        elapsed >= .milliseconds(100) && seen.outboundRequests == 0 || elapsed >= self.settings.requests
    }

    private func inboundIsOver(_ seen: Observation, after elapsed: Duration) -> Bool {
        let requestsAreOver = seen.inboundRequests <= seen.inboundStreams || elapsed >= self.settings.requests
        let streamsAreOver = seen.inboundStreams == 0 || elapsed >= self.settings.streams
        return requestsAreOver && streamsAreOver
    }
}
