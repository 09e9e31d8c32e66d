import Testing

@testable import WeftModel

extension PatternProgram {
    /// What the program says, one instruction after another: slow, and easy to believe.
    fileprivate func walk(_ value: [UInt8]) -> Bool {
        var now = Places(capacity: self.instructions.count)
        self.reach(0, atStart: true, atEnd: value.isEmpty, into: &now)
        for (index, byte) in value.enumerated() {
            var next = Places(capacity: self.instructions.count)
            for place in now.list {
                guard case .take(let set) = self.instructions[place], set.contains(byte) else { continue }
                self.reach(place + 1, atStart: false, atEnd: index == value.count - 1, into: &next)
            }
            now = next
        }
        return self.accepts(now)
    }
}

@Suite struct RegularExpressionTests {
    /// What each way of running an expression answers; nil where it cannot be run in that way.
    private func answers(_ text: String, _ value: String) throws -> [Bool?] {
        let program = try PatternProgram(parsing: text)
        let places = try PatternPlaces(program)
        let bytes = Array(value.utf8)
        var steps = 0
        return bytes.withUnsafeBytes { value in
            [
                PatternAutomaton(places)?.matches(value, steps: &steps),
                PatternBits(places)?.matches(value, steps: &steps), program.walk(bytes),
            ]
        }
    }

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
        #expect(try self.answers(text, value) == [matches, matches, matches])
    }

    @Test(arguments: 0..<40)
    func `both ways of running an expression say what its program says`(seed: UInt64) throws {
        // Any generator will do, as long as a failure can be repeated.
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func below(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
        func expression(_ depth: Int) -> String {
            guard depth > 0 else { return ["a", "b", "[ab]", ".", "[^a]", "c", "^", "$", ""][below(9)] }
            switch below(7) {
            case 0: return "(\(expression(depth - 1)))*"
            case 1: return "(\(expression(depth - 1)))+"
            case 2: return "(\(expression(depth - 1)))?"
            case 3: return "(\(expression(depth - 1))|\(expression(depth - 1)))"
            case 4: return "(\(expression(depth - 1))){\(below(3)),\(2 + below(3))}"
            default: return expression(depth - 1) + expression(depth - 1)
            }
        }
        for _ in 0..<15 {
            let text = expression(3)
            for _ in 0..<15 {
                let value = String((0..<below(9)).map { _ in ["a", "b", "c"][below(3)] as Character })
                let answers = try self.answers(text, value)
                let expected = answers[2]
                #expect(answers.allSatisfy { $0 == nil || $0 == expected }, "\(text) of \(value)")
            }
        }
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

    @Test func `an expression in many places at once takes no more steps for a byte than it may`() throws {
        let value = Array(String(repeating: "a", count: 3_000).utf8)
        for text in [
            ".*a.{120}b", "(a|b)*a(a|b){60}c", "(a?){80}(a+)+b", "(.*a){60}(.*b){60}", "(a|a?)+(.{40}|.{80})c",
        ] {
            let expression = try RegularExpression(text)
            var steps = 0
            #expect(!value.withUnsafeBytes { expression.matches($0, steps: &steps) })
            #expect(steps <= value.count * RegularExpression.maxSteps, "\(text)")
        }
    }

    @Test(arguments: [
        ".*a.{1000}.{1000}.{1000}.{900}b", ".*a.{130}", "(a?){1000}(a?){1000}b", "(.|a)*b[^/]{300}",
    ])
    func `an expression that would take too long for a byte is refused, and it is said what to write`(
        text: String
    ) throws {
        let error = try #require(throws: PatternError.self) { try RegularExpression(text) }
        #expect(error.remedy != nil)
    }

    @Test func `a long expression is in order where it is in few places at once`() throws {
        let words = (0..<90).map { "word\($0)x" }
        for (text, value, other) in [
            (String(repeating: "abcdefghij", count: 100), String(repeating: "abcdefghij", count: 100), "abcdefghij"),
            ("[^/]{1,255}/[^/]{1,255}", "a/" + String(repeating: "b", count: 255), "a/b/c"),
            ("/files/[0-9a-f]{1000}", "/files/" + String(repeating: "7", count: 1_000), "/files/7"),
            (".*(" + words.joined(separator: "|") + ").*", "a word7x b", "a word7y b"),
            ("(.*a){200}", String(repeating: "ba", count: 200), String(repeating: "ba", count: 199)),
        ] {
            let expression = try RegularExpression(text)
            #expect(expression.matches(value) && !expression.matches(other), "\(text)")
        }
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
