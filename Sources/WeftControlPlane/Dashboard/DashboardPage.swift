internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The dashboard's page over HTTP: its files, the fields that keep it apart from other sites, and its cookie.
///
/// The files have nothing secret in them and need no credentials; what they show does.
enum DashboardPage {
    private static let cookieName = "weft_dashboard"

    /// What a page of another origin could do with ours: nothing. Everything it runs and shows comes from here.
    private static let fields: [(String, String)] = [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
    ]

    /// A file of the page, or the way to it; nil where the call is for neither.
    static func answer(_ request: Request) -> Response? {
        guard request.method == .get else { return nil }
        if request.uri.path == "/" || request.uri.path == "/dashboard" {
            return self.guarded(Response(status: .found, headers: [.location: "/dashboard/"]))
        }
        guard request.uri.path.hasPrefix("/dashboard/") else { return nil }
        let name = String(request.uri.path.dropFirst("/dashboard/".count))
        guard let file = DashboardAssets.files[name.isEmpty ? "index.html" : name] else {
            return self.guarded(Response(status: .notFound))
        }
        return self.guarded(
            Response(
                status: .ok, headers: [.contentType: self.type(of: name), .cacheControl: "no-cache"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: file))))
    }

    static func guarded(_ response: Response) -> Response {
        var response = response
        for (name, value) in self.fields {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        return response
    }

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "text/html; charset=utf-8"
        }
    }

    /// Whether a call names this machine as loopback does. Other names may be anybody's.
    static func isLocal(_ authority: String?) -> Bool {
        guard var host = authority?[...] else { return false }
        if let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) {
            host = host[..<colon]
        }
        return ["127.0.0.1", "localhost", "[::1]"].contains(host.lowercased())
            || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." }
    }

    /// Whether the page itself sends it: JSON, which no form sends, and no other site by the browser's own word.
    static func isOwn(_ request: Request) -> Bool {
        guard request.headers[.contentType]?.hasPrefix("application/json") == true else { return false }
        guard let name = HTTPField.Name("sec-fetch-site"), let site = request.headers[name] else { return true }
        return site == "same-origin" || site == "none"
    }

    /// The half of a session that the page keeps, in a field that no form or foreign page can send.
    static func key(of request: Request) -> String? {
        request.headers.first { $0.name.canonicalName == "x-weft-dashboard" }?.value
    }

    static func cookie(of request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let sides = pair.split(separator: "=", maxSplits: 1)
                if sides.count == 2, sides[0].drop(while: { $0 == " " }) == self.cookieName { return String(sides[1]) }
            }
        }
        return nil
    }

    /// An empty value takes the cookie away.
    static func setCookie(_ value: String, isTLS: Bool) -> String {
        "\(self.cookieName)=\(value); Path=/v1; HttpOnly; SameSite=Strict; Max-Age=\(value.isEmpty ? 0 : 43_200)"
            + (isTLS ? "; Secure" : "")
    }
}
