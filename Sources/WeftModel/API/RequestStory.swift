/// `GET /v1/requests/{id}`: what happened to one request, in order of time, across all proxies that saw it.
package struct RequestStory: Hashable, Sendable, Codable {
    package var id: String
    /// What the caller got: the first, or of several calls that nothing joins the one that is explained.
    package var summary: RequestSummary
    /// Why it ended as it did.
    package var cause: Cause
    package var hops: [Hop]
    package var events: [Event]
    /// From the reason's page: what to look at and what to change.
    package var advice: [String]
    /// Proxies that did not answer in time.
    package var silent: [String]
    /// What is missing, and why it may be.
    package var gaps: [String]

    package init(
        id: String, summary: RequestSummary, cause: Cause, hops: [Hop], events: [Event], advice: [String],
        silent: [String] = [], gaps: [String] = []
    ) {
        self.id = id
        self.summary = summary
        self.cause = cause
        self.hops = hops
        self.events = events
        self.advice = advice
        self.silent = silent
        self.gaps = gaps
    }

    /// The true cause: where it happened, which may be hops away from who noticed.
    package struct Cause: Hashable, Sendable, Codable {
        package var reason: Reason
        /// One sentence.
        package var text: String
        /// From 1; zero where the request was fine. With the reason `ok` and a hop an application answered so itself.
        package var hop: Int
        /// The service or workload it happened at.
        package var place: String
        /// The resource responsible.
        package var policy: Provenance?
        /// What followed from it on the way back to the caller, the first at first.
        package var consequences: [Consequence] = []

        package init(reason: Reason, text: String, hop: Int, place: String, policy: Provenance? = nil) {
            self.reason = reason
            self.text = text
            self.hop = hop
            self.place = place
            self.policy = policy
        }

        package init(from decoder: any Decoder) throws {
            let object = try decoder.container(keyedBy: CodingKeys.self)
            self.reason = try object.decode(Reason.self, forKey: .reason)
            self.text = try object.decode(String.self, forKey: .text)
            self.hop = try object.decode(Int.self, forKey: .hop)
            self.place = try object.decode(String.self, forKey: .place)
            self.policy = try object.decodeIfPresent(Provenance.self, forKey: .policy)
            // An older control plane tells of none.
            self.consequences = try object.decodeIfPresent([Consequence].self, forKey: .consequences) ?? []
        }
    }

    /// What a failure came to where it was noticed: that no other attempt followed, under a reason of its own.
    package struct Consequence: Hashable, Sendable, Codable {
        package var reason: Reason
        package var hop: Int
        /// One clause.
        package var text: String
        /// The resource that wanted it so.
        package var policy: Provenance?

        package init(reason: Reason, hop: Int, text: String, policy: Provenance? = nil) {
            self.reason = reason
            self.hop = hop
            self.text = text
            self.policy = policy
        }
    }

    /// One call from a service to the next.
    package struct Hop: Hashable, Sendable, Codable {
        /// From 1, in order of time.
        package var number: Int
        /// The hop whose destination made this call; nil for the first, and where it cannot be told.
        package var parent: Int?
        package var source: String
        package var destination: String
        /// From the story's beginning.
        package var atMs: Double
        package var durationMs: Double
        /// As the caller's proxy recorded it.
        package var outbound: HopRecord?
        /// As the destinations' proxies did: one for each attempt that arrived.
        package var inbound: [HopRecord]

        package init(
            number: Int, parent: Int?, source: String, destination: String, atMs: Double, durationMs: Double,
            outbound: HopRecord?, inbound: [HopRecord]
        ) {
            self.number = number
            self.parent = parent
            self.source = source
            self.destination = destination
            self.atMs = atMs
            self.durationMs = durationMs
            self.outbound = outbound
            self.inbound = inbound
        }
    }

    package struct Event: Hashable, Sendable, Codable {
        /// Milliseconds from the story's beginning.
        package var atMs: Double
        /// `Hop.number`.
        package var hop: Int
        /// Who did it: a service's application or proxy.
        package var actor: String
        package var text: String
        package var kind: Kind

        package init(atMs: Double, hop: Int, actor: String, text: String, kind: Kind) {
            self.atMs = atMs
            self.hop = hop
            self.actor = actor
            self.text = text
            self.kind = kind
        }

        private enum CodingKeys: String, CodingKey {
            case atMs
            case hop, actor, text, kind
        }
    }

    package enum Kind: String, Hashable, Sendable, Codable {
        case request, route, policy, attempt, outcome, decision, arrival, answer, failure, note
    }
}
