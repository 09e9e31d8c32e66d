import Crypto
import Foundation
import Testing
import WeftIdentity
import WeftModel

@Suite struct WorkloadIdentityTests {
    func identity() throws -> WorkloadIdentity {
        var random = SeededRandom(3)
        let authority = try CertificateAuthority(trustDomain: Forge.domain, now: Forge.now, random: &random)
        let key = P256.Signing.PrivateKey()
        let svid = try authority.issue(
            csrDER: SigningRequest.der(for: key), identity: Forge.id, now: Forge.now, random: &random)
        return try WorkloadIdentity(key: key, chain: svid.chain, bundle: svid.bundle, now: Forge.now)
    }

    @Test func `what is saved is loaded`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        let nothing = try WorkloadIdentity.load(from: files)
        #expect(nothing?.id == nil)
        let saved = try self.identity()
        try saved.save(to: files)
        let loaded = try #require(try WorkloadIdentity.load(from: files))
        #expect(loaded.id == saved.id)
        #expect(loaded.keyDER == saved.keyDER)
        #expect(loaded.chain == saved.chain)
        #expect(loaded.bundle == saved.bundle)
        #expect(loaded.notAfter == saved.notAfter)
        #expect(loaded.serial == saved.serial)
    }

    @Test func `certificates for another key are refused`() throws {
        let identity = try self.identity()
        #expect(throws: WorkloadIdentityError.damaged("the certificate is for another key")) {
            try WorkloadIdentity(
                key: P256.Signing.PrivateKey(), chain: identity.chain, bundle: identity.bundle, now: Forge.now)
        }
    }

    @Test func `certificates under another root are refused`() throws {
        let identity = try self.identity()
        let other = try self.identity()
        #expect(throws: WorkloadIdentityError.self) {
            try WorkloadIdentity(key: identity.key, chain: identity.chain, bundle: other.bundle, now: Forge.now)
        }
    }

    @Test func `damaged files say so`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        try self.identity().save(to: files)
        try files.write(WorkloadIdentity.fileName, Array("-----BEGIN CERTIFICATE-----\nAAAA\n".utf8))
        #expect(throws: WorkloadIdentityError.self) { try WorkloadIdentity.load(from: files) }
        try self.identity().save(to: files)
        try files.remove(WorkloadIdentity.bundleFileName)
        #expect(throws: WorkloadIdentityError.self) { try WorkloadIdentity.load(from: files) }
    }
}
