internal import Foundation
internal import WeftModel

/// One call of the API, free of HTTP's machinery.
struct APICall: Sendable {
    var method: String
    /// Decoded segments, `["v1", "apply"]`.
    var path: [String]
    var query: [String: String]
    var body: [UInt8]
    var caller: Caller
    /// Where it comes from, for the log: an address, or `local`.
    var source = "local"
    /// Its `Accept`.
    var accept: String?
    /// How the caller addressed the API: its `Host`; nil over the socket.
    var host: String?

    /// The path as people write it, short and in one line.
    var pathText: String {
        let text = "/" + self.path.joined(separator: "/")
        return String(
            text.prefix(200).map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? "?" : $0 }
        )
    }

    /// `POST /v1/tokens`: how messages name the call.
    var name: String { "\(self.method.prefix(16)) \(self.pathText)" }

    /// `DELETE /v1/tokens/{id}`: what is counted as one kind of call, however many a caller makes up.
    var kind: String {
        let known = APIPermissions.label(method: self.method, path: self.path)
        guard known == "unknown" else { return known }
        var short = self
        short.path = Array(self.path.prefix(2))
        return String(short.name.prefix(80))
    }

    /// Who is calling.
    enum Caller: Hashable, Sendable, CustomStringConvertible {
        /// Over the Unix socket, which only its owner can open.
        case local
        case token(id: String, role: APIRole)
        /// One with a certificate of this mesh; nil is no role: not every workload may call the API.
        case peer(SPIFFEID, role: APIRole?)
        /// A browser with the dashboard, which may only look, and end its session: the hash that names that.
        case dashboard(opener: String, session: String = "")
        case anonymous

        /// What it may do; nil: nothing.
        var role: APIRole? {
            switch self {
            case .local: .admin
            case .token(_, let role): role
            case .peer(_, let role): role
            case .dashboard: .viewer
            case .anonymous: nil
            }
        }

        var description: String {
            switch self {
            case .local: "local"
            case .token(let id, _): "token \(id)"
            case .peer(let id, _): id.description
            case .dashboard(let opener, _): "dashboard of \(opener)"
            case .anonymous: "anonymous"
            }
        }
    }
}

/// What the API answers.
struct APIReply: Hashable, Sendable {
    var status: Int
    var contentType = "application/json"
    var body: [UInt8]
    /// A session of the dashboard for the browser to keep.
    var cookie: String?

    init(status: Int = 200, contentType: String = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// A value as JSON.
    init(_ value: some Encodable, status: Int = 200) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.init(status: status, body: Array(try encoder.encode(value)))
    }
}
