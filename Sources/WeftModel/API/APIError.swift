/// What every refused call of the control plane's API answers with: what, where, why, and what to do.
package struct APIError: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// The HTTP status it was answered with.
    package var status: Int
    /// A stable word for programs.
    package var code: Code
    /// What could not be done, in one sentence.
    package var message: String
    /// Where: a file and line, a field, a path; nil where the whole call is meant.
    package var location: String?
    /// Why.
    package var cause: String?
    /// What to do about it.
    package var remedy: String?
    /// The mistakes in the documents of an apply; empty for everything else.
    package var diagnostics: [Diagnostic]

    package init(
        status: Int, code: Code, message: String, location: String? = nil, cause: String? = nil,
        remedy: String? = nil, diagnostics: [Diagnostic] = []
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.location = location
        self.cause = cause
        self.remedy = remedy
        self.diagnostics = diagnostics
    }

    /// The kinds of refusal.
    package enum Code: String, Hashable, Sendable, Codable, CaseIterable {
        /// The documents are wrong; `diagnostics` says how. 422.
        case invalidConfiguration = "invalid_configuration"
        /// The call itself is malformed. 400.
        case badRequest = "bad_request"
        /// No credentials, or wrong ones. 401.
        case unauthenticated
        /// Good credentials whose role does not suffice. 403.
        case forbidden
        /// No such resource, token or path. 404.
        case notFound = "not_found"
        /// The path exists and takes other methods. 405.
        case methodNotAllowed = "method_not_allowed"
        /// The store has moved past the expected revision. 409.
        case conflict
        /// The body is larger than the API takes. 413.
        case tooLarge = "too_large"
        /// A limit of the control plane is reached. 429.
        case exhausted
        /// The store refused: disk full, locked, corrupt. 503.
        case storeUnavailable = "store_unavailable"
        /// A mistake of the control plane itself. 500.
        case `internal`
    }

    package var description: String {
        var text = self.message
        if let location = self.location { text = "\(location): \(text)" }
        if let cause = self.cause { text += ": \(cause)" }
        if let remedy = self.remedy { text += " (\(remedy))" }
        return text
    }
}
