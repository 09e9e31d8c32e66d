import Testing
import WeftIdentity

@Suite struct ConcatenatedDERTests {
    /// Bytes in hex, and the values in them.
    @Test(
        arguments: [
            ("", []), ("3000", ["3000"]), ("3001093000", ["300109", "3000"]), ("30810109", ["30810109"]),
            ("3082000109", ["3082000109"]),
        ] as [(String, [String])])
    func `values are told apart by their lengths`(bytes: String, values: [String]) throws {
        let bytes = try #require(Hex.decode(bytes))
        let split = try #require(ConcatenatedDER.split(bytes))
        #expect(split.map { Hex.encode($0) } == values)
    }

    /// Cut off, of indefinite length, too long, no sequence, and more behind a whole value.
    @Test(arguments: ["30", "300209", "30800000", "308201", "3100", "30850000000000", "3084ffffffff", "300007"])
    func `what is no row of values is none`(bytes: String) throws {
        let bytes = try #require(Hex.decode(bytes))
        #expect(ConcatenatedDER.split(bytes) == nil)
    }
}
