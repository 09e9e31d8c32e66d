/// When a request that may be repeated gets a second attempt beside the first; the first answer wins, the other is reset.
///
/// Only idempotent requests whose body is held whole are hedged, once each, and the second attempt is paid for from the
/// retry budget. Source: "The Tail at Scale", hedged requests.
package struct HedgePolicy: Hashable, Sendable {
    /// How long the first attempt has been out. With `percentile`, what holds while too little is known of the route.
    package var delay: Duration?
    /// The share of the route's answers that came sooner, 50–99.9 %, in the last 10 to 20 s. Nil is `delay` always.
    package var percentile: Double?

    /// At least one of the two must be given.
    package init(delay: Duration? = nil, percentile: Double? = nil) {
        self.delay = delay
        self.percentile = percentile
    }
}
