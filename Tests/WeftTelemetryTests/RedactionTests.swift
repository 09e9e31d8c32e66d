import Testing

@testable import WeftTelemetry

@Suite struct RedactionTests {
    private let redaction = Redaction(headers: ["X-Secret"], parameters: ["Pin"])

    @Test(arguments: [
        ("/a", "/a"), ("/a?", "/a?"), ("/a?b=1&c=2", "/a?b=1&c=2"), ("/a?token=x", "/a?token=[redacted]"),
        ("/a?b=1&ACCESS_TOKEN=x&c=2", "/a?b=1&ACCESS_TOKEN=[redacted]&c=2"),
        ("/a?b=1;password=x;c", "/a?b=1;password=[redacted];c"), ("/a?%74oken=x", "/a?%74oken=[redacted]"),
        ("/a?pin=1&tokens=2", "/a?pin=[redacted]&tokens=2"), ("/a?token", "/a?token"),
        ("/a?token=", "/a?token=[redacted]"),
        ("/a?x=1&&token=a=b", "/a?x=1&&token=[redacted]"), ("/a?%=1&%7=2&%zz=3", "/a?%=1&%7=2&%zz=3"),
        ("/a?token[]=x", "/a?token[]=[redacted]"), ("/a?token%5b%5D=x", "/a?token%5b%5D=[redacted]"),
        ("/a?user[password]=x&u[name]=y", "/a?user[password]=[redacted]&u[name]=y"),
        ("/a?access_token%00=x", "/a?access_token%00=[redacted]"), ("/a?tok%00en=x", "/a?tok%00en=[redacted]"),
        ("/a?token%00b=x", "/a?token%00b=[redacted]"),
        ("/a?%20token=x&+sig=y", "/a?%20token=[redacted]&+sig=[redacted]"),
        ("/a?b=1#token=x", "/a?b=1#token=[redacted]"), ("/a#token=x", "/a#token=[redacted]"),
        ("/a?tokens[]=x&[token=y&sig]=z", "/a?tokens[]=x&[token=[redacted]&sig]=[redacted]"),
        ("/a?b[c]=1&d+e=2", "/a?b[c]=1&d+e=2"),
        ("/token=x", "/token=x"), ("/a?b?token=x", "/a?b?token=x"), ("/é?é=1&sig=é", "/é?é=1&sig=[redacted]"),
    ])
    func `values of secret parameters are replaced, and nothing else`(path: String, expected: String) {
        #expect(self.redaction.path(path) == expected)
    }

    @Test func `values of secret headers are replaced`() {
        #expect(self.redaction.value("Bearer x", of: "authorization") == "[redacted]")
        #expect(self.redaction.value("a=b", of: "cookie") == "[redacted]")
        #expect(self.redaction.value("x", of: "x-secret") == "[redacted]")
        #expect(self.redaction.value("x", of: "accept") == "x")
        #expect(self.redaction.value("http://a/b?token=x", of: "referer") == "http://a/b?token=[redacted]")
    }

    @Test(arguments: [
        ("http://u:SECRET@h/", "http://[redacted]@h/"),
        ("https://u@h:1/p?token=x", "https://[redacted]@h:1/p?token=[redacted]"),
        ("//u:p@q@h", "//[redacted]@h"), ("http://h/a@b?c=@", "http://h/a@b?c=@"), ("h/a", "h/a"), ("", ""),
    ])
    func `an address is told without the name and password before its host`(address: String, expected: String) {
        for name in ["referer", "location", "origin"] { #expect(self.redaction.value(address, of: name) == expected) }
    }

    @Test func `who calls is not told with a password`() {
        #expect(self.redaction.authority("me:secret@billing:80") == "[redacted]@billing:80")
        #expect(self.redaction.authority("billing:80") == "billing:80")
    }
}
