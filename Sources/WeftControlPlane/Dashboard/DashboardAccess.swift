internal import Crypto

/// Decides which browsers may look: codes that work once, and the sessions they are exchanged for.
///
/// A session has two secrets, a cookie and a key. The cookie is out of scripts' reach, but browsers send it to every
/// port of a host; the key is kept by the page for its own origin alone. A call needs both. Only hashes are kept, and
/// found by hash, so that no comparison tells how much of a secret was right. Time and secrets are arguments.
struct DashboardAccess: Sendable {
    struct Limits: Hashable, Sendable {
        /// Seconds that a code may wait. Default 10 min.
        var codeLife: Int64 = 600
        /// Codes that wait at once; a further one takes the oldest's place.
        var codes = 64
        /// Seconds that a session lasts. Default 12 h.
        var sessionLife: Int64 = 12 * 3600
        /// Sessions at once; a further one takes the oldest's place.
        var sessions = 256

        init() {}
    }

    /// What is kept of a session, on disk too, so that a control plane that starts again asks nobody to log in anew.
    struct Session: Hashable, Sendable, Codable {
        /// SHA-256 of the cookie, hexadecimal.
        var cookie: String
        /// SHA-256 of the key, hexadecimal.
        var key: String
        /// Who asked for it.
        var opener: String
        /// The API token that it came from and ends with; nil for others.
        var token: String?
        /// Seconds since 1970.
        var expiresAt: Int64
    }

    private struct Code: Sendable {
        var hash: String
        var opener: String
        var token: String?
        var expiresAt: Int64
    }

    let limits: Limits
    private var codes: [Code] = []
    private(set) var sessions: [String: Session] = [:]

    init(limits: Limits = Limits(), sessions: [Session] = []) {
        self.limits = limits
        for session in sessions { self.sessions[session.cookie] = session }
    }

    /// Has `secret` open one session. Returns when it ceases to, in seconds since 1970.
    mutating func issue(_ secret: String, opener: String, token: String?, now: Int64) -> Int64 {
        self.codes.removeAll { $0.expiresAt <= now }
        if self.codes.count >= self.limits.codes { self.codes.removeFirst() }
        let expiry = now + self.limits.codeLife
        self.codes.append(Code(hash: Self.hash(secret), opener: opener, token: token, expiresAt: expiry))
        return expiry
    }

    /// Who asked for the code, which works no more; nil for one that is unknown, used or too old.
    mutating func redeem(_ secret: String, now: Int64) -> (opener: String, token: String?)? {
        let hash = Self.hash(secret)
        guard let index = self.codes.firstIndex(where: { $0.hash == hash }) else { return nil }
        let code = self.codes.remove(at: index)
        return code.expiresAt > now ? (code.opener, code.token) : nil
    }

    /// A session of these secrets, and those that it ended.
    mutating func open(
        cookie: String, key: String, opener: String, token: String?, now: Int64
    ) -> (session: Session, ended: [Session]) {
        var ended = self.sessions.values.filter { $0.expiresAt <= now }
        for session in ended { self.sessions[session.cookie] = nil }
        if self.sessions.count >= self.limits.sessions,
            let oldest = self.sessions.values.min(by: { $0.expiresAt < $1.expiresAt })
        {
            self.sessions[oldest.cookie] = nil
            ended.append(oldest)
        }
        let session = Session(
            cookie: Self.hash(cookie), key: Self.hash(key), opener: opener, token: token,
            expiresAt: now + self.limits.sessionLife)
        self.sessions[session.cookie] = session
        return (session, ended)
    }

    /// Ends the session whose cookie has this hash.
    mutating func end(_ hash: String) -> Session? { self.sessions.removeValue(forKey: hash) }

    /// Ends every session, and takes back every code.
    mutating func endAll() -> [Session] {
        defer {
            self.sessions = [:]
            self.codes = []
        }
        return Array(self.sessions.values)
    }

    /// The session that both secrets belong to; nil where there is none, or no more.
    func session(cookie: String, key: String, now: Int64) -> Session? {
        guard let session = self.sessions[Self.hash(cookie)], session.key == Self.hash(key), session.expiresAt > now
        else { return nil }
        return session
    }

    private static func hash(_ secret: String) -> String {
        SHA256.hash(data: Array(secret.utf8)).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
