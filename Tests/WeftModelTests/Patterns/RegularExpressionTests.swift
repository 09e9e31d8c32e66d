import Testing

@testable import WeftModel

@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("abc", "abc", true), ("abc", "abcd", false), ("abc", "xabc", false), ("", "", true), ("", "a", false),
        ("a|bc|d", "bc", true), ("a|bc|d", "ab", false), ("(a|b)+c", "abbac", true), ("(a|b)+c", "c", false),
        ("/users/[0-9]+", "/users/42", true), ("/users/[0-9]+", "/users/", false), ("/users/\\d+", "/users/7", true),
        ("/v[12]/.*", "/v2/x/y", true), ("/v[12]/.*", "/v3/x", false), ("[^/]+", "a/b", false), ("[^/]+", "ab", true),
        ("a{2,3}", "a", false), ("a{2,3}", "aaa", true), ("a{2,3}", "aaaa", false), ("a{2}", "aa", true),
        ("a{2,}", "aaaaa", true), ("a{2,}", "a", false), ("a?b", "b", true), ("a*?b", "aab", true),
        ("^abc$", "abc", true), ("a$|b", "b", true), ("a^b", "ab", false), ("a*$^?", "aa", true), ("a*$^", "aa", false),
        ("a*$^", "", true), ("(?i)HeLLo", "hEllO", true), ("(?i)[a-c]x", "BX", true), ("\\.\\*", ".*", true),
        ("[a\\-z]", "-", true), ("[]a]", "]", true), ("[a-]", "-", true), ("\\w+\\s\\w+", "ab cd", true),
        ("\\D", "1", false), ("(?:ab)*", "ababab", true), ("(?P<name>a)", "a", true), ("(?<name>a)", "a", true),
        ("é", "é", true), ("(|a)b", "b", true), ("(a*)*", "aaaa", true), ("x(a|ab)(c|bcd)", "xabcd", true),
    ])
    func `an expression matches whole values`(text: String, value: String, matches: Bool) throws {
        #expect(try RegularExpression(text).matches(value) == matches)
        let program = try PatternProgram(parsing: text)
        #expect(Array(value.utf8).withUnsafeBytes { program.matches($0) } == matches)
    }

    @Test(arguments: [
        "(", ")", "[a", "a{2", "a{3,2}", "a{1001}", "*a", "a\\", "\\1", "(?=a)", "(?<=a)", "(?!a)", "\\b", "[z-a]",
        "[[:alpha:]]", "((((a{100}){100}){100}){100})", "{",
    ])
    func `what cannot be honoured in linear time is refused with a cause`(text: String) {
        #expect(throws: PatternError.self) { try RegularExpression(text) }
    }

    @Test func `an expression longer than 1024 bytes is refused`() {
        #expect(throws: PatternError.self) { try RegularExpression(String(repeating: "a", count: 1025)) }
    }

    @Test func `an expression whose automaton would be too large still matches`() throws {
        let expression = try RegularExpression("(a|b)*a(a|b){12}")
        #expect(expression.matches("bbb" + "a" + "abababababab"))
        #expect(!expression.matches("bbb" + "b" + "abababababab"))
    }

    @Test func `what makes a backtracking engine run for ever takes one pass`() throws {
        let expression = try RegularExpression("(a+)+(a+)+(a+)+b")
        #expect(!expression.matches(String(repeating: "a", count: 20_000)))
    }

    @Test(arguments: [
        ("/api/v1/.*", "/api/v1/"), ("/a+", "/a"), ("/ab?", "/a"), ("a|b", ""), ("(?i)/a", "/"), ("^/x[0-9]", "/x"),
        ("/a{2}b", "/aab"), ("(/a)*b", ""),
    ])
    func `the literal prefix is what every match begins with`(text: String, prefix: String) throws {
        #expect(String(decoding: try RegularExpression(text).literalPrefix, as: UTF8.self) == prefix)
    }
}
