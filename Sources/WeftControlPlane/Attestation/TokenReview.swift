internal import WeftIdentity

/// The question to a Kubernetes API server whose a service-account token is, and what its answer means.
///
/// Source: Kubernetes `authentication.k8s.io/v1` TokenReview.
enum TokenReview {
    static let path = "/apis/authentication.k8s.io/v1/tokenreviews"
    /// The most bytes of an answer.
    static let maxReplyBytes = 256 << 10
    /// The most bytes of a token.
    static let maxTokenBytes = 16 << 10

    enum Verdict: Hashable, Sendable {
        case account(namespace: String, name: String)
        case refused(cause: String)
        case unavailable(cause: String)
    }

    /// Whether a text can be a service-account token at all: three parts in base64url. Others are not asked about.
    static func isToken(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= Self.maxTokenBytes && parts.count == 3
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                            true
                        default: false
                        }
                    }
            }
    }

    static func request(token: String, audience: String) -> [UInt8] {
        let spec: StrictJSON = .object(["token": .text(token), "audiences": .list([.text(audience)])])
        return Array(
            StrictJSON.object([
                "apiVersion": .text("authentication.k8s.io/v1"), "kind": .text("TokenReview"), "spec": spec,
            ]).compact.utf8)
    }

    /// What an answer says. Nothing of the token is in it: an API server repeats the question in its answer.
    static func verdict(status: Int, body: [UInt8], audience: String) -> Verdict {
        guard status == 200 || status == 201 else {
            let cause = "the Kubernetes API server answered \(status)"
            // Our own token or our right to ask is at fault, not the caller.
            return .unavailable(
                cause: status == 401 || status == 403
                    ? "\(cause): the control plane may not ask it about tokens (it needs system:auth-delegator)" : cause
            )
        }
        guard let json = try? StrictJSON(body), let answer = json.object?["status"]?.object else {
            return .unavailable(cause: "the Kubernetes API server's answer is no TokenReview")
        }
        guard answer["authenticated"] == .boolean(true) else {
            let cause = answer["error"]?.text.map { ": \(Self.harmless($0))" } ?? ""
            return .refused(cause: "the Kubernetes API server does not know the token\(cause)")
        }
        guard let audiences = answer["audiences"]?.list, audiences.contains(.text(audience)) else {
            return .refused(cause: "the token is not for the audience \(audience)")
        }
        let user = answer["user"]?.object
        let parts = (user?["username"]?.text ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount",
            user?["groups"]?.list?.contains(.text("system:serviceaccounts")) == true,
            Self.isName(parts[2]), Self.isName(parts[3])
        else { return .refused(cause: "the token is not a service account's") }
        return .account(namespace: String(parts[2]), name: String(parts[3]))
    }

    /// The start of a server's explanation. A long run without a space is left out: it may be a token.
    private static func harmless(_ text: String) -> String {
        text.prefix(300).split(separator: " ").map { $0.utf8.count > 48 ? "…" : String($0) }.joined(separator: " ")
    }

    /// Names of Kubernetes that fit a SPIFFE ID as they are.
    private static func isName(_ text: Substring) -> Bool {
        (1...253).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}
