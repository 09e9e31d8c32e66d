internal import Foundation
internal import WeftModel

/// Decides whether one more certificate may be signed: so many in a minute for one identity, and so many in all. Owns
/// no clock. What it remembers is bounded by the number in all.
struct IssuingLimits: Sendable {
    let perIdentity: Int
    let total: Int
    /// The minute that is being counted, seconds since 1970.
    private var began: Int64 = 0
    private var count = 0
    private var counts: [SPIFFEID: Int] = [:]

    init(perIdentity: Int, total: Int) {
        self.perIdentity = perIdentity
        self.total = total
    }

    /// Counts a certificate, or says why there is none. `now` is in seconds since 1970.
    mutating func take(_ identity: SPIFFEID, now: Int64) throws(IssuingRefusal) {
        // A clock that went back begins a new minute too.
        if now >= self.began + 60 || now < self.began {
            self.began = now
            self.count = 0
            self.counts = [:]
        }
        guard self.count < self.total else { throw .tooMany(limit: self.total) }
        let own = self.counts[identity, default: 0]
        guard own < self.perIdentity else { throw .tooManyForIdentity(identity, limit: self.perIdentity) }
        self.count += 1
        self.counts[identity] = own + 1
    }
}

/// Why an identity gets no certificate, though it proved itself.
enum IssuingRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Revoked at `at`, seconds since 1970.
    case revoked(SPIFFEID, at: Int64, reason: String)
    case tooManyForIdentity(SPIFFEID, limit: Int)
    case tooMany(limit: Int)
    /// Nobody gets it, however proved.
    case reserved(String)
    /// It did not join here: an agent handed the certificate on, or is one.
    case notJoined(SPIFFEID)

    /// Whether asking again later may help.
    var isTransient: Bool {
        switch self {
        case .revoked, .reserved, .notJoined: false
        case .tooManyForIdentity, .tooMany: true
        }
    }

    var description: String {
        switch self {
        case .revoked(let identity, let at, let reason):
            "\(identity) was revoked at \(Date(timeIntervalSince1970: Double(at)).formatted(.iso8601))"
                + (reason.isEmpty ? "" : " (\(reason))") + "; an operator can `weft identity restore` it"
        case .tooManyForIdentity(let identity, let limit):
            "\(identity) has had \(limit) certificates within a minute, which is the limit; see why it asks so often"
        case .reserved(let cause): "\(cause), and is given to nobody else; join as another service or account"
        case .notJoined(let identity):
            "the certificate of \(identity) is renewed by its host's agent, for as long as its RegistrationEntry stands"
        case .tooMany(let limit):
            "\(limit) certificates have been signed within a minute, which is the limit; try again in a minute"
        }
    }
}
