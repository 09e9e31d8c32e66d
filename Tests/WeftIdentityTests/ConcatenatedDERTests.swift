import Testing
import WeftIdentity

@Suite struct ConcatenatedDERTests {
    @Test(arguments: [
        ([UInt8](), [[UInt8]]()), ([0x30, 0], [[0x30, 0]]), ([0x30, 1, 9, 0x30, 0], [[0x30, 1, 9], [0x30, 0]]),
        ([0x30, 0x81, 1, 9], [[0x30, 0x81, 1, 9]]), ([0x30, 0x82, 0, 1, 9], [[0x30, 0x82, 0, 1, 9]]),
        // Cut off, indefinite, too long, and no sequence.
        ([0x30], nil), ([0x30, 2, 9], nil), ([0x30, 0x80, 0, 0], nil), ([0x30, 0x82, 1], nil), ([0x31, 0], nil),
        ([0x30, 0x85, 0, 0, 0, 0, 0], nil), ([0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], nil), ([0x30, 0, 7], nil),
    ])
    func `values are told apart by their lengths`(bytes: [UInt8], values: [[UInt8]]?) {
        #expect(ConcatenatedDER.split(bytes) == values)
    }
}
