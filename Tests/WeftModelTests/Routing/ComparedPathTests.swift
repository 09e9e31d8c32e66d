import Testing

@testable import WeftModel

@Suite struct ComparedPathTests {
    @Test(arguments: [
        ("/a", "/a"), ("/a%3Ab", "/a:b"), ("/a%7cb", "/a|b"), ("/%61%22%3F%23", "/a\"?#"), ("/a%2fb", "/a%2Fb"),
        ("/a%5cb", "/a%5Cb"), ("/a%25%32%46", "/a%252F"), ("/a%20%7F%0a", "/a%20%7F%0A"), ("/%C3%a9", "/%C3%A9"),
        ("/a%", "/a%"), ("/a%4", "/a%4"), ("/a%zz%41", "/a%zzA"),
    ])
    func `visible ASCII stands as itself, and what separates or escapes stays escaped`(path: String, result: String) {
        #expect(ComparedPath.canonical(path) == result)
    }

    @Test(
        arguments: [
            ("/a", nil), ("/a;x/b", "/a/b"), ("/a;x=1;y/b;", "/a/b"), ("/;x/a", "/a"), ("/a/;x/b", "/a/b"),
            ("/a/;", "/a/"),
            (";a", ""),
        ] as [(String, String?)])
    func `parameters go with the segments that they leave empty`(path: String, result: String?) {
        #expect(ComparedPath.withoutParameters(path) == result)
    }
}
