import Foundation
import Testing
import WeftModel

@testable import WeftControlPlane

/// What the API says of calls that it does not understand: which call, where, why and what to do, in our words.
@Suite struct APIMistakeTests {
    private func call(_ path: String, _ body: String, as caller: APICall.Caller = .local) -> APICall {
        APICall(
            method: "POST", path: path.split(separator: "/").map(String.init), query: [:], body: Array(body.utf8),
            caller: caller)
    }

    private func mistake<Value: Decodable>(_ type: Value.Type, _ path: String, _ body: String) -> APIError? {
        do throws(APIError) {
            _ = try APIService.decode(type, self.call(path, body))
            return nil
        } catch { return error }
    }

    /// Words of the language it is written in, which nobody who calls it needs to know.
    private static let foreign = [
        "Swift", "String", "Int", "Index", "Dictionary", "Array", "nitialize", "Decod", "raw",
    ]

    @Test(arguments: [
        (#"{"role": "root"}"#, "role", "it is none of viewer, operator and admin"),
        (#"{"purpose": "joining"}"#, "purpose", "it is none of join, api and agent"),
        (#"{"purpose": 7}"#, "purpose", "it is not a text"),
        (#"{"service": {}}"#, "service", "it is not a text"),
        (#"{"uses": "many"}"#, "uses", "it is not a whole number"),
        (#"{"uses": 1.5}"#, "uses", "the number 1.5 is too large, or not whole"),
        (#"{"ttlSeconds": 1e99}"#, "ttlSeconds", "the number 1e99 is too large, or not whole"),
        (#"[]"#, "", "it is not an object"), ("", "", "there is none"), ("{", "", "it is not JSON: byte 1: "),
        ("hello", "", "it is not JSON: byte 0: "), (#"{"uses": 1} x"#, "", "it is not JSON: byte 12: "),
    ])
    func `a request for a token that is wrong is told where and why`(body: String, place: String, cause: String) throws
    {
        let error = try #require(self.mistake(TokenRequest.self, "/v1/tokens", body))
        #expect(error.status == 400)
        #expect(error.message == "the body of POST /v1/tokens was not understood")
        #expect(error.location ?? "" == place)
        #expect(error.cause?.hasPrefix(cause) == true, "\(error)")
        #expect(error.remedy == "/openapi.json has its shape under TokenRequest")
        for word in Self.foreign { #expect(!"\(error.cause ?? "") \(error.location ?? "")".contains(word), "\(error)") }
    }

    @Test func `places in lists are counted, and what is missing is named`() throws {
        var error = try #require(
            self.mistake(ApplyRequest.self, "/v1/apply", #"{"documents": [{"file": "a", "text": "a"}, {"file": "b"}]}"#)
        )
        #expect(error.location == "documents[1]" && error.cause == "text is missing")
        error = try #require(self.mistake(ApplyRequest.self, "/v1/apply", #"{"documents": {}}"#))
        #expect(error.location == "documents" && error.cause == "it is not a list")
        error = try #require(self.mistake(ApplyRequest.self, "/v1/apply", #"{"documents": [], "dryRun": "yes"}"#))
        #expect(error.location == "dryRun" && error.cause == "it is not true or false")
        error = try #require(self.mistake(RotationRequest.self, "/v1/identity/rotation", "{}"))
        #expect(error.location == nil && error.cause == "action is missing")
        error = try #require(self.mistake(RotationRequest.self, "/v1/identity/rotation", #"{"action": null}"#))
        #expect(error.location == "action" && error.cause == "it is null, where there must be a text")
        error = try #require(self.mistake(RotationRequest.self, "/v1/identity/rotation", #"{"action": "rotate"}"#))
        #expect(error.cause == "it is none of intermediate, root, advance, withdraw and abort")
        error = try #require(
            self.mistake(RevocationRequest.self, "/v1/identity/revocations", #"{"identity": ["a"]}"#))
        #expect(error.location == "identity" && error.cause == "it is not a text")
        error = try #require(
            self.mistake(AuthorizationCheckRequest.self, "/v1/authorization/check", #"{"to": "a", "headers": []}"#))
        #expect(error.location == "headers" && error.cause == "it is not an object")
    }

    @Test func `a value is never repeated, for it may be a secret`() throws {
        let body = #"{"action": "root", "newRoot": {"rootCertificate": "a", "intermediateKey": "hush"}}"#
        let error = try #require(self.mistake(RotationRequest.self, "/v1/identity/rotation", body))
        #expect(error.location == "newRoot" && error.cause == "intermediateCertificate is missing")
        for body in [#"{"token": hush}"#, #"{"token": ["hush"]}"#, #"{"code": "a" "hush"}"#] {
            let error = try #require(self.mistake(DashboardLogin.self, "/v1/dashboard/sessions", body))
            #expect(!"\(error)".contains("hush"), "\(error)")
        }
    }

    @Test func `the call that is named is the whole call`() throws {
        let viewer = APICall.Caller.token(id: "t", role: .viewer)
        let error = #expect(throws: APIError.self) {
            try APIService.admit(self.call("/v1/identity/rotation", "", as: viewer))
        }
        #expect(error?.message == "you may not POST /v1/identity/rotation")
        let unknown = #expect(throws: APIError.self) {
            try APIService.admit(self.call("/v1/identity/rotations/a\nb", "", as: viewer))
        }
        #expect(unknown?.message == "there is no POST /v1/identity/rotations/a?b")
    }

    @Test func `refused calls are counted by kind, and those that do not exist by their beginning`() {
        var call = self.call("/v1/identity/rotation", "")
        #expect(call.kind == "POST /v1/identity/rotation")
        (call.method, call.path) = ("DELETE", ["v1", "tokens", "abc"])
        #expect(call.kind == "DELETE /v1/tokens/{id}")
        call.path = ["v1", "nothing", "abc", String(repeating: "x", count: 1000)]
        #expect(call.kind == "DELETE /v1/nothing")
    }

    @Test func `every body that is read is described by its name`() {
        for name in [
            "ApplyRequest", "AuthorizationCheckRequest", "TokenRequest", "DashboardLogin", "RotationRequest",
            "RevocationRequest",
        ] { #expect(OpenAPIDocument.text.contains("\"\(name)\":"), "\(name)") }
    }
}
