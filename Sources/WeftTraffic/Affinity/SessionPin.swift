/// What a session says: the backend and the endpoint that its caller is kept to, and since when.
struct SessionPin: Hashable, Sendable {
    /// The backend's place among the route's.
    var backend: Int
    /// What sticky cookies call the endpoint.
    var endpoint: UInt64
    /// Seconds since 1970 by the proxy that began the session; zero where nothing limits it.
    var since: Int64
}
