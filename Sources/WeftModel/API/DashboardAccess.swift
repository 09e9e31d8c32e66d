/// `POST /v1/dashboard/codes`: a way into the dashboard, for one browser and one time.
package struct DashboardCode: Hashable, Sendable, Codable {
    /// A secret. The control plane keeps a hash of it only.
    package var code: String
    /// Seconds since 1970.
    package var expiresAt: Int64
    /// Where the dashboard answers on the control plane's own machine, ending in `/`; nil where it does not.
    package var local: String?

    package init(code: String, expiresAt: Int64, local: String?) {
        self.code = code
        self.expiresAt = expiresAt
        self.local = local
    }

    /// What to open in a browser. The code is in the fragment, which browsers send to nobody.
    package func url(at base: String) -> String { "\(base)#code=\(self.code)" }
}

/// `POST /v1/dashboard/sessions`: a code, or an API token, for a session.
package struct DashboardLogin: Hashable, Sendable, Codable {
    package var code: String?
    package var token: String?

    package init(code: String? = nil, token: String? = nil) {
        self.code = code
        self.token = token
    }
}

/// The answer. The session's other half is in a cookie.
package struct DashboardSession: Hashable, Sendable, Codable {
    /// A secret that the page sends with each call, in `x-weft-dashboard`.
    package var key: String
    /// Seconds since 1970.
    package var expiresAt: Int64

    package init(key: String, expiresAt: Int64) {
        self.key = key
        self.expiresAt = expiresAt
    }
}

/// `DELETE /v1/dashboard/sessions`.
package struct DashboardSessionsEnded: Hashable, Sendable, Codable {
    /// How many sessions there were.
    package var ended: Int

    package init(ended: Int) { self.ended = ended }
}
