internal import FoundationEssentials
internal import Logging
internal import WeftIdentity

/// Says what `ExpiryAlarm` finds worth saying of the certificate in use. Renewing goes on beside it.
struct ExpiryWatch: Sendable {
    let identity: WorkloadIdentity
    let logger: Logger

    /// Until cancelled: the identity was replaced.
    func run() async throws {
        var alarm = ExpiryAlarm(notBefore: self.identity.notBefore, notAfter: self.identity.notAfter)
        while true {
            if let notice = alarm.notice(now: Date()) { self.say(notice) }
            try await Task.sleep(for: alarm.interval)
        }
    }

    private func say(_ notice: ExpiryAlarm.Notice) {
        let metadata: Logger.Metadata = [
            "identity": "\(self.identity.id)", "serial": "\(self.identity.serial)",
            "until": "\(self.identity.notAfter.formatted(.iso8601))", "left": "\(notice.left)",
            "remedy": "see that the control plane runs and can be reached; it is asked again and again",
        ]
        switch notice.level {
        case .warning:
            self.logger.warning("\(notice.percentLeft) % of the certificate's life are left", metadata: metadata)
        case .error:
            self.logger.error(
                "the certificate is about to expire: \(notice.percentLeft) % of its life are left", metadata: metadata)
        case .expired:
            self.logger.error(
                "the certificate has expired; no peer makes a new connection with it", metadata: metadata)
        }
    }
}
