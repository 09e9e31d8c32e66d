/// What the kernel says of a process that calls.
package struct ProcessFacts: Hashable, Sendable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32
    /// The path of its executable; nil where that cannot be known, and where another file lies there now, or lies there
    /// for this agent.
    package var path: String?
    /// The systemd unit it runs in; nil outside of any.
    package var unit: String?
    /// The name of its user; nil where this host has none for it.
    package var user: String?

    package init(
        pid: Int32, uid: UInt32, gid: UInt32, path: String? = nil, unit: String? = nil, user: String? = nil
    ) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.path = path
        self.unit = unit
        self.user = user
    }
}
