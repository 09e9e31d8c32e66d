internal import Foundation
internal import Logging
internal import WeftIdentity
internal import WeftModel

/// Says how long the authority's own certificates still live, once that is little. A value: the driver brings the time.
struct AuthorityWatch: Sendable {
    private var alarms: [Certificate: ExpiryAlarm] = [:]

    /// One of the authority's certificates; another one begins anew.
    struct Certificate: Hashable, Sendable {
        var role: String
        var notBefore: Int64
        var notAfter: Int64
    }

    /// What is worth saying now.
    mutating func notices(of status: AuthorityStatus, now: Date) -> [(Certificate, ExpiryAlarm.Notice)] {
        let present = [
            ("root", status.rootIssuedAt, status.rootExpiresAt),
            ("intermediate", status.intermediateIssuedAt, status.intermediateExpiresAt),
        ].compactMap { role, begin, end in begin.map { Certificate(role: role, notBefore: $0, notAfter: end) } }
        self.alarms = self.alarms.filter { present.contains($0.key) }
        return present.compactMap { certificate in
            var alarm =
                self.alarms[certificate]
                ?? ExpiryAlarm(
                    notBefore: Date(timeIntervalSince1970: Double(certificate.notBefore)),
                    notAfter: Date(timeIntervalSince1970: Double(certificate.notAfter)))
            let notice = alarm.notice(now: now)
            self.alarms[certificate] = alarm
            return notice.map { (certificate, $0) }
        }
    }

    /// Looks once a minute; until cancelled.
    static func run(_ authority: Authority, logger: Logger) async {
        var watch = AuthorityWatch()
        repeat {
            guard let status = try? await authority.status else { continue }
            for (certificate, notice) in watch.notices(of: status, now: Date()) {
                self.say(notice, of: certificate, logger)
            }
        } while (try? await Task.sleep(for: .seconds(60))) != nil
    }

    private static func say(_ notice: ExpiryAlarm.Notice, of certificate: Certificate, _ logger: Logger) {
        let until = Date(timeIntervalSince1970: Double(certificate.notAfter)).formatted(.iso8601)
        let metadata: Logger.Metadata = [
            "until": "\(until)", "left": "\(notice.left)",
            "remedy": certificate.role == "root"
                ? "replace the root before it ends: no identity outlives it"
                : "see in this log why it was not renewed; a restart tries again",
        ]
        switch notice.level {
        case .warning:
            logger.warning(
                "\(notice.percentLeft) % of the life of the authority's \(certificate.role) are left",
                metadata: metadata)
        case .error:
            logger.error("the authority's \(certificate.role) is about to expire", metadata: metadata)
        case .expired:
            logger.error(
                "the authority's \(certificate.role) has expired; no identity can be issued or renewed",
                metadata: metadata)
        }
    }
}
