import Testing
import WeftMessage

@Suite struct HeaderSpellingTests {
    /// A block as a codec builds it from names as they were written.
    static func block(_ names: [String]) -> HeaderBlock {
        var block = HeaderBlock()
        for (index, name) in names.enumerated() {
            if index == 0 { Array(name.utf8).withUnsafeBytes { block.takeForm(fromFirst: $0) } }
            block.append(name, "\(index)")
            Array(name.utf8).withUnsafeBytes { block.keepSpellingOfLast($0) }
        }
        return block
    }

    private static func spellings(_ block: HeaderBlock) -> [String] {
        (0..<block.count).map { block.spelling(at: $0) }
    }

    /// The block as HTTP/2 brings it to the other sidecar: names in lower case and values, nothing else.
    private static func carried(_ block: HeaderBlock) -> HeaderBlock {
        var copy = HeaderBlock()
        for index in 0..<block.count { copy.append(block.name(at: index), block.value(at: index)) }
        return copy
    }

    @Test(arguments: [
        (["User-Agent", "Content-Type"], "t"), (["user-agent", "x-a"], nil),
        (["Accept", "ETag", "X-Request-ID", "X-Other"], "t,ETag,X-Request-ID"),
        (["User-Agent", "sec-ch-ua", "WWW-Authenticate"], "t,sec-ch-ua,WWW-Authenticate"),
        (["x-a", "X-REQUEST-ID", "Date"], "l,X-REQUEST-ID,Date"),
        (["X-1-a", "X--B", "X_c-D"], "t,X-1-a"), (["_Odd", "Accept"], "l,_Odd,Accept"), ([], nil),
    ])
    func `what was written is written again at the other end of HTTP 2`(names: [String], field: String?) {
        var sent = Self.block(names)
        #expect(Self.spellings(sent) == names)
        sent.recordSpelling()
        #expect(sent[.weftCase] == field)
        var received = Self.carried(sent)
        received.restoreSpelling()
        #expect(!received.contains(.weftCase))
        #expect(Self.spellings(received) == names)
        #expect(received == Self.block(names))
    }

    @Test func `a field added in between is written in the block's form, and one that went takes its spelling along`() {
        var sent = Self.block(["Host-Like", "ETag", "X-ID", "DNT"])
        sent.recordSpelling()
        var received = Self.carried(sent)
        received.remove(.etag)
        received.append("x-added", "1")
        received.set("dnt", "0")
        received.restoreSpelling()
        #expect(Self.spellings(received) == ["Host-Like", "X-ID", "X-Added", "DNT"])
    }

    @Test func `a changed value keeps its field's spelling`() {
        var block = Self.block(["Accept", "ETag"])
        block.set(.etag, "changed")
        #expect(Self.spellings(block) == ["Accept", "ETag"])
        #expect(block[.etag] == "changed")
    }

    @Test func `each of several fields of one name may have its spelling`() {
        var sent = Self.block(["Accept", "SET-COOKIE", "x-id", "Set-cookie", "X-ID"])
        sent.recordSpelling()
        var received = Self.carried(sent)
        received.restoreSpelling()
        #expect(Self.spellings(received) == ["Accept", "SET-COOKIE", "x-id", "Set-cookie", "X-ID"])
    }

    @Test func `recording again replaces what was recorded, and what a caller sent`() {
        var block = Self.block(["Accept", "ETag"])
        block.append(.weftCase, "l,forged")
        block.recordSpelling()
        block.recordSpelling()
        #expect(block.values(of: "x-weft-case") == ["t,ETag"])
        var plain = Self.block(["accept"])
        plain.append(.weftCase, "t")
        plain.recordSpelling()
        #expect(!plain.contains(.weftCase))
    }

    @Test(arguments: [
        ("t", ["X-A", "Etag"]), ("l", ["x-a", "etag"]), ("", ["x-a", "etag"]), ("x", ["x-a", "etag"]),
        ("T", ["x-a", "etag"]), ("tETag", ["x-a", "etag"]), ("t ,ETag", ["x-a", "etag"]), (",ETag", ["x-a", "etag"]),
        ("t,", ["X-A", "Etag"]), ("t,,,,ETag", ["X-A", "ETag"]), ("t,ETag,eTAG,ETAG", ["X-A", "ETag"]),
        ("t,Content-Length", ["X-A", "Etag"]), ("t,X-A: b", ["X-A", "Etag"]), ("t,x\ra", ["X-A", "Etag"]),
        ("t,X\u{0d}A", ["X-A", "Etag"]), ("t, ETag", ["X-A", "Etag"]), ("l,X\u{2d}A,:path", ["X-A", "etag"]),
        ("t,eTaG;x", ["X-A", "Etag"]), ("l,ET\u{1}g", ["x-a", "etag"]),
    ])
    func `a hostile value can change the case of names, and nothing else`(value: String, expected: [String]) {
        let plain: HeaderBlock = ["x-a": "1", "etag": "2"]
        var block = plain
        block.append(.weftCase, value)
        block.append(.weftCase, "l,X-a")
        block.restoreSpelling()
        #expect(Self.spellings(block) == expected)
        #expect(block == plain)
    }

    @Test func `a value full of spellings is followed as far as a hundred`() {
        var block = HeaderBlock()
        for index in 0..<200 { block.append("x-\(index)a", "") }
        let names = (0..<200).map { "X-\($0)A" }
        block.append(.weftCase, "l," + names.joined(separator: ","))
        block.restoreSpelling()
        #expect(Self.spellings(block) == names[..<100] + (100..<200).map { "x-\($0)a" })
        var sent = Self.block(["a"] + names)
        sent.recordSpelling()
        #expect(sent[.weftCase] == "l," + names[..<100].joined(separator: ","))
    }

    @Test func `a head built from others' fields keeps their spelling`() {
        let head = RequestHead(
            method: .get, authority: "billing", path: "/", headers: Self.block(["Accept", "DNT"]))
        #expect(Self.spellings(head.headers).suffix(2) == ["Accept", "DNT"])
    }
}
