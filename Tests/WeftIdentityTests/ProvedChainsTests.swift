import Foundation
import Testing
import WeftIdentity

@Suite struct ProvedChainsTests {
    @Test func `a chain is judged anew, as of now, and one that is not known has shown nothing`() throws {
        let root = try Forge.make(.authority("root"))
        let leaf = try Forge.make(Forge.Spec(), by: root)
        let (verifier, chains) = (try Forge.verifier([root]), ProvedChains())
        let der = try leaf.der
        #expect(throws: SVIDError.noCertificate) { try chains.verify(leaf: der, by: verifier, now: Forge.now) }
        #expect(throws: SVIDError.noCertificate) { try chains.verify(leaf: nil, by: verifier, now: Forge.now) }
        chains.note([der])
        #expect(try chains.verify(leaf: der, by: verifier, now: Forge.now).id == Forge.id)
        let later = Forge.now.addingTimeInterval(7200)
        #expect(throws: SVIDError.self) { try chains.verify(leaf: der, by: verifier, now: later) }
        #expect(throws: SVIDError.self) {
            try chains.verify(leaf: der, by: Forge.verifier([]), now: Forge.now)
        }
    }

    @Test func `the oldest is forgotten when there are too many`() throws {
        let chains = ProvedChains()
        let verifier = try Forge.verifier([])
        for number in 0..<1025 { chains.note([[UInt8(number >> 8), UInt8(number & 0xff)]]) }
        #expect(throws: SVIDError.noCertificate) { try chains.verify(leaf: [0, 0], by: verifier, now: Forge.now) }
        // Known, though it is no certificate.
        #expect {
            try chains.verify(leaf: [0, 1], by: verifier, now: Forge.now)
        } throws: { error in
            if case .malformed? = error as? SVIDError { true } else { false }
        }
    }
}
