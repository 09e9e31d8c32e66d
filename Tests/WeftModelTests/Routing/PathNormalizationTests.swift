import Testing

@testable import WeftModel

@Suite struct PathNormalizationTests {
    private func normal(_ target: String, keeps: Bool = false) -> PathNormalization.Outcome {
        var target = target
        return target.withUTF8 {
            PathNormalization.normalize(UnsafeRawBufferPointer($0), keepsEscapedSlashes: keeps)
        }
    }

    @Test(arguments: [
        "/", "/a", "/a/b?c=../d//e%2f", "/a/", "/a.b/c..d/...", "/a;x=1", "/caf%C3%A9", "*", "/a?%", "/a%20b", "/~x",
        "/.well-known/x", "/..a/b",
    ])
    func `what is normal stays as it is`(target: String) {
        #expect(self.normal(target) == .unchanged)
    }

    @Test(arguments: [
        ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/b/..", "/a/"), ("/a/.", "/a/"), ("/..", "/"), ("/../../a", "/a"),
        ("/a/%2e%2E/b", "/b"), ("/a/.%2e/b", "/b"), ("//a", "/a"), ("/a///b//", "/a/b/"), ("/%61dmin", "/admin"),
        ("/caf%c3%a9", "/caf%C3%A9"), ("/a%7eb", "/a~b"), ("/a/../b?c=/../d", "/b?c=/../d"), ("/v2/../ex", "/ex"),
        ("//..//", "/"), ("/a//../b", "/b"), ("/./?q", "/?q"), ("/a%3Bb%3bc", "/a%3Bb%3Bc"),
    ])
    func `spellings of one path become one`(target: String, result: String) {
        #expect(self.normal(target) == .changed(Array(result.utf8)))
        // And stay so.
        #expect(self.normal(result) == .unchanged)
    }

    @Test(arguments: [
        "/a\\b", "/a%", "/a%2", "/a%zz", "/a%2?", "/a%00", "/a%2fb", "/a%5Cb", "/..;/admin", "/.;x/a", "/%2e%2e;/a",
        "/a/..%3Bx/b", "/.%3b",
    ])
    func `what applications read in different ways is refused`(target: String) {
        guard case .refused(let cause) = self.normal(target) else { return #expect(Bool(false), "\(target)") }
        #expect(!cause.isEmpty)
    }

    @Test func `escaped slashes can be kept, as data of their segment`() {
        #expect(self.normal("/a%2fb/../c", keeps: true) == .changed(Array("/c".utf8)))
        #expect(self.normal("/projects/a%2Fb", keeps: true) == .unchanged)
        #expect(self.normal("/x%5c..%2f", keeps: true) == .changed(Array("/x%5C..%2F".utf8)))
    }

    @Test func `any bytes have one normal form, which is its own`() {
        var state: UInt64 = 7
        func next(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let alphabet = Array("/.%2eEfF5cC;a?\\".utf8)
        for _ in 0..<20_000 {
            let bytes =
                [UInt8(ascii: "/")] + (0..<(1 + next(below: 16))).map { _ in alphabet[next(below: alphabet.count)] }
            let once = bytes.withUnsafeBytes { PathNormalization.normalize($0, keepsEscapedSlashes: true) }
            guard case .changed(let result) = once else { continue }
            let path = result.prefix { $0 != UInt8(ascii: "?") }
            #expect(result.first == UInt8(ascii: "/"))
            #expect(!String(decoding: path, as: UTF8.self).contains("//"), "\(String(decoding: bytes, as: UTF8.self))")
            let twice = result.withUnsafeBytes { PathNormalization.normalize($0, keepsEscapedSlashes: true) }
            #expect(twice == .unchanged, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
