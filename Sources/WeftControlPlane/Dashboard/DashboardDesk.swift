internal import Foundation
internal import Logging
internal import WeftModel

/// Keeps the `DashboardAccess`, makes its secrets and remembers its sessions.
actor DashboardDesk {
    private var access: DashboardAccess
    private let table: any RecordTable
    private let logger: Logger
    private var local: String?

    init(table: any RecordTable, logger: Logger) async {
        let records = (try? await table.all()) ?? [:]
        let sessions = records.values.compactMap {
            try? JSONDecoder().decode(DashboardAccess.Session.self, from: Data($0.utf8))
        }
        self.access = DashboardAccess(sessions: sessions)
        self.table = table
        self.logger = logger
    }

    /// The dashboard answers on this machine at `address`, which ends in `/`.
    func serves(at address: String) { self.local = address }

    func code(opener: String, token: String?, now: Date = Date()) -> DashboardCode {
        let secret = Self.secret()
        let expiry = self.access.issue(secret, opener: opener, token: token, now: Self.seconds(now))
        return DashboardCode(code: secret, expiresAt: expiry, local: self.local)
    }

    func redeem(_ code: String, now: Date = Date()) -> (opener: String, token: String?)? {
        self.access.redeem(code, now: Self.seconds(now))
    }

    /// The session and its cookie.
    func open(opener: String, token: String?, now: Date = Date()) async -> (session: DashboardSession, cookie: String) {
        let (cookie, key) = (Self.secret(), Self.secret())
        let opened = self.access.open(
            cookie: cookie, key: key, opener: opener, token: token, now: Self.seconds(now))
        do {
            for session in opened.ended { try await self.table.remove(session.cookie) }
            let text = String(decoding: try JSONEncoder().encode(opened.session), as: UTF8.self)
            try await self.table.put(opened.session.cookie, text)
        } catch {
            // It works until the control plane starts again.
            self.logger.warning("a session of the dashboard was not kept", metadata: ["cause": "\(error)"])
        }
        return (DashboardSession(key: key, expiresAt: opened.session.expiresAt), cookie)
    }

    /// Ends the session that `hash` names; how many that were.
    func end(_ hash: String) async -> Int { await self.forget(self.access.end(hash).map { [$0] } ?? []) }

    /// Ends all sessions, and takes back the codes that wait.
    func endAll() async -> Int { await self.forget(self.access.endAll()) }

    private func forget(_ ended: [DashboardAccess.Session]) async -> Int {
        for session in ended {
            do { try await self.table.remove(session.cookie) } catch {
                // It would be back when the control plane starts again.
                self.logger.error("an ended session of the dashboard was not removed", metadata: ["cause": "\(error)"])
            }
        }
        return ended.count
    }

    func session(cookie: String, key: String, now: Date = Date()) -> DashboardAccess.Session? {
        self.access.session(cookie: cookie, key: key, now: Self.seconds(now))
    }

    /// 192 bits of the system's generator, in characters that URLs and cookies take.
    private static func secret() -> String {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<24).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        return Data(bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
    }

    private static func seconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970) }
}
