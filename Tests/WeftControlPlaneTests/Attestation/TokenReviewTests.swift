import Testing

@testable import WeftControlPlane

@Suite struct TokenReviewTests {
    private func verdict(_ status: String, code: Int = 201) -> TokenReview.Verdict {
        TokenReview.verdict(status: code, body: Array(#"{"status": \#(status)}"#.utf8), audience: "weft")
    }

    private func answer(
        authenticated: String = "true", user: String = "system:serviceaccount:shop:billing",
        groups: String = #"["system:serviceaccounts"]"#, audiences: String = #"["weft"]"#
    ) -> String {
        #"{"authenticated": \#(authenticated), "user": {"username": "\#(user)", "groups": \#(groups)}, "audiences": \#(audiences)}"#
    }

    @Test func `a token that the API server knows, for us, is its service account's`() {
        #expect(self.verdict(self.answer()) == .account(namespace: "shop", name: "billing"))
    }

    @Test func `everything short of that is refused`() {
        for answer in [
            self.answer(authenticated: "false"), self.answer(authenticated: "\"true\""), self.answer(audiences: "[]"),
            self.answer(audiences: #"["api"]"#), self.answer(user: "system:serviceaccount:shop"),
            self.answer(user: "system:node:a:b"), self.answer(user: "jane"), self.answer(groups: "[]"),
            self.answer(user: "system:serviceaccount:shop:../admin"), self.answer(user: "system:serviceaccount:shop:"),
            self.answer(user: "system:serviceaccount:shop:A"), "{}",
        ] {
            guard case .refused = self.verdict(answer) else {
                Issue.record("\(answer) was not refused")
                continue
            }
        }
    }

    @Test func `a server that cannot say is not a refusal, and a token it repeats is not told on`() {
        for code in [200 + 2, 401, 403, 404, 429, 500, 503] {
            guard case .unavailable = self.verdict(self.answer(), code: code) else {
                Issue.record("\(code) was taken for an answer")
                continue
            }
        }
        #expect(
            TokenReview.verdict(status: 201, body: Array("nonsense".utf8), audience: "weft")
                == .unavailable(cause: "the Kubernetes API server's answer is no TokenReview"))
        let long = String(repeating: "a", count: 100)
        let refused = self.verdict(#"{"authenticated": false, "error": "invalid token \#(long)"}"#)
        #expect(refused == .refused(cause: "the Kubernetes API server does not know the token: invalid token …"))
    }

    @Test(arguments: ["", "a", "a.b", "a.b.c.d", "a..c", "a.b.c\r\nx", "a.b.ü", "a b.c.d"])
    func `what has not the form of a token is not asked about`(text: String) {
        #expect(!TokenReview.isToken(text))
        #expect(TokenReview.isToken("eyJh-_.eyJz.c2ln"))
        #expect(!TokenReview.isToken("a.b." + String(repeating: "c", count: TokenReview.maxTokenBytes)))
    }
}
