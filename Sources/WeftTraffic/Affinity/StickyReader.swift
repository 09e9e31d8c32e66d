internal import WeftMessage
internal import WeftModel

/// A sticky cookie made ready: which endpoint a request's cookie names.
struct StickyReader {
    let cookie: StickyCookie
    private let name: [UInt8]

    init(_ cookie: StickyCookie) {
        self.cookie = cookie
        self.name = Array(cookie.name.utf8)
    }

    /// The endpoint's number; nil without a cookie, or with one that is none of ours.
    func key(in head: borrowing RequestHead) -> UInt64? {
        Cookies.withValue(of: self.name, in: head.headers) { Cookies.number($0) } ?? nil
    }
}
